import type { CallLimits } from '../calls/limits.js';
import { unsentAttempts } from '../calls/pool-channel.js';
import { parseDuration } from '../config/duration.js';
import type { ResolvedConfig } from '../config/options.js';
import { retryDecision } from '../errors/retry-decision.js';
import { fullJitterBackoff } from '../time/backoff.js';
import { systemClock } from '../time/clock.js';
import type { RetryRules } from '../time/retry.js';
import { RetryBudget } from '../time/retry-budget.js';
import type { AcquireOptions, CallRetryOptions } from './acquire-options.js';

/**
 * How many calls may be repeated that a server refused because it is shutting down or overloaded, or did not answer:
 * one in five, one a second, and ten at the start. The pool may save up as many as it has connections, because a node
 * that shuts down refuses one call on each of them.
 */
const retryBudget = { share: 0.2, perSecond: 1, reserve: 10 } as const;

/** The limits and retry rules of calls: from the configuration of the pool and the options of the caller. */
export class CallRules {
  readonly #limits: CallLimits;
  readonly #retryPolicy: ResolvedConfig['pool']['retryPolicy'];
  readonly #budget: RetryBudget;
  readonly #ending: AbortSignal;
  #ofCalls: RetryRules<MayRead> | undefined;

  /** @param ending aborted when the shutdown begins: after that nothing is retried */
  constructor(config: ResolvedConfig, sever: CallLimits['sever'], ending: AbortSignal) {
    const { queryTimeout, retryPolicy, maxConnections } = config.pool;
    this.#limits = { queryTimeout, retireOn: config.retireOn, sever };
    this.#retryPolicy = retryPolicy;
    this.#budget = new RetryBudget({ ...retryBudget, most: Math.max(retryBudget.reserve, maxConnections) }, () =>
      systemClock.now(),
    );
    this.#ending = ending;
  }

  /** @throws ConfigurationError when `queryTimeout` is no duration */
  limits({ signal, queryTimeout }: AcquireOptions): CallLimits {
    if (signal === undefined && queryTimeout === undefined) return this.#limits;
    return {
      ...this.#limits,
      signal,
      ...(queryTimeout === undefined ? {} : { queryTimeout: parseDuration(queryTimeout) }),
    };
  }

  /** The retry rules for the single calls of a scope. Scopes without options of their own share one object. */
  retryOfCalls(options: CallRetryOptions & Pick<AcquireOptions, 'signal'>): RetryRules<MayRead> {
    if (options.idempotent !== undefined || options.signal !== undefined) {
      return { ...this.retry(options), unsentAttempts };
    }
    this.#ofCalls ??= { ...this.retry({}), unsentAttempts };
    return this.#ofCalls;
  }

  /** The retry rules for single calls, which know whether they only read, and for other work, which does not. */
  retry({ idempotent, signal }: CallRetryOptions & Pick<AcquireOptions, 'signal'>): RetryRules<MayRead> {
    const retryPolicy = this.#retryPolicy;
    const mayRepeatReads = idempotent === undefined && retryPolicy.repeatReads;
    return {
      maxAttempts: retryPolicy.maxAttempts,
      backoff: fullJitterBackoff(retryPolicy, Math.random),
      decide: (error, call) =>
        retryDecision(error, idempotent === true, () => mayRepeatReads && call?.onlyReads === true),
      budget: this.#budget,
      signals: [signal, this.#ending],
    };
  }
}

/** A single call, as the rules see it. */
interface MayRead {
  readonly onlyReads: boolean;
}

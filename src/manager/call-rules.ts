import type { CallLimits } from '../calls/limits.js';
import { parseDuration } from '../config/duration.js';
import type { ResolvedConfig } from '../config/options.js';
import { retryDecision } from '../errors/retry-decision.js';
import { fullJitterBackoff } from '../time/backoff.js';
import { systemClock } from '../time/clock.js';
import type { RetryRules } from '../time/retry.js';
import { RetryBudget } from '../time/retry-budget.js';
import type { AcquireOptions, CallRetryOptions } from './acquire-options.js';

/**
 * How many calls are made again when a server refused them because it ends or has no room, or did not answer them: one in
 * five, one a second, and at the start ten. The pool may save as many as it has connections, because a node that ends
 * refuses one call on each of them.
 */
const retryBudget = { share: 0.2, perSecond: 1, reserve: 10 } as const;

/** What bounds the calls of one pool, and how they are made again: as the pool is configured, and as a caller asks. */
export class CallRules {
  readonly #limits: CallLimits;
  readonly #retryPolicy: ResolvedConfig['pool']['retryPolicy'];
  readonly #budget: RetryBudget;
  readonly #ending: AbortSignal;

  /** @param ending aborted when the shutdown begins: nothing is tried again after that */
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

  /** The rules for single calls, each of which says whether it reads only, and for other work, which does not. */
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

/** A single call, as far as the rules look at it. */
interface MayRead {
  readonly onlyReads: boolean;
}

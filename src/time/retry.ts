import { isUnsent, type RetryDecision } from '../errors/retry-decision.js';
import { type Clock, systemClock } from './clock.js';
import { pause } from './pause.js';
import type { RetryBudget } from './retry-budget.js';

/** How often, and how long between. */
export interface RetryRules<Subject = unknown> {
  /** Attempts in all; 1 never repeats. */
  readonly maxAttempts: number;
  /** So many attempts that sent nothing do not count as attempts. Default 0. */
  readonly unsentAttempts?: number | undefined;
  /** How long to wait, in milliseconds, after this many failures (1 and up). */
  readonly backoff: (failures: number) => number;
  /** @param about what failed, where the rules are for several */
  readonly decide: (error: unknown, about: Subject | undefined) => RetryDecision;
  /** Pays for attempts that a server with too much to do may not be burdened with. */
  readonly budget?: RetryBudget | undefined;
  /** End the pauses, and all further attempts: the failure before is what the caller gets then. */
  readonly signals?: readonly (AbortSignal | undefined)[] | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Does something until it succeeds, or fails in a way that another attempt would not mend.
 *
 * @param work is told the number of its attempt, from 1, and how many before it sent nothing and did not count
 * @param about what is done, for rules that look at it
 * @throws what the last attempt threw that was sent; if none was, what the last attempt threw
 */
export async function withRetry<T, Subject>(
  work: (attempt: number, unsent: number) => Promise<T>,
  rules: RetryRules<Subject>,
  about?: Subject,
): Promise<T> {
  const { maxAttempts, unsentAttempts = 0, budget, signals = [], clock = systemClock } = rules;
  let failure: unknown;
  let unsent = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await work(attempt, unsent);
      budget?.succeeded();
      return result;
    } catch (error) {
      if (attempt === 1 || isUnsent(failure) || !isUnsent(error)) failure = error;
      const decision = rules.decide(error, about);
      const isFree = decision === 'elsewhere' && unsent < unsentAttempts;
      if (isFree) unsent++;
      const counted = attempt - unsent;
      if (decision === 'never' || (!isFree && counted >= maxAttempts) || signals.some((signal) => signal?.aborted)) {
        throw failure;
      }
      if (decision === 'sparingly' && budget?.take() === false) throw failure;
      if (decision !== 'later' && decision !== 'sparingly') continue;
      if (!(await pause(clock, rules.backoff(counted), signals))) throw failure;
    }
  }
}

import { isUnsent, type RetryDecision } from '../errors/retry-decision.js';
import { type Clock, systemClock } from './clock.js';
import { pause } from './pause.js';
import type { RetryBudget } from './retry-budget.js';

/** How often to repeat, and how long to wait between attempts. */
export interface RetryRules<Subject = unknown> {
  /** Attempts in all; 1 never repeats. */
  readonly maxAttempts: number;
  /** How many attempts that sent nothing are not counted. Default 0. */
  readonly unsentAttempts?: number | undefined;
  /** How long to wait, in milliseconds, after this many failures (1 and up). */
  readonly backoff: (failures: number) => number;
  /** @param about what failed, if the rules are for several things */
  readonly decide: (error: unknown, about: Subject | undefined) => RetryDecision;
  /** Limits the repeats that would burden an overloaded server. */
  readonly budget?: RetryBudget | undefined;
  /** End the pauses and all further attempts: the caller then gets the last failure. */
  readonly signals?: readonly (AbortSignal | undefined)[] | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Repeats work until it succeeds or fails in a way that another attempt would not fix.
 *
 * @param work gets the number of its attempt, from 1, and how many attempts before it sent nothing and did not count
 * @param about what is repeated, for the rules
 * @throws the error of the last attempt that was sent; if none was, that of the last attempt
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

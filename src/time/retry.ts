import { setTimeout as sleep } from 'node:timers/promises';
import type { RetryDecision } from '../errors/retry-decision.js';

/** How often, and how long between. */
export interface RetryRules {
  /** Attempts in all; 1 never repeats. */
  readonly maxAttempts: number;
  /** How long to wait, in milliseconds, after this many failures (1 and up). */
  readonly backoff: (failures: number) => number;
  readonly decide: (error: unknown) => RetryDecision;
  /** Ends the pauses: the failure before is what the caller gets then. */
  readonly signal?: AbortSignal | undefined;
}

/** Does something until it succeeds, or fails in a way that another attempt would not mend. */
export async function withRetry<T>(work: (attempt: number) => Promise<T>, rules: RetryRules): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      const decision = attempt < rules.maxAttempts ? rules.decide(error) : 'never';
      if (decision === 'never' || rules.signal?.aborted) throw error;
      if (decision === 'later') {
        await sleep(rules.backoff(attempt), undefined, { signal: rules.signal }).catch(() => {
          throw error;
        });
      }
    }
  }
}

import { LiveSubscriptionError, ServerError } from 'surrealdb';
import { type CallOutcome, PoolError } from './pool-error.js';

/** The outcome of a call that failed with this error, whichever package made the error: see {@link CallOutcome}. */
export function outcomeOf(error: unknown): CallOutcome {
  if (error instanceof PoolError) return error.outcome;
  // The SDK's error for a live query that could not be started: its cause holds the outcome.
  if (error instanceof LiveSubscriptionError && error.cause !== undefined) return outcomeOf(error.cause);
  return error instanceof ServerError ? 'refused' : 'unknown';
}

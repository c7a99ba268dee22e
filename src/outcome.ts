import { LiveSubscriptionError, ServerError } from 'surrealdb';
import {
  AcquireError,
  CallError,
  type CallOutcome,
  CommitVerificationError,
  ConfigurationError,
  ConnectError,
  LeaseReleasedError,
  SavepointDivergedError,
  SavepointLimitError,
  SavepointNotFoundError,
  SavepointUnsupportedError,
  TransactionAbortedError,
  TransactionConflictError,
  TransactionEndedError,
  TransactionLostError,
  UsageError,
} from './errors.js';

/** What is known about a call that failed with this error, whoever made the error: see {@link CallOutcome}. */
export function outcomeOf(error: unknown): CallOutcome {
  if (error instanceof CallError) return error.outcome;
  // The SDK's error for a live query that could not be started: what is known of it is in its cause.
  if (error instanceof LiveSubscriptionError && error.cause !== undefined) return outcomeOf(error.cause);
  if (error instanceof ServerError || error instanceof TransactionConflictError) return 'refused';
  // The call was not sent; the transaction it was made in may have been committed before.
  if (error instanceof TransactionEndedError) return outcomeOfEnd[error.state] ?? 'not-sent';
  // Of these transactions nothing was applied, as if it had never been sent.
  const undone = [TransactionAbortedError, TransactionLostError, CommitVerificationError];
  if (undone.some((kind) => error instanceof kind)) return 'not-sent';
  // Nothing was done about the savepoint, and a withTransaction() that fails with one of these applied nothing.
  const savepoints = [SavepointUnsupportedError, SavepointDivergedError, SavepointLimitError, SavepointNotFoundError];
  if (savepoints.some((kind) => error instanceof kind)) return 'not-sent';
  const beforeSending = [AcquireError, ConnectError, ConfigurationError, LeaseReleasedError, UsageError];
  if (beforeSending.some((kind) => error instanceof kind)) return 'not-sent';
  return 'unknown';
}

const outcomeOfEnd: Readonly<Record<string, CallOutcome>> = { committed: 'applied', unknown: 'unknown' };

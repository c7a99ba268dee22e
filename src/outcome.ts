import { ServerError } from 'surrealdb';
import {
  AcquireError,
  CallError,
  type CallOutcome,
  ConfigurationError,
  ConnectError,
  LeaseReleasedError,
  UsageError,
} from './errors.js';

/** What is known about a call that failed with this error, whoever made the error: see {@link CallOutcome}. */
export function outcomeOf(error: unknown): CallOutcome {
  if (error instanceof CallError) return error.outcome;
  if (error instanceof ServerError) return 'refused';
  const beforeSending = [AcquireError, ConnectError, ConfigurationError, LeaseReleasedError, UsageError];
  if (beforeSending.some((kind) => error instanceof kind)) return 'not-sent';
  return 'unknown';
}

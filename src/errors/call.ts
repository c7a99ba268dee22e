import { type CallOutcome, PoolError } from './pool-error.js';

/** A call got no answer. `outcome` says whether it may have been executed. */
export abstract class CallError extends PoolError {
  static override readonly name: string = 'CallError';
  static override readonly code: string = 'ERR_POOL_CALL';
  override readonly outcome: CallOutcome;
  /** True only when the call was not executed. */
  override readonly retryable: boolean;

  constructor(message: string, details: { outcome: CallOutcome; cause?: unknown }) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.outcome = details.outcome;
    this.retryable = details.outcome !== 'unknown';
  }
}

/**
 * The session of a call has expired and could not be signed in again (see `cause`), or the server treats it as
 * anonymous. The call was not executed, under no other user either. The pool closes the connection at its release.
 */
export class IdentityLostError extends CallError {
  static override readonly name: string = 'IdentityLostError';
  static override readonly code: string = 'ERR_POOL_IDENTITY_LOST';
}

/** The connection of a call was lost. */
export class ConnectionLostError extends CallError {
  static override readonly name: string = 'ConnectionLostError';
  static override readonly code: string = 'ERR_POOL_CONNECTION_LOST';
}

/**
 * A call took longer than `queryTimeout`. The server may still be executing it, so the pool closes its connection. A
 * call of a transaction loses the transaction, of which nothing is applied: `outcome` is `not-sent`.
 */
export class QueryTimeoutError extends CallError {
  static override readonly name: string = 'QueryTimeoutError';
  static override readonly code: string = 'ERR_POOL_QUERY_TIMEOUT';
}

/** The signal of the lease was aborted during a call; `cause` is its reason. The pool closes the connection. */
export class CallAbortedError extends CallError {
  static override readonly name: string = 'CallAbortedError';
  static override readonly code: string = 'ERR_POOL_CALL_ABORTED';
  override readonly retryable: boolean = false;
}

/**
 * The answer to a commit was lost, and it is not known whether the commit was applied. With `verifyCommit` this is
 * thrown only when the pool could not reach the database to find out. Look for what the transaction wrote before you
 * repeat it.
 */
export class CommitOutcomeUnknownError extends CallError {
  static override readonly name: string = 'CommitOutcomeUnknownError';
  static override readonly code: string = 'ERR_POOL_COMMIT_OUTCOME_UNKNOWN';

  constructor(message: string, details: { cause?: unknown }) {
    super(message, { outcome: 'unknown', cause: details.cause });
  }
}

/** A connection, or a query, builder or live iterator made from it, was used after the lease ended. */
export class LeaseReleasedError extends PoolError {
  static override readonly name: string = 'LeaseReleasedError';
  static override readonly code: string = 'ERR_POOL_LEASE_RELEASED';
}

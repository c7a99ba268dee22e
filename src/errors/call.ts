import { type CallOutcome, PoolError } from './pool-error.js';

/** A call got no answer. `outcome` tells whether it can have been executed. */
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
 * The session under a call is over and could not be signed in again (see `cause`), or the server takes it for nobody's.
 * The call was not executed, and was not made by anybody else either; the connection is closed at the release.
 */
export class IdentityLostError extends CallError {
  static override readonly name: string = 'IdentityLostError';
  static override readonly code: string = 'ERR_POOL_IDENTITY_LOST';
}

/** The connection under a call is gone. */
export class ConnectionLostError extends CallError {
  static override readonly name: string = 'ConnectionLostError';
  static override readonly code: string = 'ERR_POOL_CONNECTION_LOST';
}

/**
 * A call took longer than `queryTimeout`. The server may still be at it, so its connection is closed. With a call of
 * a transaction that is lost, and nothing of it is applied: `outcome` is `not-sent`.
 */
export class QueryTimeoutError extends CallError {
  static override readonly name: string = 'QueryTimeoutError';
  static override readonly code: string = 'ERR_POOL_QUERY_TIMEOUT';
}

/** The signal of the lease was aborted during a call; `cause` is its reason. The connection is closed. */
export class CallAbortedError extends CallError {
  static override readonly name: string = 'CallAbortedError';
  static override readonly code: string = 'ERR_POOL_CALL_ABORTED';
  override readonly retryable: boolean = false;
}

/**
 * The answer to a commit was lost, and it is not known whether it was applied; with `verifyCommit` this is said only when
 * the database could not be reached to find out. Look for what the transaction wrote before you do it again.
 */
export class CommitOutcomeUnknownError extends CallError {
  static override readonly name: string = 'CommitOutcomeUnknownError';
  static override readonly code: string = 'ERR_POOL_COMMIT_OUTCOME_UNKNOWN';

  constructor(message: string, details: { cause?: unknown }) {
    super(message, { outcome: 'unknown', cause: details.cause });
  }
}

/** Something of a lease (the connection, a query, a builder, a live iterator) was used after the lease ended. */
export class LeaseReleasedError extends PoolError {
  static override readonly name: string = 'LeaseReleasedError';
  static override readonly code: string = 'ERR_POOL_LEASE_RELEASED';
}

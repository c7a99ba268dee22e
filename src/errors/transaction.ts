import { type CallOutcome, PoolError } from './pool-error.js';

/**
 * The transaction can only be rolled back, because a call failed, its time was up or its signal was aborted. SurrealDB
 * keeps what a failed statement wrote, and a commit would store it. `cause` is the first failure.
 */
export class TransactionAbortedError extends PoolError {
  static override readonly name: string = 'TransactionAbortedError';
  static override readonly code: string = 'ERR_POOL_TRANSACTION_ABORTED';
  /** The text of the failed call, without its values; undefined when no call failed. */
  readonly statement: string | undefined;

  constructor(message: string, details: { statement: string | undefined; cause: unknown }) {
    super(message, { cause: details.cause });
    this.statement = details.statement;
  }
}

/**
 * The server refused the commit because a concurrent transaction changed the same records first. Nothing was applied.
 */
export class TransactionConflictError extends PoolError {
  static override readonly name: string = 'TransactionConflictError';
  static override readonly code: string = 'ERR_POOL_TRANSACTION_CONFLICT';
  override readonly retryable: boolean = true;
  override readonly outcome: CallOutcome = 'refused';
  /** How often the transaction was tried. */
  readonly attempts: number;

  constructor(message: string, details: { attempts: number; cause: unknown }) {
    super(message, { cause: details.cause });
    this.attempts = details.attempts;
  }
}

/** The transaction was lost with its connection. Nothing of it was applied, nor ever will be. */
export class TransactionLostError extends PoolError {
  static override readonly name: string = 'TransactionLostError';
  static override readonly code: string = 'ERR_POOL_TRANSACTION_LOST';
  override readonly retryable: boolean = true;

  constructor(message: string, details: { cause: unknown }) {
    super(message, { cause: details.cause });
  }
}

/**
 * A transaction, or a query built from it, was used after the transaction had ended. The call was not sent;
 * `outcomeOf()` says whether the transaction was applied, `state` how it ended.
 */
export class TransactionEndedError extends PoolError {
  static override readonly name: string = 'TransactionEndedError';
  static override readonly code: string = 'ERR_POOL_TRANSACTION_ENDED';
  /** The call was not sent, but its transaction may have been committed before. */
  override readonly outcome: CallOutcome;
  /** How it ended: `committed`, `rolledBack` and so on. */
  readonly state: string;

  constructor(message: string, details: { state: string; cause?: unknown }) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.state = details.state;
    this.outcome = outcomeOfEnd[details.state] ?? 'not-sent';
  }
}

/** `verifyCommit` is not possible here; the message says why, and what to do. */
export class CommitVerificationError extends PoolError {
  static override readonly name: string = 'CommitVerificationError';
  static override readonly code: string = 'ERR_POOL_COMMIT_VERIFICATION';
  /** True only when the marker table could not be prepared in time: then another attempt may succeed. */
  override readonly retryable: boolean;

  constructor(message: string, details?: { cause?: unknown; retryable?: boolean }) {
    super(message, details?.cause === undefined ? undefined : { cause: details.cause });
    this.retryable = details?.retryable ?? false;
  }
}

const outcomeOfEnd: Readonly<Record<string, CallOutcome>> = { committed: 'applied', unknown: 'unknown' };

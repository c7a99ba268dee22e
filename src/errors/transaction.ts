import { type CallOutcome, PoolError } from './pool-error.js';

/**
 * A call of the transaction failed, or its time or signal ended it, so that it can only be rolled back: SurrealDB keeps
 * what a failed statement had written, and a commit would store that. `cause` is the first failure.
 */
export class TransactionAbortedError extends PoolError {
  static override readonly name: string = 'TransactionAbortedError';
  static override readonly code: string = 'ERR_POOL_TRANSACTION_ABORTED';
  /** The text of the call that failed, without its values; undefined when no call did. */
  readonly statement: string | undefined;

  constructor(message: string, details: { statement: string | undefined; cause: unknown }) {
    super(message, { cause: details.cause });
    this.statement = details.statement;
  }
}

/** The commit was refused because a concurrent transaction changed the same records first. Nothing was applied. */
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

/** The transaction is gone with its connection. Nothing of it was applied, nor ever will be. */
export class TransactionLostError extends PoolError {
  static override readonly name: string = 'TransactionLostError';
  static override readonly code: string = 'ERR_POOL_TRANSACTION_LOST';
  override readonly retryable: boolean = true;

  constructor(message: string, details: { cause: unknown }) {
    super(message, { cause: details.cause });
  }
}

/**
 * A transaction, or a query that was made from it, was used when the transaction was over. The call was not sent;
 * `outcomeOf()` says whether the transaction was applied, `state` what became of it.
 */
export class TransactionEndedError extends PoolError {
  static override readonly name: string = 'TransactionEndedError';
  static override readonly code: string = 'ERR_POOL_TRANSACTION_ENDED';
  /** The call was not sent, but the transaction it was made in may have been committed before. */
  override readonly outcome: CallOutcome;
  /** What had become of it: `committed`, `rolledBack` and so on. */
  readonly state: string;

  constructor(message: string, details: { state: string; cause?: unknown }) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.state = details.state;
    this.outcome = outcomeOfEnd[details.state] ?? 'not-sent';
  }
}

/** `verifyCommit` cannot be had here; the message says why, and what to do. */
export class CommitVerificationError extends PoolError {
  static override readonly name: string = 'CommitVerificationError';
  static override readonly code: string = 'ERR_POOL_COMMIT_VERIFICATION';
  /** True only when the table could not be prepared in time: then another attempt may succeed. */
  override readonly retryable: boolean;

  constructor(message: string, details?: { cause?: unknown; retryable?: boolean }) {
    super(message, details?.cause === undefined ? undefined : { cause: details.cause });
    this.retryable = details?.retryable ?? false;
  }
}

const outcomeOfEnd: Readonly<Record<string, CallOutcome>> = { committed: 'applied', unknown: 'unknown' };

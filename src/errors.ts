/**
 * One taxonomy. Every error of this package is a {@link PoolError} with a stable `code`, tells whether the same
 * request may be tried again as it is (`retryable`), and keeps what caused it (`cause`).
 *
 *     PoolError
 *     ├─ ConfigurationError        the configuration cannot be used
 *     ├─ AcquireError              no connection was lent; carries a snapshot of the pool
 *     │  ├─ AcquireTimeoutError    nothing became free in time
 *     │  ├─ AcquireAbortedError    the caller's signal said stop
 *     │  ├─ QueueFullError         `maxWaiters` callers wait already
 *     │  ├─ NestedAcquireError     whoever asks holds a connection already, and all are in use
 *     │  ├─ CircuitOpenError       the endpoint kept failing; the next probe is named
 *     │  ├─ PoolShutdownError      the pool is shutting down or closed
 *     │  └─ AcquireFailedError     no connection can be opened, and waiting would not help
 *     ├─ ConnectError              a connection could not be opened
 *     ├─ DeadlineError             one step of the pool's own work took too long
 *     ├─ CallError                 a call got no answer; says whether it can have been executed
 *     │  ├─ ConnectionLostError    its connection is gone
 *     │  ├─ IdentityLostError      its session is over, and nobody's any more
 *     │  ├─ QueryTimeoutError      it took longer than `queryTimeout`
 *     │  ├─ CallAbortedError       the signal of its lease said stop
 *     │  └─ CommitOutcomeUnknownError  a transaction may or may not have been committed
 *     ├─ TransactionAbortedError   a call of the transaction failed: it can only be rolled back
 *     ├─ TransactionConflictError  a concurrent transaction changed the same records first
 *     ├─ TransactionLostError      the transaction is gone with its connection, and was not applied
 *     ├─ TransactionEndedError     something of a transaction was used after its end
 *     ├─ CommitVerificationError   `verifyCommit` cannot be had here
 *     ├─ LeaseReleasedError        something of a lease was used after its end
 *     ├─ SavepointUnsupportedError a call cannot be replayed, or its answer cannot be verified
 *     ├─ SavepointDivergedError    a call gave something else when it was made again
 *     ├─ SavepointLimitError       there is too much to keep or to make again
 *     ├─ SavepointNotFoundError    there is no savepoint of that name any more
 *     └─ UsageError                a call that can never work as it was made
 */

/** Marks our errors, so that `instanceof` holds across two installed copies of the package. */
const brand: unique symbol = Symbol.for('surreal-pool.error');

/** What the pool looked like when an acquire failed: enough to tell *busy* from *server down*. */
export interface PoolSnapshot {
  readonly state: 'running' | 'paused' | 'draining' | 'closed';
  readonly maxConnections: number;
  readonly idle: number;
  readonly leased: number;
  readonly opening: number;
  readonly validating: number;
  readonly resetting: number;
  readonly closing: number;
  readonly waiting: number;
  /** Why the last attempt to open a connection failed; absent when the last one succeeded. */
  readonly lastOpenError?: string;
}

/**
 * What is known about a call that failed: it never left (`not-sent`), it may or may not have been executed (`unknown`),
 * or the server answered and refused it (`refused`). `applied` is said of a transaction that was committed before the call
 * that failed.
 */
export type CallOutcome = 'not-sent' | 'unknown' | 'refused' | 'applied';

/** The base of every error this package makes. */
export abstract class PoolError extends Error {
  /** Stable name of the kind of error, for programs. */
  static readonly code: string = 'ERR_POOL';

  /** True when the same request may be made again as it is, and may then succeed. */
  readonly retryable: boolean = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
    Object.defineProperty(this, brand, { value: true });
  }

  /** Stable name of the kind of error, for programs: `ERR_POOL_ACQUIRE_TIMEOUT` and the like. */
  get code(): string {
    return (this.constructor as typeof PoolError).code;
  }

  /** By brand and code instead of by identity: true also for an error made by another copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (!Object.hasOwn(this, 'code')) return Function.prototype[Symbol.hasInstance].call(this, value);
    if (typeof value !== 'object' || value === null || !(brand in value)) return false;
    for (let kind: unknown = value.constructor; typeof kind === 'function'; kind = Object.getPrototypeOf(kind)) {
      if (Object.hasOwn(kind, 'code') && (kind as typeof PoolError).code === this.code) return true;
    }
    return false;
  }
}

/** One thing that is wrong with a configuration. */
export interface ConfigurationIssue {
  /** Where, in the caller's words: `poolConfig.maxConnections`. */
  readonly path: string;
  /** What was given, without secrets. */
  readonly given: string;
  /** What is allowed there. */
  readonly allowed: string;
}

/** The configuration cannot be used. The message lists every problem with its path and what is allowed. */
export class ConfigurationError extends PoolError {
  static override readonly code: string = 'ERR_POOL_CONFIGURATION';
  readonly issues: readonly ConfigurationIssue[];

  constructor(message: string, options: { issues: readonly ConfigurationIssue[]; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.issues = options.issues;
  }
}

/** What an {@link AcquireError} is made of. */
export interface AcquireErrorDetails {
  readonly snapshot: PoolSnapshot;
  /** How long the caller had waited, in milliseconds. */
  readonly waited: number;
  readonly cause?: unknown;
}

/** No connection was lent. `snapshot` shows the pool at that moment; `cause` is the last failure to open, if any. */
export abstract class AcquireError extends PoolError {
  static override readonly code: string = 'ERR_POOL_ACQUIRE';
  readonly snapshot: PoolSnapshot;
  /** How long the caller had waited, in milliseconds. */
  readonly waited: number;

  constructor(message: string, details: AcquireErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.snapshot = details.snapshot;
    this.waited = details.waited;
  }
}

/** Nothing became free within the time given. The message says whether the pool was busy or could not connect. */
export class AcquireTimeoutError extends AcquireError {
  static override readonly code: string = 'ERR_POOL_ACQUIRE_TIMEOUT';
  override readonly retryable: boolean = true;
}

/** The caller's `signal` was aborted; `cause` is the signal's reason. */
export class AcquireAbortedError extends AcquireError {
  static override readonly code: string = 'ERR_POOL_ACQUIRE_ABORTED';
}

/** `maxWaiters` callers were waiting already; this one was refused at once. */
export class QueueFullError extends AcquireError {
  static override readonly code: string = 'ERR_POOL_QUEUE_FULL';
  override readonly retryable: boolean = true;
}

/**
 * The work of a `withConnection()` asked for another connection while all were in use: when all holders do that, they wait
 * for each other for ever. Use the connection that is held, or acquire the second one before the first is needed.
 */
export class NestedAcquireError extends AcquireError {
  static override readonly code: string = 'ERR_POOL_NESTED_ACQUIRE';
  /** The stack of the `withConnection()` that holds a connection. */
  readonly holder: string;

  constructor(message: string, details: AcquireErrorDetails & { holder: string }) {
    super(message, details);
    this.holder = details.holder;
  }
}

/** The endpoint kept failing, so no attempt is made before `nextProbeIn`; `cause` is the last failure. */
export class CircuitOpenError extends AcquireError {
  static override readonly code: string = 'ERR_POOL_CIRCUIT_OPEN';
  override readonly retryable: boolean = true;
  /** When the next attempt to connect is made, in milliseconds from now. */
  readonly nextProbeIn: number;

  constructor(message: string, details: AcquireErrorDetails & { nextProbeIn: number }) {
    super(message, details);
    this.nextProbeIn = details.nextProbeIn;
  }
}

/** The pool is shutting down or closed: it lends nothing any more. */
export class PoolShutdownError extends AcquireError {
  static override readonly code: string = 'ERR_POOL_SHUTDOWN';
}

/** Connections cannot be opened for a reason that waiting does not cure, such as wrong credentials (see `cause`). */
export class AcquireFailedError extends AcquireError {
  static override readonly code: string = 'ERR_POOL_ACQUIRE_FAILED';
}

/** A connection could not be opened. `fatal` causes (refused credentials) are not tried again by themselves. */
export class ConnectError extends PoolError {
  static override readonly code: string = 'ERR_POOL_CONNECT';
  override readonly retryable: boolean;
  readonly fatal: boolean;
  /** The address, without user info. */
  readonly endpoint: string;

  constructor(message: string, details: { endpoint: string; fatal: boolean; cause?: unknown }) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.endpoint = details.endpoint;
    this.fatal = details.fatal;
    this.retryable = !details.fatal;
  }
}

/** One step of the pool's own work (open, probe, reset, close) did not end within its deadline. */
export class DeadlineError extends PoolError {
  static override readonly code: string = 'ERR_POOL_DEADLINE';
  override readonly retryable: boolean = true;
  readonly step: string;
  /** The deadline that passed, in milliseconds. */
  readonly timeout: number;

  constructor(step: string, timeout: number) {
    super(`${step} did not finish within ${timeout} ms`);
    this.step = step;
    this.timeout = timeout;
  }
}

/** A call got no answer. `outcome` tells whether it can have been executed. */
export abstract class CallError extends PoolError {
  static override readonly code: string = 'ERR_POOL_CALL';
  readonly outcome: CallOutcome;
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
  static override readonly code: string = 'ERR_POOL_IDENTITY_LOST';
}

/** The connection under a call is gone. */
export class ConnectionLostError extends CallError {
  static override readonly code: string = 'ERR_POOL_CONNECTION_LOST';
}

/**
 * A call took longer than `queryTimeout`. The server may still be at it, so its connection is closed. With a call of
 * a transaction that is lost, and nothing of it is applied: `outcome` is `not-sent`.
 */
export class QueryTimeoutError extends CallError {
  static override readonly code: string = 'ERR_POOL_QUERY_TIMEOUT';
}

/** The signal of the lease was aborted during a call; `cause` is its reason. The connection is closed. */
export class CallAbortedError extends CallError {
  static override readonly code: string = 'ERR_POOL_CALL_ABORTED';
  override readonly retryable: boolean = false;
}

/**
 * The answer to a commit was lost, and it is not known whether it was applied; with `verifyCommit` this is said only when
 * the database could not be reached to find out. Look for what the transaction wrote before you do it again.
 */
export class CommitOutcomeUnknownError extends CallError {
  static override readonly code: string = 'ERR_POOL_COMMIT_OUTCOME_UNKNOWN';

  constructor(message: string, details: { cause?: unknown }) {
    super(message, { outcome: 'unknown', cause: details.cause });
  }
}

/**
 * A call of the transaction failed, or its time or signal ended it, so that it can only be rolled back: SurrealDB keeps
 * what a failed statement had written, and a commit would store that. `cause` is the first failure.
 */
export class TransactionAbortedError extends PoolError {
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
  static override readonly code: string = 'ERR_POOL_TRANSACTION_CONFLICT';
  override readonly retryable: boolean = true;
  /** How often the transaction was tried. */
  readonly attempts: number;

  constructor(message: string, details: { attempts: number; cause: unknown }) {
    super(message, { cause: details.cause });
    this.attempts = details.attempts;
  }
}

/** The transaction is gone with its connection. Nothing of it was applied, nor ever will be. */
export class TransactionLostError extends PoolError {
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
  static override readonly code: string = 'ERR_POOL_TRANSACTION_ENDED';
  /** What had become of it: `committed`, `rolledBack` and so on. */
  readonly state: string;

  constructor(message: string, details: { state: string; cause?: unknown }) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.state = details.state;
  }
}

/** `verifyCommit` cannot be had here; the message says why, and what to do. */
export class CommitVerificationError extends PoolError {
  static override readonly code: string = 'ERR_POOL_COMMIT_VERIFICATION';
  /** True only when the table could not be prepared in time: then another attempt may succeed. */
  override readonly retryable: boolean;

  constructor(message: string, details?: { cause?: unknown; retryable?: boolean }) {
    super(message, details?.cause === undefined ? undefined : { cause: details.cause });
    this.retryable = details?.retryable ?? false;
  }
}

/** Something of a lease (the connection, a query, a builder, a live iterator) was used after the lease ended. */
export class LeaseReleasedError extends PoolError {
  static override readonly code: string = 'ERR_POOL_LEASE_RELEASED';
}

/** A call that can never work the way it was made; the message says what to do instead. */
export class UsageError extends PoolError {
  static override readonly code: string = 'ERR_POOL_USAGE';
}

/**
 * A savepoint was refused, because the transaction has made a call that cannot be replayed; or a rollback to a savepoint,
 * because the answer of a call cannot be verified. The transaction goes on as it was. Give the call what it lets the
 * server choose, or make it outside of the transaction.
 */
export class SavepointUnsupportedError extends PoolError {
  static override readonly code: string = 'ERR_POOL_SAVEPOINT_UNSUPPORTED';
  /** What in the call is the reason: `rand()`, `CREATE person`, or its text. */
  readonly statement: string;
  readonly reason: string;
  /** Which was refused: to make a savepoint, or to roll back to one. */
  readonly refused: 'savepoint' | 'rollback';

  constructor(details: { statement: string; reason: string; refused: 'savepoint' | 'rollback' }) {
    const statement = shortened(details.statement);
    super(
      details.refused === 'savepoint'
        ? `no savepoint after "${statement}": ${details.reason}. Make it before that call, or give the call what it lets the server choose (ids, times, random values)`
        : `not rolled back to the savepoint, because of "${statement}": ${details.reason}. So what your program has seen cannot be verified, and it may go on believing it: make that call outside of this transaction, have it answer nothing (RETURN NONE), or give it what it lets the server choose as a parameter`,
    );
    this.statement = details.statement;
    this.reason = details.reason;
    this.refused = details.refused;
  }
}

/**
 * Rolling back to a savepoint failed: a call that the program has seen the answer of gave something else when it was made
 * again. The transaction is as it was. When others have changed what the call reads (`retryable`), roll all of it back and
 * run it again; `withTransaction()` does that by itself. When the call answers something else each time, such as a random
 * default of a field, another attempt cannot help. When the work of a nested transaction was to be undone, `cause` is what
 * it had thrown.
 */
export class SavepointDivergedError extends PoolError {
  static override readonly code: string = 'ERR_POOL_SAVEPOINT_DIVERGED';
  /** Whether others have changed what the call reads, so that doing all of it again may help. */
  override readonly retryable: boolean;
  /** The text of the call. */
  readonly statement: string;
  /** Where in its answer the difference is, such as `[0].name`; empty for the answer as a whole. */
  readonly path: string;
  /** What stood there the first time, and what when the call was made again: a value, or the error of the server. */
  readonly expected: unknown;
  readonly found: unknown;

  constructor(details: { statement: string; path: string; expected: unknown; found: unknown; lasting: boolean }) {
    const where = details.path === '' ? '' : ` (at ${details.path})`;
    super(
      details.lasting
        ? `not rolled back to the savepoint: a call answers something else each time it is made${where}, so what you have seen of it could not be kept: ${shortened(details.statement)}. Another attempt cannot help: give it what the database chooses (a random default, a time), or have it answer nothing (RETURN NONE) and do not read it`
        : `not rolled back to the savepoint: others have changed what a call of the transaction reads${where}: ${shortened(details.statement)}. Roll the transaction back and run it again`,
    );
    this.retryable = !details.lasting;
    this.statement = details.statement;
    this.path = details.path;
    this.expected = details.expected;
    this.found = details.found;
  }
}

/** A text as far as a message shows it. */
function shortened(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

/** A savepoint or a rollback to one was refused: there is too much to keep or to make again. The transaction goes on. */
export class SavepointLimitError extends PoolError {
  static override readonly code: string = 'ERR_POOL_SAVEPOINT_LIMIT';
  /** What would be too large: the calls and answers in bytes, or the number of calls that are made again. */
  readonly limit: 'log' | 'replay';
  /** The most there may be. */
  readonly most: number;

  constructor(limit: 'log' | 'replay', most: number) {
    const what =
      limit === 'log'
        ? `the calls of this transaction and their replies take more than ${most} bytes`
        : `this transaction would have made more than ${most} calls again`;
    super(`${what}: no savepoint can be rolled back to. Undo fewer parts, and read and write less in one transaction`);
    this.limit = limit;
    this.most = most;
  }
}

/** There is no savepoint of that name: it was never made, was released, or came after one that was rolled back to. */
export class SavepointNotFoundError extends PoolError {
  static override readonly code: string = 'ERR_POOL_SAVEPOINT_NOT_FOUND';
  readonly savepoint: string;

  constructor(savepoint: string) {
    super(
      `there is no savepoint "${savepoint}": it was not made, was released, or came after one that was rolled back to`,
    );
    this.savepoint = savepoint;
  }
}

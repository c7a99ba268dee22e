import type { Asked } from './asked.js';
import { inOneLine } from './error-message.js';

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
 *     │  ├─ NestedAcquireError     the caller holds a connection already, and all are in use
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
 *     │  ├─ ExportError            the server gave no export, or not all of it
 *     │  └─ CommitOutcomeUnknownError  a transaction may or may not have been committed
 *     ├─ TransactionAbortedError   a call of the transaction failed: it can only be rolled back
 *     ├─ TransactionConflictError  a concurrent transaction changed the same records first
 *     ├─ TransactionLostError      the transaction is gone with its connection, and was not applied
 *     ├─ TransactionEndedError     something of a transaction was used after its end
 *     ├─ CommitVerificationError   `verifyCommit` cannot be had here
 *     ├─ ImportError               a statement of an import failed; says which
 *     ├─ LeaseReleasedError        something of a lease was used after its end
 *     ├─ SavepointUnsupportedError a call cannot be replayed, or its answer cannot be verified
 *     ├─ SavepointDivergedError    a call gave something else when it was made again
 *     ├─ SavepointLimitError       there is too much to keep or to make again
 *     └─ UsageError                a call that can never work as it was made
 */

/** Marks our errors, so that `instanceof` holds across two installed copies of the package. */
const brand: unique symbol = Symbol.for('surreal-pool.error');

/**
 * What is known about a call that failed: it never left (`not-sent`), it may or may not have been executed (`unknown`),
 * or the server answered and refused it (`refused`). `applied` is said of a transaction that was committed before the call
 * that failed.
 */
export type CallOutcome = 'not-sent' | 'unknown' | 'refused' | 'applied';

/** The base of every error this package makes. */
export abstract class PoolError extends Error {
  /** Written out in each class: a bundler that shortens the names of classes leaves this one. */
  static override readonly name: string = 'PoolError';
  /** Stable name of the kind of error, for programs. */
  static readonly code: string = 'ERR_POOL';

  /** Stable name of the kind of error, for programs: `ERR_POOL_ACQUIRE_TIMEOUT` and the like. */
  readonly code: string;

  /** True when the same request may be made again as it is, and may then succeed. */
  readonly retryable: boolean = false;

  /** What is known of the call that failed with it. Most errors of the pool are made before anything is sent. */
  readonly outcome: CallOutcome = 'not-sent';

  /** What the caller asked for; undefined for an error that no call or acquire was rejected with, such as a `cause`. */
  declare readonly asked?: Asked;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    const { name, code } = new.target as typeof PoolError;
    this.code = code;
    Object.defineProperty(this, 'name', { value: name, configurable: true, writable: true });
    Object.defineProperty(this, brand, { value: true });
  }

  /** For `JSON.stringify()`: the name, code and message, what else the error has, and its cause in one line; no stacks. */
  toJSON(): object {
    const { name, message, cause } = this;
    const last = cause === undefined ? {} : { cause: inOneLine(cause) };
    // What the error has of its own: the code and what its class adds.
    return { name, message, ...(this as object), ...last };
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

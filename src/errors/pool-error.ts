import type { Asked } from './asked.js';
import { inOneLine } from './error-message.js';

/**
 * All errors of this package. Each is a {@link PoolError} with a stable `code`, says whether the same request may be
 * repeated unchanged (`retryable`), and keeps its `cause`.
 *
 *     PoolError
 *     ├─ ConfigurationError        the configuration is not valid
 *     ├─ AcquireError              no connection was lent; carries a snapshot of the pool
 *     │  ├─ AcquireTimeoutError    nothing became free in time
 *     │  ├─ AcquireAbortedError    the caller's signal was aborted
 *     │  ├─ QueueFullError         `maxWaiters` callers already wait
 *     │  ├─ QueueOverloadError     callers wait too long; says when to try again
 *     │  ├─ NestedAcquireError     the caller already holds a connection, and all are in use
 *     │  ├─ CircuitOpenError       the endpoint kept failing; says when the next probe is
 *     │  ├─ PoolShutdownError      the pool is shutting down or closed
 *     │  └─ AcquireFailedError     no connection can be opened, and waiting would not help
 *     ├─ ConnectError              a connection could not be opened
 *     ├─ NoEndpointError           no server is known to connect to
 *     ├─ EndpointMismatchError     a server has another store than the others of its pool
 *     ├─ DeadlineError             one step of the pool's own work took too long
 *     ├─ CallError                 a call got no answer; says whether it may have been executed
 *     │  ├─ ConnectionLostError    its connection was lost
 *     │  ├─ IdentityLostError      its session expired or was signed out
 *     │  ├─ QueryTimeoutError      it took longer than `queryTimeout`
 *     │  ├─ CallAbortedError       the signal of its lease was aborted
 *     │  ├─ ExportError            the server sent no export, or only a part
 *     │  └─ CommitOutcomeUnknownError  a transaction may or may not have been committed
 *     ├─ TransactionAbortedError   a call of the transaction failed: it can only be rolled back
 *     ├─ TransactionConflictError  a concurrent transaction changed the same records first
 *     ├─ TransactionLostError      the transaction was lost with its connection, and was not applied
 *     ├─ TransactionEndedError     a transaction was used after its end
 *     ├─ CommitVerificationError   `verifyCommit` cannot be had here
 *     ├─ ImportError               a statement of an import failed; says which
 *     ├─ LeaseReleasedError        a lease was used after its end
 *     ├─ SavepointUnsupportedError a call cannot be replayed, or its answer cannot be verified
 *     ├─ SavepointDivergedError    a replayed call answered differently
 *     ├─ SavepointLimitError       there is too much to keep or to replay
 *     ├─ AgentLimitError           a limit of an agent session, or of its parent, was reached
 *     ├─ StatementRefusedError     a guard of an agent session refused a statement
 *     ├─ AuditError                the audit of an agent session could not be written, so nothing was applied
 *     └─ UsageError                a call that can never work as written
 */

/** Marks our errors, so that `instanceof` works across two installed copies of the package. */
const brand: unique symbol = Symbol.for('surreal-pool.error');

/**
 * What is known about a call that failed: it never left (`not-sent`), it may or may not have been executed (`unknown`),
 * or the server answered and refused it (`refused`). `applied`: the transaction was committed before the call that
 * failed.
 */
export type CallOutcome = 'not-sent' | 'unknown' | 'refused' | 'applied';

/** The base of every error this package makes. */
export abstract class PoolError extends Error {
  /** Written out in each class: a bundler that minifies class names keeps it. */
  static override readonly name: string = 'PoolError';
  /** Stable name of the kind of error, for programs. */
  static readonly code: string = 'ERR_POOL';

  /** Stable name of the kind of error, for programs: `ERR_POOL_ACQUIRE_TIMEOUT` and the like. */
  readonly code: string;

  /** True when the same request may be repeated unchanged, and may then succeed. */
  readonly retryable: boolean = false;

  /** What is known about the failed call. Most errors of the pool are thrown before anything is sent. */
  readonly outcome: CallOutcome = 'not-sent';

  /** What the caller asked for; undefined for an error that rejected no call or acquire itself, such as a `cause`. */
  declare readonly asked?: Asked;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    const { name, code } = new.target as typeof PoolError;
    this.code = code;
    Object.defineProperty(this, 'name', { value: name, configurable: true, writable: true });
    Object.defineProperty(this, brand, { value: true });
  }

  /** For `JSON.stringify()`: name, code, message, other properties, and the cause in one line; no stacks. */
  toJSON(): object {
    const { name, message, cause } = this;
    const last = cause === undefined ? {} : { cause: inOneLine(cause) };
    // The error's own properties: the code and what its class adds.
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

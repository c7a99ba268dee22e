import { PoolError } from './pool-error.js';

/** What the pool looked like when an acquire failed: enough to tell *busy* from *server down*. */
export interface PoolSnapshot {
  /** The name of the pool. */
  readonly pool: string;
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

/** What an {@link AcquireError} is made of. */
export interface AcquireErrorDetails {
  readonly snapshot: PoolSnapshot;
  /** How long the caller had waited, in milliseconds. */
  readonly waited: number;
  readonly cause?: unknown;
}

/** No connection was lent. `snapshot` shows the pool at that moment; `cause` is the last failure to open, if any. */
export abstract class AcquireError extends PoolError {
  static override readonly name: string = 'AcquireError';
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
  static override readonly name: string = 'AcquireTimeoutError';
  static override readonly code: string = 'ERR_POOL_ACQUIRE_TIMEOUT';
  override readonly retryable: boolean = true;
}

/** The caller's `signal` was aborted; `cause` is the signal's reason. */
export class AcquireAbortedError extends AcquireError {
  static override readonly name: string = 'AcquireAbortedError';
  static override readonly code: string = 'ERR_POOL_ACQUIRE_ABORTED';
}

/** `maxWaiters` callers were waiting already; this one was refused at once. */
export class QueueFullError extends AcquireError {
  static override readonly name: string = 'QueueFullError';
  static override readonly code: string = 'ERR_POOL_QUEUE_FULL';
  override readonly retryable: boolean = true;
}

/**
 * The work of a `withConnection()` asked for another connection while all were in use: when all holders do that, they wait
 * for each other for ever. Use the connection that is held, or acquire the second one before the first is needed.
 */
export class NestedAcquireError extends AcquireError {
  static override readonly name: string = 'NestedAcquireError';
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
  static override readonly name: string = 'CircuitOpenError';
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
  static override readonly name: string = 'PoolShutdownError';
  static override readonly code: string = 'ERR_POOL_SHUTDOWN';
}

/** Connections cannot be opened for a reason that waiting does not cure, such as wrong credentials (see `cause`). */
export class AcquireFailedError extends AcquireError {
  static override readonly name: string = 'AcquireFailedError';
  static override readonly code: string = 'ERR_POOL_ACQUIRE_FAILED';
}

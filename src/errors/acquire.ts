import { PoolError } from './pool-error.js';

/** The state of the pool when an acquire failed: enough to tell *busy* from *server down*. */
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

/** The details of an {@link AcquireError}. */
export interface AcquireErrorDetails {
  readonly snapshot: PoolSnapshot;
  /** How long the caller had waited, in milliseconds. */
  readonly waited: number;
  readonly cause?: unknown;
}

/**
 * The pool lent no connection. `snapshot` shows the pool at that moment; `cause` is the last failure to open, if any.
 */
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

/** No connection became free in time. The message says whether the pool was busy or could not connect. */
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

/**
 * `maxWaiters` callers were already waiting, so the pool refused one of them: the newest of the agent, or of the plain
 * callers, that has the most. Or as many callers of one agent waited as its `maxWaiting` allows.
 */
export class QueueFullError extends AcquireError {
  static override readonly name: string = 'QueueFullError';
  static override readonly code: string = 'ERR_POOL_QUEUE_FULL';
  override readonly retryable: boolean = true;
  readonly #tenant: unknown;

  /** @param details `tenant`: the one of which as many callers wait as may */
  constructor(message: string, details: AcquireErrorDetails & { tenant?: unknown }) {
    super(message, details);
    this.#tenant = details.tenant;
  }

  /** @internal The tenant of the pool of which as many callers waited as may; undefined when the whole line was full. */
  static tenantOf(error: unknown): unknown {
    return error instanceof QueueFullError ? error.#tenant : undefined;
  }
}

/** Callers had waited too long for some time (`loadShedding`), so the pool refused this one to serve the others in time. */
export class QueueOverloadError extends AcquireError {
  static override readonly name: string = 'QueueOverloadError';
  static override readonly code: string = 'ERR_POOL_QUEUE_OVERLOAD';
  override readonly retryable: boolean = true;
  /** After how many milliseconds to try again: how long callers wait now, at the least. */
  readonly retryAfter: number;

  constructor(message: string, details: AcquireErrorDetails & { retryAfter: number }) {
    super(message, details);
    this.retryAfter = details.retryAfter;
  }
}

/**
 * The work of a `withConnection()` asked for another connection while all were in use. If all holders do that, they
 * wait for each other for ever. Use the connection the work already holds, or acquire the second one before the first.
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

/** What is wrong with one server, in a {@link CircuitOpenError}. */
export interface EndpointTrouble {
  /** The address, without its query string. */
  readonly url: string;
  /** Its circuit breaker. */
  readonly state: 'closed' | 'open' | 'half-open';
  /** Why it failed last. */
  readonly lastError: string | undefined;
  /** How long until the next attempt there, in milliseconds. */
  readonly nextProbeIn: number;
}

/**
 * Every server kept failing, so the pool makes no attempt before `nextProbeIn`; `endpoints` says what is wrong with each, and
 * `cause` is the last failure.
 */
export class CircuitOpenError extends AcquireError {
  static override readonly name: string = 'CircuitOpenError';
  static override readonly code: string = 'ERR_POOL_CIRCUIT_OPEN';
  override readonly retryable: boolean = true;
  /** How long until the next attempt to connect, in milliseconds. */
  readonly nextProbeIn: number;
  readonly endpoints: readonly EndpointTrouble[];

  constructor(
    message: string,
    details: AcquireErrorDetails & { nextProbeIn: number; endpoints: readonly EndpointTrouble[] },
  ) {
    super(message, details);
    this.nextProbeIn = details.nextProbeIn;
    this.endpoints = details.endpoints;
  }
}

/** The pool is shutting down or closed, and lends no connections any more. */
export class PoolShutdownError extends AcquireError {
  static override readonly name: string = 'PoolShutdownError';
  static override readonly code: string = 'ERR_POOL_SHUTDOWN';
}

/** Connections cannot be opened, and waiting would not help, as with wrong credentials (see `cause`). */
export class AcquireFailedError extends AcquireError {
  static override readonly name: string = 'AcquireFailedError';
  static override readonly code: string = 'ERR_POOL_ACQUIRE_FAILED';
}

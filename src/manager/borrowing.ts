import { parseDuration } from '../config/duration.js';
import type { NestedAcquirePolicy } from '../config/pool-options.js';
import { resolveIdentity } from '../config/resolve.js';
import {
  type AcquireError,
  type AcquireErrorDetails,
  AcquireFailedError,
  AcquireTimeoutError,
} from '../errors/acquire.js';
import type { Asked } from '../errors/asked.js';
import { DeadlineError } from '../errors/connect.js';
import { messageOf } from '../errors/error-message.js';
import { acquireAborted } from '../pool/acquire-errors.js';
import type { Lease } from '../pool/lease.js';
import type { Origin } from '../pool/origin.js';
import type { Pool } from '../pool/pool.js';
import type { Tenant } from '../pool/tenant.js';
import type { SharedUse } from '../pool/waiter.js';
import type { Connection } from '../session/connection.js';
import type { ConnectionFactory } from '../session/connection-factory.js';
import type { DatabasePreparation } from '../session/database-preparation.js';
import { anonymous, type ConnectionIdentity } from '../session/identity.js';
import { askingStep } from '../session/sign-in.js';
import { type AcquireTrace, acquireChannel, releaseChannel, traceOf } from '../telemetry/channels.js';
import type { PoolLabel } from '../telemetry/pool-label.js';
import { traceWork } from '../telemetry/trace-work.js';
import { systemClock } from '../time/clock.js';
import { withDeadline } from '../time/deadline.js';
import type { AcquireOptions } from './acquire-options.js';
import type { NestedAcquireGuard } from './nested-acquire-guard.js';

/** What the acquires of one pool need. */
export interface BorrowingParts {
  readonly label: PoolLabel;
  readonly pool: Pool<Connection, ConnectionIdentity>;
  readonly factory: ConnectionFactory;
  /** Undefined when there is no `onFirstUse`. */
  readonly preparation: DatabasePreparation | undefined;
  /** Undefined when nested acquires are ignored. */
  readonly guard: NestedAcquireGuard | undefined;
  readonly nestedAcquire: NestedAcquirePolicy;
  /** The timeout of an acquire without its own, in milliseconds; 0 waits for ever. */
  readonly connectionTimeout: number;
  /** Aborted when the shutdown begins: after that no acquire waits for credentials or preparation. */
  readonly ending: AbortSignal;
}

/** Borrows connections. */
export type Lend = Pick<Borrowing, 'lease'>;

/** What the public methods add to the options of an acquire. */
export interface BorrowDetails {
  /** The stack of its caller, if leases are reported with it. */
  readonly origin?: Origin | undefined;
  /** Accepts only a connection opened from now on. */
  readonly fresh?: boolean | undefined;
  /** Set for one call that may share a connection with others. */
  readonly shared?: SharedUse | undefined;
  /** Instead of the signal of the options. */
  readonly signal?: AbortSignal | undefined;
  /** Whose part of the pool it takes; undefined for that of plain callers. */
  readonly tenant?: Tenant | undefined;
}

/** The request of one acquire. */
interface Wish extends BorrowDetails {
  /** Undefined for the pool's own. */
  readonly identity: ConnectionIdentity | undefined;
  readonly signal: AbortSignal | undefined;
  /** In milliseconds; 0 waits for ever. */
  readonly timeout: number;
}

/** A step before a connection is taken. */
interface StepBefore {
  /** Undefined when the step is already done. */
  readonly work: Promise<unknown> | undefined;
  /** The name of the step in errors. */
  readonly name: string;
  readonly failed: (cause: unknown, waited: number) => AcquireFailedError;
}

/**
 * Borrows connections from the pool. The user's code, a credentials function or `onFirstUse`, may hang; it runs before
 * a connection is taken, so that it keeps none from other callers. All of it is within the timeout of the acquire, and
 * a failure there counts as a failed acquire.
 */
export class Borrowing {
  readonly #parts: BorrowingParts;
  readonly #pool: Pool<Connection, ConnectionIdentity>;
  readonly #factory: ConnectionFactory;
  readonly #snapshot: () => ReturnType<Pool<Connection, ConnectionIdentity>['snapshot']>;

  constructor(parts: BorrowingParts) {
    this.#parts = parts;
    this.#pool = parts.pool;
    this.#factory = parts.factory;
    this.#snapshot = () => parts.pool.snapshot();
  }

  /** What a failed acquire asked for. */
  askedBy(identity: ConnectionIdentity = this.#factory.identities.home): Asked {
    const { namespace, database, signIn } = identity;
    return { pool: this.#parts.label.name, namespace, database, user: signIn?.who ?? anonymous };
  }

  /**
   * Undefined for the pool's own.
   * @throws ConfigurationError when the identity is not valid
   */
  identityOf(options: AcquireOptions): ConnectionIdentity | undefined {
    const chosen = resolveIdentity(options);
    return chosen && this.#factory.identities.of(chosen);
  }

  /**
   * @throws synchronously: NestedAcquireError, and ConfigurationError when `timeout` is no duration. The promise
   * rejects with the other subclasses of AcquireError
   */
  lease(
    { signal: ownSignal, timeout }: AcquireOptions,
    identity: ConnectionIdentity | undefined,
    { origin, fresh, shared, tenant, signal = ownSignal }: BorrowDetails,
  ): Promise<Lease<Connection>> {
    this.#refuseNested();
    const longest = timeout === undefined ? this.#parts.connectionTimeout : parseDuration(timeout);
    // Written out, since spreading would cost a third of an acquire.
    const wish = { identity, signal, timeout: longest, origin, fresh, shared, tenant };
    if (!acquireChannel.hasSubscribers) return this.#borrow(wish);
    const trace = this.#traceOf(wish);
    const began = systemClock.now();
    const { served } = this.#pool;
    let isServed = false;
    const borrow = (): Promise<Lease<Connection>> => {
      const borrowed = this.#borrow(wish);
      isServed = this.#pool.served > served;
      return borrowed;
    };
    return traceWork(acquireChannel, trace, borrow, (lease) => {
      trace.waited = isServed ? 0 : systemClock.now() - began;
      if (lease === undefined) return;
      trace.connection = lease.id;
      this.#tellEnd(lease, trace);
    });
  }

  #traceOf({ identity = this.#factory.identities.home, shared, tenant }: Wish): AcquireTrace {
    const { namespace, database, signIn } = identity;
    const { pool, poolId, serverAddress, serverPort } = traceOf(this.#parts.label);
    // Written out: spreading would cost as much as all the rest of a traced acquire.
    return {
      pool,
      poolId,
      serverAddress,
      serverPort,
      connection: undefined,
      waited: undefined,
      lease: undefined,
      single: shared !== undefined,
      namespace,
      database,
      user: signIn?.who ?? anonymous,
      agent: tenant?.name,
      maxConnections: this.#pool.maxConnections,
    };
  }

  #tellEnd(lease: Lease<Connection>, trace: AcquireTrace): void {
    trace.lease = lease.acquire;
    lease.atEnd(() => {
      if (!releaseChannel.hasSubscribers) return;
      const { pool, poolId, serverAddress, serverPort } = trace;
      const { id: connection, acquire } = lease;
      releaseChannel.publish({ pool, poolId, serverAddress, serverPort, connection, lease: acquire });
    });
  }

  #refuseNested(): void {
    const error = this.#parts.guard?.refusal(this.#snapshot);
    if (error === undefined) return;
    const { events } = this.#pool;
    if (events.has('nestedAcquire')) events.emit('nestedAcquire', { error });
    if (this.#parts.nestedAcquire === 'error') throw error;
  }

  /** Starts the steps before a connection is taken; if there are none, takes one at once. */
  #borrow(wish: Wish): Promise<Lease<Connection>> {
    const { state } = this.#pool;
    // The pool itself refuses the acquire.
    if (state === 'draining' || state === 'closed') return this.#pool.acquire(wish);
    const { identity = this.#factory.identities.home } = wish;
    let credentials: Promise<unknown> | undefined;
    try {
      credentials = this.#factory.prepare(identity);
    } catch (cause) {
      return Promise.reject(this.#noted(this.#cannotSignIn(cause, 0), identity));
    }
    const preparing = this.#parts.preparation?.of(identity);
    if (credentials === undefined && preparing === undefined) return this.#pool.acquire(wish);
    // Both steps run at once and are awaited one after the other: the second may fail before it is awaited.
    credentials?.catch(() => {});
    preparing?.catch(() => {});
    return this.#borrowAfter(wish, [
      { work: credentials, name: askingStep, failed: (cause, waited) => this.#cannotSignIn(cause, waited) },
      { work: preparing, name: 'onFirstUse', failed: (cause, waited) => this.#notPrepared(cause, waited) },
    ]);
  }

  async #borrowAfter(wish: Wish, steps: readonly StepBefore[]): Promise<Lease<Connection>> {
    const began = systemClock.now();
    const { identity, signal, timeout } = wish;
    const { ending } = this.#parts;
    const waited = (): number => systemClock.now() - began;
    const left = (): number => (timeout === 0 ? Number.POSITIVE_INFINITY : Math.max(1, timeout - waited()));
    for (const { work, name, failed } of steps) {
      if (work === undefined) continue;
      try {
        await withDeadline(name, left(), [ending, signal], () => work);
      } catch (cause) {
        if (signal?.aborted) throw this.#noted(acquireAborted(this.#detailsOf(signal.reason, waited())), identity);
        // The pool itself gives the error for a shutdown.
        if (ending.aborted) break;
        if (timeout > 0 && cause instanceof DeadlineError && cause.step === name) {
          const message = `no connection within ${timeout} ms: ${name} is still under way`;
          throw this.#noted(new AcquireTimeoutError(message, this.#detailsOf(cause, waited())), identity);
        }
        throw this.#noted(failed(cause, waited()), identity);
      }
    }
    return await this.#pool.acquire({ ...wish, timeout: timeout === 0 ? 0 : left() });
  }

  #cannotSignIn(cause: unknown, waited: number): AcquireFailedError {
    const message = `no connection of this identity: ${messageOf(cause)}`;
    return new AcquireFailedError(message, this.#detailsOf(cause, waited));
  }

  #notPrepared(cause: unknown, waited: number): AcquireFailedError {
    return new AcquireFailedError(`onFirstUse failed: ${messageOf(cause)}`, this.#detailsOf(cause, waited));
  }

  /** Counts and reports an acquire that failed before it reached the pool. */
  #noted<Failure extends AcquireError>(error: Failure, identity: ConnectionIdentity | undefined): Failure {
    this.#pool.noteFailure(error, identity);
    return error;
  }

  #detailsOf(cause: unknown, waited: number): AcquireErrorDetails {
    return { snapshot: this.#pool.snapshot(), waited, cause };
  }
}

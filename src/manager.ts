import { SurrealQueryable, Uuid } from 'surrealdb';
import { guardArguments, requireFunction } from './calls/arguments.js';
import { LeaseChannel } from './calls/lease-channel.js';
import { PoolChannel } from './calls/pool-channel.js';
import { asController } from './calls/query-channel.js';
import type { Duration } from './config/duration.js';
import type { DatabaseConfig, PoolOptions, ResolvedConfig } from './config/options.js';
import { resolveConfig, resolveOptions } from './config/resolve.js';
import { UsageError } from './errors/configuration.js';
import type { AcquireOptions, CallRetryOptions } from './manager/acquire-options.js';
import { assemble, type Parts } from './manager/assembly.js';
import { Callers } from './manager/callers.js';
import { type HealthStatus, healthOf, type Metrics } from './manager/health-report.js';
import {
  acquireOptions,
  boundsOptions,
  callOptions,
  noOptions,
  poolTransactionOptions,
  shutdownOptions,
} from './manager/method-options.js';
import { endAll, type ShutdownReport } from './manager/shutdown.js';
import { awaited } from './manager/unawaited.js';
import { unknownEvent } from './manager/unknown-event.js';
import { eventNames, type PoolEvents } from './pool/events.js';
import type { SharedUse } from './pool/waiter.js';
import { PooledConnection } from './pooled-connection.js';
import { type PoolStats, poolStats } from './telemetry/pool-stats.js';
import { systemClock } from './time/clock.js';
import { inThisContext } from './time/own-context.js';
import { withRetry } from './time/retry.js';
import type { TransactionWork } from './transactions/transaction.js';
import {
  readRetryOptions,
  readTransactionOptions,
  type WithTransactionOptions,
} from './transactions/transaction-options.js';

/**
 * A pool of connections to one SurrealDB database. Itself a queryable: `pool.select(…)`, `pool.query(…)` and all other
 * builders borrow a connection for one call. For more than one call on the same session, {@link ConnectionManager.acquire}.
 */
export class ConnectionManager extends SurrealQueryable {
  /** The name of the pool in logs, channels and metrics: its address, namespace and database. */
  readonly name: string;
  readonly #parts: Parts;
  /** Whether a lease keeps the stack of its caller, for reports of leases that are held for long. */
  readonly #keepsOrigin: boolean;
  #shutdown: Promise<ShutdownReport> | undefined;

  static {
    guardArguments(ConnectionManager.prototype);
  }

  private constructor(parts: Parts) {
    if (!assembled.has(parts)) throw newIsNoWay();
    super(asController(channelOf(parts, noOptions)), Uuid.v4());
    const { leakDetectionThreshold, idleLeaseThreshold } = parts.config.pool;
    this.name = parts.name;
    this.#parts = parts;
    this.#keepsOrigin = leakDetectionThreshold + idleLeaseThreshold > 0;
  }

  /**
   * Makes a pool and opens its first connection. With `failFast: false` it does not wait for that, and goes on trying.
   * @throws ConfigurationError when the configuration cannot be used
   * @throws ConnectError when no connection can be opened, after `retryPolicy.maxAttempts` attempts
   */
  static create(config: DatabaseConfig): Promise<ConnectionManager> {
    const created = (async () => await ConnectionManager.#start(resolveConfig(config)))();
    return awaited(created, ConnectionManager.prototype);
  }

  /** @internal */
  static async fromUrl(url: string, options: PoolOptions): Promise<ConnectionManager> {
    return await ConnectionManager.#start(resolveOptions(url, options));
  }

  static async #start(config: ResolvedConfig): Promise<ConnectionManager> {
    const parts = assemble(config);
    assembled.add(parts);
    const manager = new ConnectionManager(parts);
    const { failFast, retryPolicy } = config.pool;
    try {
      await parts.pool.start(failFast ? retryPolicy.maxAttempts : 0);
      if (failFast) await parts.prepare(config);
    } catch (error) {
      await manager.shutdown({ gracePeriod: 0 });
      throw error;
    }
    return manager;
  }

  /**
   * Borrows a connection. Give it back with `release()`, or let `await using` do it.
   * @throws the subclasses of `AcquireError`, each with a snapshot of the pool: AcquireTimeoutError, AcquireAbortedError,
   * QueueFullError, NestedAcquireError, CircuitOpenError, PoolShutdownError, AcquireFailedError
   * @throws ConfigurationError when an option cannot be used, or is none
   */
  async acquire(options?: AcquireOptions): Promise<PooledConnection> {
    const parts = this.#parts;
    const { borrowing } = parts;
    const asked = options === undefined ? noOptions : acquireOptions.read(options);
    const limits = parts.rules.limits(asked);
    const identity = asked === noOptions ? undefined : borrowing.identityOf(asked);
    const origin = this.#keepsOrigin ? new Callers(this.acquire) : undefined;
    const lease = await borrowing.lease(asked, identity, { origin });
    const channel = new LeaseChannel(lease, this.name, limits);
    parts.lostLeases?.register(channel, lease, lease);
    return new PooledConnection(lease, channel, parts);
  }

  /** Borrows a connection for as long as `work` takes, and gives it back however it ends. */
  async withConnection<T>(
    work: (connection: PooledConnection) => Promise<T> | T,
    options?: AcquireOptions,
  ): Promise<T> {
    requireFunction(work, 'withConnection(work, options)');
    const connection = await this.acquire(options);
    const { guard } = this.#parts;
    try {
      if (guard === undefined) return await work(connection);
      return await guard.run(connection.id, new Callers(this.withConnection), () => work(connection));
    } finally {
      connection.release();
    }
  }

  /**
   * Borrows a connection for `work`, and does both again when that failed in a way that another attempt may mend:
   * at once when nothing was sent, after a pause (`retryPolicy`) when the server refused because of a concurrent
   * transaction, or no connection could be had. `work` is told the number of its attempt, from 1. What its calls did before
   * the one that failed is not undone, and is done again: see {@link ConnectionManager.withTransaction}.
   *
   * @throws what the last attempt threw, after `retryPolicy.maxAttempts` attempts
   */
  async executeWithRetry<T>(
    work: (connection: PooledConnection, attempt: number) => Promise<T> | T,
    options?: AcquireOptions & CallRetryOptions,
  ): Promise<T> {
    requireFunction(work, 'executeWithRetry(work, options)');
    const asked = options === undefined ? noOptions : callOptions.read(options);
    return await withRetry(
      (attempt) => this.withConnection((connection) => work(connection, attempt), asked),
      this.#parts.rules.retry(asked),
    );
  }

  /**
   * The same pool for single calls with other options: as another user, in another database, under a signal, or
   * repeated although their outcome is unknown.
   *
   * ```ts
   * const tenant = pool.with({ namespace: 'tenants', database: 'acme', signal: request.signal });
   * await tenant.select(new Table('person'));
   * ```
   * @throws ConfigurationError when an option cannot be used, or is none
   */
  with(options: AcquireOptions & CallRetryOptions): SurrealQueryable {
    return new PoolView(asController(channelOf(this.#parts, callOptions.read(options))), Uuid.v4());
  }

  /**
   * Borrows a connection and runs work in a transaction on it: commits it when the work returns, rolls it back when the
   * work throws, with the error unchanged. When the commit is refused because of a concurrent transaction, all of it is
   * done again, as `retry` says. `timeout` is for everything together, waiting for the connection included.
   *
   * ```ts
   * await pool.withTransaction(async (transaction) => {
   *   await transaction.update(from).merge({ balance: 10 });
   *   await transaction.update(to).merge({ balance: 20 });
   * });
   * ```
   * @throws what the work throws, what `acquire()` does, and what `Transaction.commit()` does
   */
  async withTransaction<T>(work: TransactionWork<T>, options?: AcquireOptions & WithTransactionOptions): Promise<T> {
    requireFunction(work, 'withTransaction(work, options)');
    // Read before a connection is taken. What is left of it below keeps the mark of having been read.
    const asked: AcquireOptions & WithTransactionOptions =
      options === undefined ? noOptions : poolTransactionOptions.read(options);
    const { timeout } = readTransactionOptions(asked);
    readRetryOptions(asked.retry);
    const { timeout: _, ...rest } = asked;
    if (timeout === 0) return await this.withConnection((held) => held.withTransaction(work, rest), rest);
    const began = systemClock.now();
    const longestWait = this.#parts.config.pool.connectionTimeout || timeout;
    return await this.withConnection(
      (held) => {
        const left = Math.max(1, timeout - (systemClock.now() - began));
        return held.withTransaction(work, { ...rest, timeout: left });
      },
      { ...rest, timeout: Math.min(longestWait, timeout) },
    );
  }

  /**
   * Calls back after every such event, in a microtask, until the returned function is called.
   * @throws ConfigurationError for a name that is no event
   */
  subscribe<Name extends keyof PoolEvents>(name: Name, listener: (event: PoolEvents[Name]) => void): () => void {
    requireFunction(listener, 'subscribe(name, listener)');
    if (!eventNames.includes(name)) throw unknownEvent(name);
    return this.#parts.pool.events.subscribe(name, inThisContext(listener));
  }

  /** What the pool has counted and what it holds at this instant; costs the same however many connections there are. */
  poolStats(): PoolStats {
    const { pool, batches, transactions } = this.#parts;
    const { counters, savepointCounters } = transactions;
    return poolStats(
      pool.statistics(),
      batches.counters.statistics(),
      counters.statistics(),
      savepointCounters.statistics(),
    );
  }

  /** Whether the pool can do its work, and if not, why not. It sends nothing: it tells what the pool has seen by itself. */
  healthStatus(): HealthStatus {
    return healthOf(this.#parts.pool, this.#parts.config.url);
  }

  /** A snapshot that contains `poolStats()` and `healthStatus()`. */
  metrics(): Metrics {
    return { pool: this.name, time: Date.now(), stats: this.poolStats(), health: this.healthStatus() };
  }

  /** Lends nothing until {@link ConnectionManager.resume}; leases go on, acquires wait within their own time. */
  pause(): void {
    this.#parts.pool.pause();
  }

  /** Ends a pause; also makes the pool try again at once when it could not open connections. */
  resume(): void {
    this.#parts.pool.resume();
  }

  /**
   * Changes how many connections there may be. What is idle above the maximum is closed now, what is in use at release.
   * @throws ConfigurationError for a name that is no option, UsageError for a number that cannot be
   */
  resize(bounds: { minConnections?: number; maxConnections?: number }): void {
    this.#parts.pool.resize(boundsOptions.read(bounds));
  }

  /**
   * Resolves when as many connections are open as are kept (`minConnections`), at once with `warmConnections: false`:
   * `createPool()` waits for the first one only.
   * @throws PoolShutdownError, and `ConnectError` when they cannot be had for good, as with wrong credentials
   */
  async warm(): Promise<void> {
    await this.#parts.pool.warm();
  }

  /** Replaces every connection: the idle ones and those being opened now, the others when they are given back. */
  recycleAll(): void {
    this.#parts.pool.recycleAll();
  }

  /** True from the first call of `shutdown()` on, also when it has ended. */
  isShuttingDown(): boolean {
    const { state } = this.#parts.pool;
    return state === 'draining' || state === 'closed';
  }

  /**
   * Refuses callers who wait or come, lets leases finish until `gracePeriod` (default: `shutdownGracePeriod`; 0 does not
   * wait), aborts those that did not, closes everything. A second call gets the same report. Rejects only with
   * `ConfigurationError`, for a period that is none; then nothing was shut down.
   */
  shutdown(options?: { gracePeriod?: Duration }): Promise<ShutdownReport> {
    const { shutdownGracePeriod } = this.#parts.config.pool;
    try {
      const gracePeriod = options === undefined ? undefined : shutdownOptions.read(options).gracePeriod;
      this.#shutdown ??= endAll(this.#parts, gracePeriod === undefined ? shutdownGracePeriod : Number(gracePeriod));
      return this.#shutdown;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** `await using pool = …` shuts the pool down at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

/** What {@link ConnectionManager.with} gives. */
class PoolView extends SurrealQueryable {
  static {
    guardArguments(PoolView.prototype);
  }
}

/** What pools are made of: by it the constructor knows that it was called from here. */
const assembled = new WeakSet<Parts>();

function newIsNoWay(): UsageError {
  return new UsageError(
    'a pool is not made by new: write `await createPool(url, options)` or `await ConnectionManager.create(config)`',
  );
}

const sharing: SharedUse = { joins: false };
const joining: SharedUse = { joins: true };

/**
 * What the queries of a pool, or of a view of it, go through.
 * @throws ConfigurationError when the identity or a duration cannot be used
 */
function channelOf(
  { name, borrowing, rules, factory, batches }: Parts,
  asked: AcquireOptions & CallRetryOptions,
): PoolChannel {
  const identity = borrowing.identityOf(asked);
  return new PoolChannel(
    ({ fresh, joins }) => {
      const shared = joins ? joining : sharing;
      return borrowing.lease(asked, identity && factory.identities.current(identity), { fresh, shared });
    },
    name,
    rules.limits(asked),
    batches,
    rules.retry(asked),
  );
}

/**
 * Makes a pool from an address and options, and opens its first connection.
 *
 * ```ts
 * const pool = await createPool('ws://localhost:8000', { namespace: 'app', database: 'main' });
 * ```
 * @param url `mem://`, `rocksdb://<path>`, `surrealkv://<path>`, `ws://<host>:<port>` or `wss://<host>`
 * @throws ConfigurationError, ConnectError
 */
export function createPool(url: string, options: PoolOptions): Promise<ConnectionManager> {
  return awaited(ConnectionManager.fromUrl(url, options), ConnectionManager.prototype);
}

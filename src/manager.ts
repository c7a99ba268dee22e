import { requireFunction } from './calls/arguments.js';
import type { Duration } from './config/duration.js';
import type { DatabaseConfig, PoolOptions, ResolvedConfig } from './config/options.js';
import { resolveConfig, resolveOptions } from './config/resolve.js';
import { UsageError } from './errors/configuration.js';
import { forCaller } from './errors/for-caller.js';
import { assemble, type Parts } from './manager/assembly.js';
import { type HealthStatus, healthOf, type Metrics } from './manager/health-report.js';
import { boundsOptions, noOptions, shutdownOptions } from './manager/method-options.js';
import { makeQueriesIn } from './manager/queries-in-scope.js';
import { ScopeStorage } from './manager/scope-storage.js';
import { endAll, type ShutdownReport } from './manager/shutdown.js';
import { awaited } from './manager/unawaited.js';
import { unknownEvent } from './manager/unknown-event.js';
import { eventNames, type PoolEvents } from './pool/events.js';
import { PoolScope } from './pool-scope.js';
import { type PoolStats, poolStats } from './telemetry/pool-stats.js';
import { inThisContext } from './time/own-context.js';

/**
 * A pool of connections to one SurrealDB database. Itself a queryable: `pool.select(…)`, `pool.query(…)` and all other
 * builders borrow a connection for one call. For more than one call on the same session, {@link PoolScope.acquire}.
 */
export class ConnectionManager extends PoolScope {
  /** What the pool is called in logs, errors, metrics and traces: the option `name`. */
  readonly name: string;
  readonly #parts: Parts;
  #shutdown: Promise<ShutdownReport> | undefined;

  private constructor(parts: Parts) {
    if (!assembled.has(parts)) throw newIsNoWay();
    const scopes = new ScopeStorage<PoolScope>();
    super({ ...parts, scopes }, noOptions, undefined, true);
    this.name = parts.label.name;
    this.#parts = parts;
    scopes.onFirstUse = () => makeQueriesIn(this, () => scopes.current);
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
      throw await forCaller(error, () => parts.borrowing.askedBy());
    }
    return manager;
  }

  /** Where the pool is in its life; `draining` from the first call of `shutdown()` on, and `closed` when that has ended. */
  get state(): PoolStats['state'] {
    return this.#parts.pool.state;
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
    try {
      await this.#parts.pool.warm();
    } catch (error) {
      throw await forCaller(error, () => this.#parts.borrowing.askedBy());
    }
  }

  /** Replaces every connection: the idle ones and those being opened now, the others when they are given back. */
  recycleAll(): void {
    this.#parts.pool.recycleAll();
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

  // The names of the pool in Rust: docs/migration.md.

  /** @deprecated a name of the pool in Rust: read {@link ConnectionManager.state} */
  isShuttingDown(): boolean {
    return this.state === 'draining' || this.state === 'closed';
  }
}

/** What pools are made of: by it the constructor knows that it was called from here. */
const assembled = new WeakSet<Parts>();

function newIsNoWay(): UsageError {
  return new UsageError(
    'a pool is not made by new: write `await createPool(url, options)` or `await ConnectionManager.create(config)`',
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

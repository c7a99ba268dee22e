import { SurrealQueryable, Uuid } from 'surrealdb';
import { type Duration, parseDuration } from './config/duration.js';
import type { DatabaseConfig, PoolOptions, ResolvedConfig } from './config/options.js';
import { resolveConfig, resolveOptions } from './config/resolve.js';
import type { Connection } from './connection/connection.js';
import { ConnectionFactory } from './connection/connection-factory.js';
import { type CallLimits, LeaseChannel } from './connection/lease-channel.js';
import { PoolChannel } from './connection/pool-channel.js';
import { asController } from './connection/query-channel.js';
import { shown } from './connection/transport.js';
import { Holders } from './holders.js';
import { systemClock } from './pool/clock.js';
import type { PoolEvents } from './pool/events.js';
import type { Lease } from './pool/lease.js';
import { Pool } from './pool/pool.js';
import type { ShutdownReport as PoolShutdownReport } from './pool/shutdown-report.js';
import { PooledConnection } from './pooled-connection.js';
import { fullJitterBackoff } from './resilience/backoff.js';
import type { CircuitBreakerState } from './resilience/circuit-breaker.js';
import { EndpointBreaker } from './resilience/endpoint-breaker.js';
import { acquireChannel, connectChannel, traced } from './telemetry/channels.js';
import { logEvents } from './telemetry/log-events.js';
import { type PoolStats, poolStats } from './telemetry/pool-stats.js';
import { publishSlots } from './telemetry/publish-slots.js';

/** How one acquire waits. */
export interface AcquireOptions {
  /**
   * Aborts the acquire (`AcquireAbortedError`) and, once the connection is lent, its calls (`CallAbortedError`); the
   * `cause` is the signal's reason. A call that was cut off closes its connection, for the server may still be at it.
   */
  signal?: AbortSignal | undefined;
  /** Instead of the pool's `connectionTimeout`; 0 waits for ever. */
  timeout?: Duration | undefined;
  /** Instead of the pool's `queryTimeout`, for every call of the lease; 0 for none. */
  queryTimeout?: Duration | undefined;
}

/** The state of an address the pool connects to. */
export interface EndpointHealth {
  readonly url: string;
  /** Connections that are open there. */
  readonly connections: number;
  /** Why the last attempt to open a connection failed; undefined when it succeeded. */
  readonly lastError: string | undefined;
}

/** Whether the pool can do its work, and if not, why not. */
export interface HealthStatus {
  /** True when the pool lends, and is not in want of connections that it cannot open. */
  readonly healthy: boolean;
  /** In one sentence, for a person. */
  readonly reason: string;
  readonly state: PoolStats['state'];
  /** `open` while the endpoint keeps failing and no attempt is made; `half-open` while one probe is under way. */
  readonly circuitBreakerState: CircuitBreakerState;
  readonly endpoints: readonly EndpointHealth[];
}

/** Everything the pool knows of itself at one instant. */
export interface Metrics {
  /** The name of the pool: its address, namespace and database. */
  readonly pool: string;
  /** The time of day, in milliseconds since 1970. */
  readonly time: number;
  readonly stats: PoolStats;
  readonly health: HealthStatus;
}

/** How a shutdown went. */
export interface ShutdownReport extends PoolShutdownReport {
  /**
   * True when something will keep the process alive that no one can end: an embedded engine on which an index was
   * defined. Call `process.exit()` then.
   */
  readonly holdsProcess: boolean;
}

/**
 * A pool of connections to one SurrealDB database. Itself a queryable: `pool.select(…)`, `pool.query(…)` and all other
 * builders borrow a connection for one call. For more than one call on the same session, {@link ConnectionManager.acquire}.
 */
export class ConnectionManager extends SurrealQueryable {
  /** The name of the pool in logs, channels and metrics: its address, namespace and database. */
  readonly name: string;
  readonly #config: ResolvedConfig;
  readonly #factory: ConnectionFactory;
  readonly #pool: Pool<Connection>;
  readonly #limits: CallLimits;
  readonly #holders: Holders | undefined;
  /**
   * Finds leases that were dropped without a release. It watches the channel, which every SDK object of a lease holds,
   * and not the lease object, which may be gone while a query of it is still under way.
   */
  readonly #lost: FinalizationRegistry<Lease<Connection>> | undefined;
  #shutdown: Promise<ShutdownReport> | undefined;

  private constructor(config: ResolvedConfig) {
    const name = `${shown(config.url)}/${config.namespace}/${config.database}`;
    const factory = new ConnectionFactory(config);
    const limits: CallLimits = {
      queryTimeout: config.pool.queryTimeout,
      sever: (connection) => factory.sever(connection),
    };
    super(asController(new PoolChannel(() => this.#acquire({}), name, limits)), Uuid.v4());
    this.name = name;
    this.#config = config;
    this.#factory = factory;
    this.#limits = limits;
    this.#pool = new Pool(config.pool, {
      factory: {
        open: (context) =>
          traced(
            connectChannel,
            () => ({ pool: name, connection: context.id }),
            () => factory.open(context),
          ),
        isClean: (connection) => connection.clean,
        reset: (connection, signal) => factory.reset(connection, signal),
        probe: (connection) => factory.probe(connection),
        close: (connection, signal) => factory.close(connection, signal),
        isFatal: (error) => factory.isFatal(error),
      },
      clock: systemClock,
      random: Math.random,
      backoff: fullJitterBackoff(config.pool.retryPolicy, Math.random),
      breaker: new EndpointBreaker(config.pool.circuitBreaker, Math.random),
    });
    if (config.pool.leakDetectionThreshold > 0) {
      this.#lost = new FinalizationRegistry((lease) => this.#pool.reclaim(lease));
    }
    if (config.pool.nestedAcquire !== 'ignore') this.#holders = new Holders();
    if (config.logger !== undefined) logEvents(this.#pool.events, config.logger, name);
    publishSlots(this.#pool.events, name);
  }

  /**
   * Makes a pool and opens its first connection. With `failFast: false` it does not wait for that, and goes on trying.
   * @throws ConfigurationError when the configuration cannot be used
   * @throws ConnectError when no connection can be opened, after `retryPolicy.maxAttempts` attempts
   */
  static async create(config: DatabaseConfig): Promise<ConnectionManager> {
    return await ConnectionManager.#start(resolveConfig(config));
  }

  /** @internal */
  static async fromUrl(url: string, options: PoolOptions): Promise<ConnectionManager> {
    return await ConnectionManager.#start(resolveOptions(url, options));
  }

  static async #start(config: ResolvedConfig): Promise<ConnectionManager> {
    const manager = new ConnectionManager(config);
    const { failFast, retryPolicy } = config.pool;
    try {
      await manager.#pool.start(failFast ? retryPolicy.maxAttempts : 0);
    } catch (error) {
      await manager.shutdown({ gracePeriod: 0 });
      throw error;
    }
    return manager;
  }

  /**
   * Borrows a connection. Give it back with `release()`, or let `await using` do it.
   * @throws AcquireTimeoutError, AcquireAbortedError, QueueFullError, PoolShutdownError, AcquireFailedError
   */
  async acquire(options: AcquireOptions = {}): Promise<PooledConnection> {
    const { signal, queryTimeout } = options;
    const limits = {
      ...this.#limits,
      signal,
      ...(queryTimeout === undefined ? {} : { queryTimeout: parseDuration(queryTimeout) }),
    };
    const origin = this.#lost === undefined ? undefined : callersOf(this.acquire);
    const lease = await this.#acquire(options, origin);
    const channel = new LeaseChannel(lease, this.name, limits);
    this.#lost?.register(channel, lease);
    return new PooledConnection(lease, channel, this.#factory);
  }

  /** Borrows a connection for as long as `work` takes, and gives it back however it ends. */
  async withConnection<T>(
    work: (connection: PooledConnection) => Promise<T> | T,
    options: AcquireOptions = {},
  ): Promise<T> {
    const connection = await this.acquire(options);
    const holders = this.#holders;
    try {
      if (holders === undefined) return await work(connection);
      return await holders.run(connection.id, callersOf(this.withConnection), () => work(connection));
    } finally {
      connection.release();
    }
  }

  /** Calls back after every such event, in a microtask, until the returned function is called. */
  subscribe<Name extends keyof PoolEvents>(name: Name, listener: (event: PoolEvents[Name]) => void): () => void {
    return this.#pool.events.subscribe(name, listener);
  }

  poolStats(): PoolStats {
    return poolStats(this.#pool.statistics());
  }

  healthStatus(): HealthStatus {
    const { state, idle, leased, validating, resetting, maxConnections, waiting, lastOpenError } =
      this.#pool.snapshot();
    const connections = idle + leased + validating + resetting;
    // A failure to open one more is no illness while those that are there serve everybody.
    const stuck = lastOpenError !== undefined && (connections === 0 || waiting > 0);
    let reason = `${leased} of ${maxConnections} connections in use, ${waiting} callers wait`;
    if (state === 'paused') reason = `paused: ${waiting} callers wait for resume()`;
    else if (state !== 'running') reason = 'shut down';
    else if (stuck) reason = `cannot open connections: ${lastOpenError}`;
    return {
      healthy: state === 'running' && !stuck,
      reason,
      state,
      circuitBreakerState: this.#pool.circuit,
      endpoints: [{ url: shown(this.#config.url), connections, lastError: lastOpenError }],
    };
  }

  /** A snapshot that contains `poolStats()` and `healthStatus()`. */
  metrics(): Metrics {
    return { pool: this.name, time: Date.now(), stats: this.poolStats(), health: this.healthStatus() };
  }

  /** Lends nothing until {@link ConnectionManager.resume}; leases go on, acquires wait within their own time. */
  pause(): void {
    this.#pool.pause();
  }

  /** Ends a pause; also makes the pool try again at once when it could not open connections. */
  resume(): void {
    this.#pool.resume();
  }

  /**
   * Changes how many connections there may be. What is idle above the maximum is closed now, what is in use at release.
   * @throws UsageError
   */
  resize(bounds: { minConnections?: number; maxConnections?: number }): void {
    this.#pool.resize(bounds);
  }

  /** Replaces every connection: the idle ones now, the others when they are given back. */
  recycleAll(): void {
    this.#pool.recycleAll();
  }

  isShuttingDown(): boolean {
    return this.#pool.state === 'draining' || this.#pool.state === 'closed';
  }

  /**
   * Refuses whoever waits or comes, lets leases finish until `gracePeriod` (default: `shutdownGracePeriod`; 0 does not
   * wait), aborts those that did not, closes everything. A second call gets the same report. Rejects only with
   * `ConfigurationError`, for a period that is none; then nothing was shut down.
   */
  shutdown(options: { gracePeriod?: Duration } = {}): Promise<ShutdownReport> {
    const { shutdownGracePeriod } = this.#config.pool;
    try {
      const gracePeriod = options.gracePeriod === undefined ? shutdownGracePeriod : parseDuration(options.gracePeriod);
      this.#shutdown ??= this.#end(gracePeriod);
      return this.#shutdown;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #end(gracePeriod: number): Promise<ShutdownReport> {
    const report = await this.#pool.shutdown(gracePeriod);
    const { holdsProcess } = this.#factory;
    // The leases are over and the connections closed; a carrier that will not end in order is cut off.
    await this.#factory.end(this.#config.pool.closeTimeout).catch(() => {});
    return { ...report, holdsProcess };
  }

  async #acquire(options: AcquireOptions, origin?: string): Promise<Lease<Connection>> {
    const { signal, timeout } = options;
    const nested = this.#holders?.conflict(this.#pool.snapshot());
    if (nested !== undefined) {
      if (this.#pool.events.has('nestedAcquire')) this.#pool.events.emit('nestedAcquire', { error: nested });
      if (this.#config.pool.nestedAcquire === 'error') throw nested;
    }
    const wait = (): Promise<Lease<Connection>> =>
      this.#pool.acquire({ signal, timeout: timeout === undefined ? undefined : parseDuration(timeout), origin });
    return await traced(acquireChannel, () => ({ pool: this.name }), wait);
  }
}

/** The stack above a function: who called it. */
function callersOf(called: (...parameters: never[]) => unknown): string {
  const at: { stack?: string } = {};
  Error.captureStackTrace(at, called);
  return at.stack?.split('\n').slice(1).join('\n') ?? '';
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
  return ConnectionManager.fromUrl(url, options);
}

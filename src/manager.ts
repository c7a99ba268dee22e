import type { AgentSession, AgentSessionOptions } from './agents/agent-session.js';
import { Sessions, type SessionsStatistics } from './agents/sessions.js';
import { requireFunction } from './calls/arguments.js';
import { withoutQuery } from './config/address.js';
import type { Duration } from './config/duration.js';
import type { EndpointOptions, Endpoints } from './config/endpoint-options.js';
import type { DatabaseConfig, PoolOptions, ResolvedConfig } from './config/options.js';
import { describe } from './config/refusal.js';
import { resolveConfig, resolveEndpoint, resolveOptions } from './config/resolve.js';
import { UsageError } from './errors/configuration.js';
import { forCaller } from './errors/for-caller.js';
import { assemble, type Parts } from './manager/assembly.js';
import { type ConnectionReport, connectionReport } from './manager/connection-report.js';
import { endLeaseOf } from './manager/end-lease.js';
import { findEndpoints } from './manager/find-endpoints.js';
import { type HealthStatus, healthOf, type Metrics } from './manager/health-report.js';
import { boundsOptions, noOptions, removalOptions, shutdownOptions } from './manager/method-options.js';
import { makeQueriesIn } from './manager/queries-in-scope.js';
import { ScopeStorage } from './manager/scope-storage.js';
import { endAll, type ShutdownReport } from './manager/shutdown.js';
import { awaited } from './manager/unawaited.js';
import { unknownEvent } from './manager/unknown-event.js';
import type { EndpointReport } from './pool/endpoint-report.js';
import { eventNames, type PoolEvents } from './pool/events.js';
import { PoolScope } from './pool-scope.js';
import { type PoolStats, poolStats } from './telemetry/pool-stats.js';
import { inThisContext } from './time/own-context.js';

/**
 * A pool of connections to one SurrealDB database. It is a queryable itself: `pool.select(…)`, `pool.query(…)` and all
 * other builders borrow a connection for one call. For several calls on the same session use {@link PoolScope.acquire}.
 */
export class ConnectionManager extends PoolScope {
  /** The name of the pool in logs, errors, metrics and traces: the option `name`. */
  readonly name: string;
  readonly #parts: Parts;
  readonly #sessions: Sessions;
  #shutdown: Promise<ShutdownReport> | undefined;

  private constructor(parts: Parts) {
    if (!assembled.has(parts)) throw newIsNoWay();
    const scopes = new ScopeStorage<PoolScope>();
    const scopeParts = { ...parts, scopes };
    super(scopeParts, noOptions, undefined, true);
    this.#sessions = new Sessions(scopeParts);
    this.name = parts.label.name;
    this.#parts = parts;
    scopes.onFirstUse = () => makeQueriesIn(this, () => scopes.current);
  }

  /**
   * Makes a pool and opens its first connection. With `failFast: false` it does not wait for that connection, and keeps
   * trying.
   * @throws ConfigurationError when the configuration is not valid
   * @throws ConnectError when no connection can be opened, after `retryPolicy.maxAttempts` attempts
   */
  static create(config: DatabaseConfig): Promise<ConnectionManager> {
    const created = (async () => await ConnectionManager.#start(resolveConfig(config)))();
    return awaited(created, ConnectionManager.prototype);
  }

  /** @internal */
  static async fromUrl(url: string | Endpoints, options: PoolOptions): Promise<ConnectionManager> {
    return await ConnectionManager.#start(resolveOptions(url, options));
  }

  static async #start(config: ResolvedConfig): Promise<ConnectionManager> {
    const parts = assemble(config);
    assembled.add(parts);
    const manager = new ConnectionManager(parts);
    const { failFast, retryPolicy } = config.pool;
    try {
      await findEndpoints(parts);
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
   * @throws ConfigurationError for an unknown event
   */
  subscribe<Name extends keyof PoolEvents>(name: Name, listener: (event: PoolEvents[Name]) => void): () => void {
    requireFunction(listener, 'subscribe(name, listener)');
    if (!eventNames.includes(name)) throw unknownEvent(name);
    return this.#parts.pool.events.subscribe(name, inThisContext(listener));
  }

  /** The counters and the present state of the pool; costs the same for any number of connections. */
  poolStats(): PoolStats {
    const { pool, queries, tokens, batches, transactions } = this.#parts;
    const counted = { ...queries.statistics(), ...tokens.statistics() };
    return poolStats(pool.statistics(), counted, {
      messages: batches.counters.statistics(),
      transactions: transactions.counters.statistics(),
      savepoints: transactions.savepointCounters.statistics(),
    });
  }

  /**
   * Makes a session for an agent: a part of this pool with its own database and user, limits, guards, log and fair share
   * of the connections. It sends nothing, and holds no connection. See docs/agents.md.
   * @throws ConfigurationError for an option that cannot be used
   * @throws UsageError for a parent that is closed or of another pool, and once the pool shuts down
   */
  createSession(options: AgentSessionOptions): AgentSession {
    return this.#sessions.create(options);
  }

  /** What the agent sessions have used; costs the same for each open session. */
  sessions(): SessionsStatistics {
    return this.#sessions.statistics();
  }

  /** Whether the pool can serve; if not, why. It sends nothing: it reports what the pool has seen. */
  healthStatus(): HealthStatus {
    return healthOf(this.#parts.pool);
  }

  /**
   * Every connection, the oldest first: its state, for how long, and who holds it. It costs the more the more connections there
   * are, so it is for reports and for looking, not for each request.
   */
  connections(): ConnectionReport[] {
    return this.#parts.pool.members().map(connectionReport);
  }

  /**
   * Ends the lease of a connection, for an operator. Further calls of its holder fail with `LeaseReleasedError`, which has the
   * reason; what the holder left is undone as at a release. If a call is under way, the connection is closed at once, and the
   * call fails with `ConnectionLostError`: it may have been executed. Connections that single calls share have no holder.
   * @param connection its number, as in `connections()`, logs and errors
   * @param reason goes into the error of the holder and into the log, shortened to 200 characters
   * @returns false when no caller has that connection to itself now
   * @throws UsageError for anything else than a number and a text
   */
  endLease(connection: number, reason?: string): boolean {
    return endLeaseOf(this.#parts.pool, connection, reason);
  }

  /** The servers of the pool, and what it knows about each. */
  endpoints(): readonly EndpointReport[] {
    return this.#parts.pool.endpoints.reports;
  }

  /**
   * Adds a server, or takes one back that is being drained or was removed. Connections are opened there from now on; its share
   * grows to the whole within `balancing.slowStart`. An address alone keeps the weight, zone and priority of a server that
   * is known; an object says them anew. One that is taken back and that the discovery lists stays as long as it is listed.
   * @throws ConfigurationError for a server that cannot be used, UsageError when the pool was made with one address instead of
   * a list
   */
  addEndpoint(endpoint: string | EndpointOptions): void {
    const { config, pool } = this.#parts;
    if (config.mode !== 'remote') {
      throw new UsageError(
        `the pool was made for ${withoutQuery(config.url)} alone, so it does not compare the stores of servers: give createPool() a list, which may have one address`,
      );
    }
    pool.endpoints.add(resolveEndpoint(endpoint), typeof endpoint === 'string');
  }

  /**
   * Takes a server out of service: it gets no new connection and no further lease, and what is under way there goes on. It stays
   * in the list; `addEndpoint()` takes it back, `removeEndpoint()` drops it.
   * @throws ConfigurationError, UsageError for an address that the pool does not have, and for its only one
   */
  drainEndpoint(url: string): void {
    this.#parts.pool.endpoints.drain(resolveEndpoint(url).url);
  }

  /**
   * The same, and drops the server when none of its connections is left. Within `drain` leases there may end by themselves,
   * then they are ended; left out, they take their time; 0: they are ended at once.
   * @returns resolves when no connection is left there, and when the pool is shut down
   * @throws ConfigurationError, UsageError for an address that the pool does not have, and for its only one
   */
  async removeEndpoint(url: string, options: { drain?: Duration } = {}): Promise<void> {
    const { drain } = removalOptions.read(options);
    const within = drain === undefined ? undefined : Number(drain);
    await this.#parts.pool.endpoints.remove(resolveEndpoint(url).url, within);
  }

  /**
   * Moves connections at once from servers that have more than their share to those that have less, instead of one each
   * `balancing.rebalanceInterval`: idle ones are closed now, leased ones at their release, and the next ones are opened elsewhere.
   * @returns how many are moved
   */
  rebalance(): number {
    return this.#parts.pool.endpoints.rebalance();
  }

  /** A snapshot that contains `poolStats()` and `healthStatus()`. */
  metrics(): Metrics {
    return { pool: this.name, time: Date.now(), stats: this.poolStats(), health: this.healthStatus() };
  }

  /** Lends nothing until {@link ConnectionManager.resume}. Leases go on; acquires wait until their own timeouts. */
  pause(): void {
    this.#parts.pool.pause();
  }

  /** Ends a pause; also makes the pool try again at once when it could not open connections. */
  resume(): void {
    this.#parts.pool.resume();
  }

  /**
   * Changes how many connections the pool may have. Connections above the maximum are closed: idle ones now, leased
   * ones at their release.
   * @throws ConfigurationError for an unknown option, UsageError for a number out of range
   */
  resize(bounds: { minConnections?: number; maxConnections?: number }): void {
    this.#parts.pool.resize(boundsOptions.read(bounds));
  }

  /**
   * Resolves when `minConnections` connections are open; at once with `warmConnections: false`. `createPool()` waits
   * only for the first one.
   * @throws PoolShutdownError, and `ConnectError` when a failure is final, such as wrong credentials
   */
  async warm(): Promise<void> {
    try {
      await this.#parts.pool.warm();
    } catch (error) {
      throw await forCaller(error, () => this.#parts.borrowing.askedBy());
    }
  }

  /** Replaces every connection: idle ones and those being opened now, leased ones at their release. */
  recycleAll(): void {
    this.#parts.pool.recycleAll();
  }

  /**
   * Refuses waiters and new callers, lets leases finish within `gracePeriod` (default: `shutdownGracePeriod`; 0 does
   * not wait), aborts the rest, and closes everything. A second call gets the same report. Rejects only with
   * `ConfigurationError`, for an invalid period; then nothing was shut down.
   */
  shutdown(options?: { gracePeriod?: Duration }): Promise<ShutdownReport> {
    const { shutdownGracePeriod } = this.#parts.config.pool;
    try {
      const gracePeriod = options === undefined ? undefined : shutdownOptions.read(options).gracePeriod;
      const longest = gracePeriod === undefined ? shutdownGracePeriod : Number(gracePeriod);
      this.#shutdown ??= endAll(this.#parts, this.#sessions, longest);
      return this.#shutdown;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** `await using pool = …` shuts the pool down at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /**
   * The inside of a pool, for the exporters of this package.
   * @internal
   * @throws UsageError for anything else than a pool of this copy of the package
   */
  static partsOf(pool: unknown): Parts {
    if (typeof pool === 'object' && pool !== null && #parts in pool) return pool.#parts;
    throw new UsageError(
      `expected a pool made by createPool(), and was given ${describe(pool)}; a pool of another copy of surreal-pool cannot be read either`,
    );
  }

  // The names of the pool in Rust: docs/migration.md.

  /** @deprecated a name of the pool in Rust: read {@link ConnectionManager.state} */
  isShuttingDown(): boolean {
    return this.state === 'draining' || this.state === 'closed';
  }
}

/** The parts made by this module. The constructor accepts no others. */
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
 * @param url `mem://`, `rocksdb://<path>`, `surrealkv://<path>`, `ws://<host>:<port>` or `wss://<host>`; for several servers a
 *   list of them, or where to look for them: {@link Endpoints}
 * @throws ConfigurationError, ConnectError
 */
export function createPool(url: string | Endpoints, options: PoolOptions): Promise<ConnectionManager> {
  return awaited(ConnectionManager.fromUrl(url, options), ConnectionManager.prototype);
}

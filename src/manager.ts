import { SurrealQueryable, Uuid } from 'surrealdb';
import { LeaseChannel } from './calls/lease-channel.js';
import type { CallLimits } from './calls/limits.js';
import { PoolChannel } from './calls/pool-channel.js';
import { asController } from './calls/query-channel.js';
import { withoutQuery } from './config/address.js';
import type { DatabaseName } from './config/database-name.js';
import { type Duration, parseDuration } from './config/duration.js';
import type { DatabaseConfig, IdentityOptions, PoolOptions, ResolvedConfig } from './config/options.js';
import { resolveConfig, resolveIdentity, resolveOptions } from './config/resolve.js';
import type { Circuit } from './endpoints/endpoint.js';
import {
  type AcquireError,
  type AcquireErrorDetails,
  AcquireFailedError,
  AcquireTimeoutError,
} from './errors/acquire.js';
import { UsageError } from './errors/configuration.js';
import { DeadlineError } from './errors/connect.js';
import { messageOf } from './errors/error-message.js';
import { retryDecision } from './errors/retry-decision.js';
import { Holders } from './holders.js';
import { acquireAborted, acquireRefused } from './pool/acquire-errors.js';
import type { PoolEvents } from './pool/events.js';
import type { Lease } from './pool/lease.js';
import { Pool } from './pool/pool.js';
import type { ShutdownReport as PoolShutdownReport } from './pool/shutdown-report.js';
import { PooledConnection } from './pooled-connection.js';
import type { Connection } from './session/connection.js';
import { ConnectionFactory } from './session/connection-factory.js';
import { DatabasePreparation } from './session/database-preparation.js';
import type { ConnectionIdentity } from './session/identity.js';
import { askingStep } from './session/sign-in.js';
import { acquireChannel, traced } from './telemetry/channels.js';
import { logEvents } from './telemetry/log-events.js';
import { type PoolStats, poolStats } from './telemetry/pool-stats.js';
import { publishSlots } from './telemetry/publish-slots.js';
import { fullJitterBackoff } from './time/backoff.js';
import { systemClock } from './time/clock.js';
import { toldToStop, withDeadline } from './time/deadline.js';
import { inThisContext } from './time/own-context.js';
import { type RetryRules, withRetry } from './time/retry.js';
import { RetryBudget } from './time/retry-budget.js';
import { CommitFence } from './transactions/commit-fence.js';
import type { TransactionWork } from './transactions/transaction.js';
import type { WithTransactionOptions } from './transactions/transaction-options.js';
import { Transactions } from './transactions/transactions.js';

/**
 * How many calls are made again that a server refused because it ends or has no room, or left without an answer: one in
 * five, one a second, and at the start ten. As many as there are connections may be saved, for a node that ends refuses the
 * call that is on each of its own.
 */
const retryBudget = { share: 0.2, perSecond: 1, reserve: 10 } as const;

/** What one acquire asks for, and how it waits. */
export interface AcquireOptions extends IdentityOptions {
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

/** How calls are repeated that failed. */
export interface RetryOptions {
  /**
   * Whether doing it twice is as good as once. Then a call whose outcome is unknown is made again too. Default false:
   * only what was certainly not executed is.
   */
  idempotent?: boolean | undefined;
}

/** The state of an address the pool connects to. */
export interface EndpointHealth {
  readonly url: string;
  /** Connections that are open there. */
  readonly connections: number;
  /** Why the last attempt to open a connection failed; undefined when it succeeded. */
  readonly lastError: string | undefined;
  /** Probes that failed, and calls that got no answer in time, in a row and on different connections. */
  readonly failedProbes: number;
}

/** Whether the pool can do its work, and if not, why not. */
export interface HealthStatus {
  /**
   * True when the pool can serve now: it lends, a connection was had at least once, fewer than `unhealthyThreshold` probes
   * and calls in a row went without an answer, and when openings fail, other connections serve meanwhile.
   */
  readonly healthy: boolean;
  /** In one sentence, for a person. */
  readonly reason: string;
  readonly state: PoolStats['state'];
  /** `open` while the endpoint keeps failing and no attempt is made; `half-open` while one probe is under way. */
  readonly circuitBreakerState: Circuit;
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
  readonly #pool: Pool<Connection, ConnectionIdentity>;
  /** Those in which a database is being prepared by `onFirstUse`, apart from the connections of the pool. */
  readonly #extraPools = new Set<Pool<Connection, ConnectionIdentity>>();
  readonly #preparation: DatabasePreparation | undefined;
  readonly #limits: CallLimits;
  readonly #fence: CommitFence;
  readonly #transactions: Transactions;
  readonly #holders: Holders | undefined;
  /**
   * Finds leases that were dropped without a release. It watches the channel, which every SDK object of a lease holds,
   * and not the lease object, which may be gone while a query of it is still under way.
   */
  readonly #lost: FinalizationRegistry<Lease<Connection>> | undefined;
  /** Aborted when the shutdown begins: nothing is tried again after that. */
  readonly #ending = new AbortController();
  readonly #retryBudget: RetryBudget;
  #shutdown: Promise<ShutdownReport> | undefined;

  private constructor(config: ResolvedConfig) {
    const name = `${withoutQuery(config.url)}/${config.namespace}/${config.database}`;
    const factory = new ConnectionFactory(config, name, {
      renewed: (error) => {
        if (error === undefined) this.#pool.events.emit('tokenRenewed', {});
        else this.#pool.events.emit('tokenRenewalFailed', { error });
      },
      manyFunctions: () => config.logger?.warn({ pool: name }, manyFunctions),
    });
    const limits: CallLimits = {
      queryTimeout: config.pool.queryTimeout,
      retireOn: config.retireOn,
      sever: (connection) => factory.sever(connection),
    };
    super(
      asController(
        new PoolChannel(
          ({ fresh }) => this.#acquire({}, undefined, { fresh }),
          name,
          limits,
          () => this.#retryRules({}),
        ),
      ),
      Uuid.v4(),
    );
    this.name = name;
    this.#config = config;
    this.#factory = factory;
    this.#limits = limits;
    this.#retryBudget = new RetryBudget(
      { ...retryBudget, most: Math.max(retryBudget.reserve, config.pool.maxConnections) },
      () => systemClock.now(),
    );
    this.#pool = this.#makePool({});
    const { onFirstUse } = config;
    if (onFirstUse !== undefined) {
      const prepare = inThisContext(onFirstUse);
      this.#preparation = new DatabasePreparation((database) =>
        this.#withExtraConnection(database, (connection) => prepare(database, connection)),
      );
    }
    const { openTimeout, closeTimeout, connectionTimeout, resetTimeout } = config.pool;
    this.#fence = new CommitFence(
      { url: config.url, timeout: connectionTimeout, attemptTimeout: openTimeout },
      {
        open: ({ identity }, signal) => factory.open({ id: 0, identity, signal, died: () => {} }),
        close: (connection) =>
          toldToStop('closing a connection', closeTimeout, (signal) => factory.close(connection, signal)),
      },
    );
    this.#transactions = new Transactions({
      pool: name,
      fence: this.#fence,
      events: this.#pool.events,
      rollbackTimeout: resetTimeout,
    });
    if (config.pool.leakDetectionThreshold > 0) {
      this.#lost = new FinalizationRegistry((lease) => {
        if (lease.active) lease.resource.endDependents(lease.ended());
        this.#pool.reclaim(lease);
      });
    }
    if (config.pool.nestedAcquire !== 'ignore') this.#holders = new Holders();
    if (config.logger !== undefined) logEvents(this.#pool.events, config.logger, name, systemClock);
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
      if (failFast) await manager.#preparation?.of(config);
    } catch (error) {
      await manager.shutdown({ gracePeriod: 0 });
      throw error;
    }
    return manager;
  }

  /**
   * Borrows a connection. Give it back with `release()`, or let `await using` do it.
   * @throws the kinds of `AcquireError`, each with a snapshot of the pool: AcquireTimeoutError, AcquireAbortedError,
   * QueueFullError, NestedAcquireError, CircuitOpenError, PoolShutdownError, AcquireFailedError
   * @throws ConfigurationError when the identity or a duration cannot be used
   */
  async acquire(options: AcquireOptions = {}): Promise<PooledConnection> {
    const asked = readOptions(options);
    const limits = this.#limitsOf(asked);
    const { leakDetectionThreshold, idleLeaseThreshold } = this.#config.pool;
    const origin = leakDetectionThreshold + idleLeaseThreshold > 0 ? callersOf(this.acquire) : undefined;
    const lease = await this.#acquire(asked, this.#identityOf(asked), { origin });
    const channel = new LeaseChannel(lease, this.name, limits);
    this.#lost?.register(channel, lease);
    const prepare = (name: DatabaseName): Promise<void> | undefined => this.#preparation?.of(name);
    return new PooledConnection(lease, channel, this.#factory, this.#transactions, prepare);
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
    options: AcquireOptions & RetryOptions = {},
  ): Promise<T> {
    const asked = readOptions(options);
    return await withRetry(
      (attempt) => this.withConnection((connection) => work(connection, attempt), asked),
      this.#retryRules(asked),
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
   * @throws ConfigurationError when the identity cannot be used
   */
  with(options: AcquireOptions & RetryOptions): SurrealQueryable {
    const asked = readOptions(options);
    const identity = this.#identityOf(asked);
    const limits = this.#limitsOf(asked);
    const channel = new PoolChannel(
      ({ fresh }) => this.#acquire(asked, identity && this.#factory.identities.current(identity), { fresh }),
      this.name,
      limits,
      () => this.#retryRules(asked),
    );
    return new PoolView(asController(channel), Uuid.v4());
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
  async withTransaction<T>(
    work: TransactionWork<T>,
    options: AcquireOptions & WithTransactionOptions = {},
  ): Promise<T> {
    const { timeout: given, ...rest } = options;
    const timeout = given === undefined ? 0 : parseDuration(given);
    if (timeout === 0) return await this.withConnection((held) => held.withTransaction(work, rest), rest);
    const began = systemClock.now();
    const longestWait = this.#config.pool.connectionTimeout || timeout;
    return await this.withConnection(
      (held) => {
        const left = Math.max(1, timeout - (systemClock.now() - began));
        return held.withTransaction(work, { ...rest, timeout: left });
      },
      { ...rest, timeout: Math.min(longestWait, timeout) },
    );
  }

  /** Calls back after every such event, in a microtask, until the returned function is called. */
  subscribe<Name extends keyof PoolEvents>(name: Name, listener: (event: PoolEvents[Name]) => void): () => void {
    return this.#pool.events.subscribe(name, inThisContext(listener));
  }

  /** What the pool has counted and what it holds at this instant; costs the same however many connections there are. */
  poolStats(): PoolStats {
    const { counters, savepointCounters } = this.#transactions;
    return poolStats(this.#pool.statistics(), counters.statistics(), savepointCounters.statistics());
  }

  /** Whether the pool can do its work, and if not, why not. It sends nothing: it tells what the pool has seen by itself. */
  healthStatus(): HealthStatus {
    const { state, idle, leased, validating, resetting, maxConnections, waiting, lastOpenError } =
      this.#pool.snapshot();
    const connections = idle + leased + validating + resetting;
    const { ready, obstacle } = this.#pool.readiness;
    const url = withoutQuery(this.#config.url);
    return {
      healthy: ready,
      reason: obstacle ?? `${leased} of ${maxConnections} connections in use, ${waiting} callers wait`,
      state,
      circuitBreakerState: this.#pool.circuit,
      endpoints: [{ url, connections, lastError: lastOpenError, failedProbes: this.#pool.unanswered }],
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

  /**
   * Resolves when as many connections are open as are kept (`minConnections`), at once with `warmConnections: false`:
   * `createPool()` waits for the first one only.
   * @throws PoolShutdownError, and `ConnectError` when they cannot be had for good, as with wrong credentials
   */
  async warm(): Promise<void> {
    await this.#pool.warm();
  }

  /** Replaces every connection: the idle ones and those being opened now, the others when they are given back. */
  recycleAll(): void {
    this.#pool.recycleAll();
  }

  /** True from the first call of `shutdown()` on, also when it has ended. */
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

  /** `await using pool = …` shuts the pool down at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #end(gracePeriod: number): Promise<ShutdownReport> {
    this.#ending.abort();
    // A database that is being prepared has the same time as a lease.
    for (const extra of this.#extraPools) void extra.shutdown(gracePeriod);
    const report = await this.#pool.shutdown(gracePeriod);
    // One that a lease began to have prepared since then is wanted by nobody any more.
    await Promise.all([...this.#extraPools].map((extra) => extra.shutdown(0)));
    await this.#fence.end(acquireRefused('shutdown', { snapshot: this.#pool.snapshot(), waited: 0 }));
    const { holdsProcess } = this.#factory;
    // The leases are over and the connections closed; a carrier that will not end in order is cut off.
    await this.#factory.end(this.#config.pool.closeTimeout).catch(() => {});
    return { ...report, holdsProcess };
  }

  /** @throws ConfigurationError when the identity cannot be used */
  #identityOf(options: AcquireOptions): ConnectionIdentity | undefined {
    const chosen = resolveIdentity(options);
    return chosen && this.#factory.identities.of(chosen);
  }

  async #acquire(
    { signal, timeout }: AcquireOptions,
    identity: ConnectionIdentity | undefined,
    more: { readonly origin?: string | undefined; readonly fresh?: boolean | undefined },
  ): Promise<Lease<Connection>> {
    const nested = this.#holders?.conflict(this.#pool.snapshot());
    if (nested !== undefined) {
      if (this.#pool.events.has('nestedAcquire')) this.#pool.events.emit('nestedAcquire', { error: nested });
      if (this.#config.pool.nestedAcquire === 'error') throw nested;
    }
    const longest = timeout === undefined ? this.#config.pool.connectionTimeout : parseDuration(timeout);
    // Written out: a copy by spreading costs a third of an acquire.
    const asked = { identity, signal, timeout: longest, origin: more.origin, fresh: more.fresh };
    return traced(
      acquireChannel,
      () => ({ pool: this.name }),
      () => this.#borrow(asked),
    );
  }

  /** What has to be there before a connection is taken, in this order; then the connection. */
  #borrow(asked: BorrowOptions): Promise<Lease<Connection>> {
    const { identity = this.#factory.identities.home } = asked;
    // The pool itself refuses the acquire then.
    if (this.isShuttingDown()) return this.#pool.acquire(asked);
    let credentials: Promise<unknown> | undefined;
    try {
      credentials = this.#factory.prepare(identity);
    } catch (cause) {
      return Promise.reject(this.#noted(this.#cannotSignIn(cause, 0), identity));
    }
    const preparing = this.#preparation?.of(identity);
    if (credentials === undefined && preparing === undefined) return this.#pool.acquire(asked);
    // The failure of one may come while the other is waited for.
    credentials?.catch(() => {});
    preparing?.catch(() => {});
    return this.#borrowAfter(asked, [
      { work: credentials, step: askingStep, failed: (cause, waited) => this.#cannotSignIn(cause, waited) },
      {
        work: preparing,
        step: 'onFirstUse',
        failed: (cause, waited) =>
          new AcquireFailedError(`onFirstUse failed: ${messageOf(cause)}`, this.#detailsOf(cause, waited)),
      },
    ]);
  }

  async #borrowAfter(asked: BorrowOptions, steps: readonly BorrowStep[]): Promise<Lease<Connection>> {
    const began = systemClock.now();
    const { signal, timeout } = asked;
    const waited = (): number => systemClock.now() - began;
    const left = (): number => (timeout === 0 ? Number.POSITIVE_INFINITY : Math.max(1, timeout - waited()));
    for (const { work, step, failed } of steps) {
      if (work === undefined) continue;
      try {
        await withDeadline(step, left(), [this.#ending.signal, signal], () => work);
      } catch (cause) {
        if (signal?.aborted)
          throw this.#noted(acquireAborted(this.#detailsOf(signal.reason, waited())), asked.identity);
        // The pool itself says why it lends nothing any more.
        if (this.#ending.signal.aborted) break;
        if (timeout > 0 && cause instanceof DeadlineError && cause.step === step) {
          const message = `no connection within ${timeout} ms: ${step} is still under way`;
          throw this.#noted(new AcquireTimeoutError(message, this.#detailsOf(cause, waited())), asked.identity);
        }
        throw this.#noted(failed(cause, waited()), asked.identity);
      }
    }
    return await this.#pool.acquire({ ...asked, timeout: timeout === 0 ? 0 : left() });
  }

  #cannotSignIn(cause: unknown, waited: number): AcquireFailedError {
    return new AcquireFailedError(
      `no connection of this identity: ${messageOf(cause)}`,
      this.#detailsOf(cause, waited),
    );
  }

  #noted<Failure extends AcquireError>(error: Failure, identity: ConnectionIdentity | undefined): Failure {
    this.#pool.noteFailure(error, identity);
    return error;
  }

  #detailsOf(cause: unknown, waited: number): AcquireErrorDetails {
    return { snapshot: this.#pool.snapshot(), waited, cause };
  }

  /** A connection of the pool's own identity, in this database, that does not count as one of the pool. */
  async #withExtraConnection(database: DatabaseName, work: (connection: PooledConnection) => unknown): Promise<void> {
    const extra = this.#makePool({ minConnections: 0, maxConnections: 1, maxLifetime: 0, idleTimeout: 0 });
    this.#extraPools.add(extra);
    try {
      const lease = await extra.acquire({ identity: this.#factory.identities.of(database) });
      const channel = new LeaseChannel(lease, this.name, this.#limits);
      // It prepares the database itself, and would wait for itself.
      const connection = new PooledConnection(lease, channel, this.#factory, this.#transactions, () => undefined);
      try {
        await work(connection);
      } finally {
        connection.release();
      }
    } finally {
      await extra.shutdown(this.#config.pool.resetTimeout);
      this.#extraPools.delete(extra);
    }
  }

  #makePool(settings: Partial<ResolvedConfig['pool']>): Pool<Connection, ConnectionIdentity> {
    const factory = this.#factory;
    const { retryPolicy, circuitBreaker } = this.#config.pool;
    return new Pool(
      { ...this.#config.pool, ...settings },
      {
        factory,
        home: factory.identities.home,
        clock: systemClock,
        timeOfDay: () => Date.now(),
        random: Math.random,
        endpoint: { ...circuitBreaker, backoff: fullJitterBackoff(retryPolicy, Math.random) },
      },
    );
  }

  #limitsOf({ signal, queryTimeout }: AcquireOptions): CallLimits {
    if (signal === undefined && queryTimeout === undefined) return this.#limits;
    return {
      ...this.#limits,
      signal,
      ...(queryTimeout === undefined ? {} : { queryTimeout: parseDuration(queryTimeout) }),
    };
  }

  #retryRules({ idempotent = false, signal }: RetryOptions & { signal?: AbortSignal | undefined }): RetryRules {
    const { retryPolicy } = this.#config.pool;
    return {
      maxAttempts: retryPolicy.maxAttempts,
      backoff: fullJitterBackoff(retryPolicy, Math.random),
      decide: (error) => retryDecision(error, idempotent),
      budget: this.#retryBudget,
      signals: [signal, this.#ending.signal],
    };
  }
}

/** What one acquire of the manager asks the pool for. */
interface BorrowOptions {
  readonly identity: ConnectionIdentity | undefined;
  readonly signal: AbortSignal | undefined;
  /** In milliseconds; 0 waits for ever. */
  readonly timeout: number;
  readonly origin: string | undefined;
  /** Only a connection that is opened from now on will do. */
  readonly fresh: boolean | undefined;
}

/** Something that has to be done before a connection is taken. */
interface BorrowStep {
  readonly work: Promise<unknown> | undefined;
  readonly step: string;
  readonly failed: (cause: unknown, waited: number) => AcquireFailedError;
}

const manyFunctions =
  'more than 20 credentials functions with the same text came within a minute: each is an identity of its own and signs in for itself; make one function for each user and keep it, or name them with credentialsKey';

/** What {@link ConnectionManager.with} gives. */
class PoolView extends SurrealQueryable {}

/** Reads what was given once, before anything is done for it: it may throw when it is read. */
function readOptions<Options extends AcquireOptions>(given: Options): Options {
  try {
    return { ...given };
  } catch (cause) {
    throw new UsageError(`the options of an acquire cannot be read: ${messageOf(cause)}`, { cause });
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

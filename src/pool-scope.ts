import { ExportPromise, type SqlExportOptions, SurrealQueryable, Uuid, type VersionInfo } from 'surrealdb';
import { guardArguments, requireFunction } from './calls/arguments.js';
import type { ImportInput } from './calls/import.js';
import { type HeldLease, LeaseChannel } from './calls/lease-channel.js';
import { PoolChannel } from './calls/pool-channel.js';
import { asController } from './calls/query-channel.js';
import { parseDuration } from './config/duration.js';
import { resolveExport } from './config/resolve.js';
import { UsageError } from './errors/configuration.js';
import { forCaller } from './errors/for-caller.js';
import type { AcquireOptions, CallRetryOptions } from './manager/acquire-options.js';
import type { Parts } from './manager/assembly.js';
import { Callers } from './manager/callers.js';
import { acquireOptions, callOptions, noOptions, poolTransactionOptions } from './manager/method-options.js';
import { parkable, parkingRules } from './manager/parking.js';
import type { ScopeBounds } from './manager/scope-bounds.js';
import { optionsWithin, type ScopeOptions } from './manager/scope-options.js';
import type { ScopeStorage } from './manager/scope-storage.js';
import type { SharedUse } from './pool/waiter.js';
import { PooledConnection } from './pooled-connection.js';
import type { ConnectionIdentity } from './session/identity.js';
import { systemClock } from './time/clock.js';
import { withRetry } from './time/retry.js';
import type { TransactionWork } from './transactions/transaction.js';
import {
  readRetryOptions,
  readTransactionOptions,
  type WithTransactionOptions,
} from './transactions/transaction-options.js';

/** The SDK gives it to the channel with each query. The channel of a scope does not read it, so all share one. */
const anySession = Uuid.v4();

/** What a scope needs. */
export interface ScopeParts extends Parts {
  /** The entered scope of the running code, see {@link PoolScope.runInScope}. */
  readonly scopes: ScopeStorage<PoolScope>;
}

/**
 * The methods of a pool for one identity and one set of options: queries and builders, leases, transactions. The pool
 * itself is the scope of its own identity. A scope holds no connection: each call borrows one.
 *
 * ```ts
 * const acme = pool.scope({ namespace: 'tenants', database: 'acme' });
 * await acme.select(new Table('person'));
 * await acme.withTransaction(async (transaction) => { … });
 * ```
 */
export class PoolScope extends SurrealQueryable {
  readonly #parts: ScopeParts;
  readonly #options: ScopeOptions;
  /** The identity, resolved once; undefined for the pool's own. */
  readonly #identity: ConnectionIdentity | undefined;
  readonly #channel: PoolChannel;
  /** Whether it is the pool itself, whose calls belong to the scope in which they are made. */
  readonly #isPool: boolean;
  /** Whether a lease keeps the stack of its caller, for reports of leases held too long. */
  readonly #keepsOrigin: boolean;
  /** The agent session it belongs to, if any. */
  readonly #bounds: ScopeBounds | undefined;

  static {
    guardArguments(PoolScope.prototype);
  }

  /** @internal */
  constructor(
    parts: ScopeParts,
    options: ScopeOptions,
    identity: ConnectionIdentity | undefined,
    isPool = false,
    bounds?: ScopeBounds,
  ) {
    const channel = channelOf(parts, options, identity, isPool, bounds);
    super(asController(channel), anySession);
    this.#channel = channel;
    const { leakDetectionThreshold, idleLeaseThreshold } = parts.config.pool;
    this.#parts = parts;
    this.#options = options;
    this.#identity = identity;
    this.#isPool = isPool;
    this.#bounds = bounds;
    this.#keepsOrigin = leakDetectionThreshold + idleLeaseThreshold > 0;
  }

  /**
   * The same pool as another user, in another database, with other variables, a signal or other limits. Within a scope,
   * options given here replace those of the scope; variables are merged by name, and both signals abort. Without
   * options it is the pool's own identity, chosen explicitly: see `requireScope`.
   *
   * ```ts
   * const tenant = pool.scope({ namespace: 'tenants', database: 'acme', signal: request.signal });
   * await tenant.select(new Table('person'));
   * ```
   * @throws ConfigurationError when an option is invalid or unknown
   */
  scope(options: ScopeOptions = noOptions): PoolScope {
    const outer = this.#entered ?? this;
    const { asked, identity } = outer.#asked(callOptions.read(options));
    return new PoolScope(outer.#parts, asked, identity, false, outer.#bounds);
  }

  /**
   * What {@link PoolScope.scope} was called in earlier builds.
   * @deprecated Call `scope()`.
   */
  with(options: ScopeOptions): PoolScope {
    return this.scope(callOptions.read(options));
  }

  /**
   * Runs work in a scope: every call of the pool made by the work (queries and builders, `acquire`, `withTransaction`
   * and so on) is made in {@link PoolScope.scope | scope(options)}. The scope follows the work through each `await`,
   * timer and callback, as `AsyncLocalStorage` does, and scopes of parallel requests stay separate. A query belongs to
   * the scope in which it is built, wherever it is awaited. Calls of a scope object belong to that object, and options
   * of a single call replace those of the scope.
   *
   * ```ts
   * app.use((request, response, next) => pool.runInScope({ credentials: { token: tokenOf(request) } }, next));
   * ```
   * @returns what the work returns
   * @throws ConfigurationError when an option is invalid or unknown; then the work was not started
   */
  runInScope<T>(options: ScopeOptions, work: () => T): T {
    requireFunction(work, 'runInScope(options, work)');
    return this.#parts.scopes.run(this.scope(options), work);
  }

  /**
   * Borrows a connection. Give it back with `release()`, or let `await using` do it.
   * @throws the subclasses of `AcquireError`, each with a snapshot of the pool: AcquireTimeoutError, AcquireAbortedError,
   * QueueFullError, QueueOverloadError, NestedAcquireError, CircuitOpenError, PoolShutdownError, AcquireFailedError
   * @throws ConfigurationError when an option is invalid or unknown
   * @throws UsageError outside of any scope, when the pool has `requireScope`
   */
  async acquire(options?: AcquireOptions): Promise<PooledConnection> {
    const scope = this.#entered ?? this;
    const parts = scope.#parts;
    const { borrowing } = parts;
    let asked = scope.#options;
    let identity: ConnectionIdentity | undefined;
    if (options === undefined) identity = scope.#identity && parts.factory.identities.current(scope.#identity);
    else ({ asked, identity } = scope.#asked(acquireOptions.read(options)));
    if (identity === undefined) scope.#refuseWithoutScope();
    const bounds = scope.#bounds;
    const own = parts.rules.limits(asked);
    const limits = bounds === undefined ? own : bounds.limits(own);
    const rules = parkingRules(bounds === undefined ? asked : bounds.holding(asked), parts.config.pool);
    const origin = scope.#keepsOrigin || rules?.reports === true ? new Callers(this.acquire) : undefined;
    const lend = bounds === undefined ? borrowing : bounds.leases;
    let lease: HeldLease;
    try {
      const lent = await lend.lease(asked, identity, { origin });
      lease = rules === undefined ? lent : parkable(lent, rules, { asked, identity, origin }, parts, lend);
    } catch (error) {
      throw await forCaller(error, () => borrowing.askedBy(identity));
    }
    const channel = new LeaseChannel(lease, parts.queries, limits);
    parts.lostLeases?.register(channel, lease, lease);
    return new PooledConnection(lease, channel, parts);
  }

  /** Borrows a connection for `work`, and gives it back however the work ends. */
  async withConnection<T>(
    work: (connection: PooledConnection) => Promise<T> | T,
    options?: AcquireOptions,
  ): Promise<T> {
    requireFunction(work, 'withConnection(work, options)');
    const connection = await this.acquire(options);
    const { guard } = this.#parts;
    try {
      if (guard === undefined) return await work(connection);
      return await guard.run(connection, new Callers(this.withConnection), () => work(connection));
    } finally {
      connection.release();
    }
  }

  /**
   * Borrows a connection for `work`, and repeats both after a failure that another attempt may fix: at once when
   * nothing was sent; after a pause (`retryPolicy`) when the server refused because of a concurrent transaction, or no
   * connection could be had. `work` gets the number of its attempt, from 1. Calls before the failed one are not undone,
   * and are made again: to undo them use {@link PoolScope.withTransaction}.
   *
   * @throws the error of the last attempt, after `retryPolicy.maxAttempts` attempts
   */
  async executeWithRetry<T>(
    work: (connection: PooledConnection, attempt: number) => Promise<T> | T,
    options: AcquireOptions & CallRetryOptions = noOptions,
  ): Promise<T> {
    requireFunction(work, 'executeWithRetry(work, options)');
    const scope = this.#entered ?? this;
    const given = callOptions.read(options);
    return await withRetry(
      (attempt) => scope.withConnection((connection) => work(connection, attempt), given),
      scope.#parts.rules.retry(scope.#asked(given).asked),
    );
  }

  /**
   * Borrows a connection and runs work in a transaction on it: commits when the work returns; rolls back when the work
   * throws, and rethrows its error unchanged. When the server refuses the commit because of a concurrent transaction,
   * everything is repeated as `retry` says. `timeout` covers everything, including the wait for the connection.
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
    options: AcquireOptions & WithTransactionOptions = noOptions,
  ): Promise<T> {
    requireFunction(work, 'withTransaction(work, options)');
    const scope = this.#entered ?? this;
    // Read before a connection is taken. The rest below keeps the mark of checked options.
    const asked = poolTransactionOptions.read(options);
    const { timeout } = readTransactionOptions(asked);
    readRetryOptions(asked.retry);
    const { timeout: _, ...rest } = asked;
    if (timeout === 0) return await scope.withConnection((held) => held.withTransaction(work, rest), rest);
    const began = systemClock.now();
    const ofScope = scope.#options.timeout;
    const longest = ofScope === undefined ? scope.#parts.config.pool.connectionTimeout : parseDuration(ofScope);
    return await scope.withConnection(
      (held) => {
        const left = Math.max(1, timeout - (systemClock.now() - began));
        return held.withTransaction(work, { ...rest, timeout: left });
      },
      { ...rest, timeout: Math.min(longest || timeout, timeout) },
    );
  }

  /**
   * Exports the database as SurrealQL, from which `import()` restores it: as a text, or with `raw()` as a `Response`
   * whose body is a stream. It is sent when it is awaited. It may take any time: `queryTimeout` limits each wait for
   * the next piece, and `signal` ends all of it. It holds no connection while it runs. Until its first piece arrives it
   * is retried like a read.
   *
   * ```ts
   * const text = await pool.export();
   * const { body } = await pool.export({ tables: ['person'] }).raw();
   * ```
   * @param options what to leave out, and which tables; default: everything but older versions of records
   * @throws ConfigurationError synchronously, for an unknown option
   * @throws ExportError, CallAbortedError, QueryTimeoutError, and what `acquire()` does
   */
  export(options: Partial<SqlExportOptions> = {}): ExportPromise {
    return new ExportPromise(asController((this.#entered ?? this).#channel), resolveExport(options), false);
  }

  /**
   * Executes SurrealQL as written by `export()`, statement by statement, on one connection. A stream is sent as it
   * arrives, several statements in each message; `queryTimeout` limits each message, and `signal` ends all of it. It
   * stops after the first message in which a statement fails. Statements executed before are not undone, and nothing is
   * ever sent twice.
   * @throws ImportError when a statement failed, and what `acquire()` does
   * @throws UsageError when the text changes to another database, or the input is no text
   */
  async import(input: ImportInput): Promise<void> {
    const scope = this.#entered ?? this;
    await scope.withConnection((connection) => connection.import(input));
  }

  /** The version of the server: `{ version: 'surrealdb-3.3.5' }`. */
  async version(): Promise<VersionInfo> {
    return await (this.#entered ?? this).#channel.version();
  }

  /** The entered scope to which a call of the pool itself belongs, if any. */
  get #entered(): PoolScope | undefined {
    return this.#isPool ? this.#parts.scopes.current : undefined;
  }

  /** The options and identity of a call, from its own options and those of this scope. */
  #asked(given: ScopeOptions): { asked: ScopeOptions; identity: ConnectionIdentity | undefined } {
    const { borrowing, factory } = this.#parts;
    this.#bounds?.refuseToLeave(given);
    // Checked on its own first: a namespace without a database must not be completed from this scope.
    const own = borrowing.identityOf(given);
    const asked = this.#options === noOptions ? given : optionsWithin(this.#options, given);
    if (this.#identity === undefined) return { asked, identity: own };
    const identity = own === undefined ? factory.identities.current(this.#identity) : borrowing.identityOf(asked);
    return { asked, identity };
  }

  /** @throws UsageError */
  #refuseWithoutScope(): void {
    if (this.#isPool && this.#parts.config.pool.requireScope) throw scopeMissing();
  }
}

function scopeMissing(): UsageError {
  return new UsageError(
    "a call of the pool outside of any scope, which requireScope refuses: make it in the work of runInScope(), or on a scope(); pool.scope() without options is the pool's own identity",
  );
}

const sharing: SharedUse = { joins: false };
const joining: SharedUse = { joins: true };

/**
 * The channel of the queries of a scope.
 * @throws ConfigurationError when a duration is not valid
 */
function channelOf(
  { queries, borrowing, rules, factory, batches, exports, config }: Parts,
  options: ScopeOptions,
  identity: ConnectionIdentity | undefined,
  isPool: boolean,
  bounds: ScopeBounds | undefined,
): PoolChannel {
  const refuses = isPool && config.pool.requireScope;
  const limits = rules.limits(options);
  const lend = bounds === undefined ? borrowing : bounds.singleCalls;
  return new PoolChannel(
    ({ fresh, joins, alone }) => {
      if (refuses) throw scopeMissing();
      const shared = joins ? joining : sharing;
      const details = { fresh, shared: alone ? undefined : shared };
      const present = identity && factory.identities.current(identity);
      return lend.lease(options, present, details);
    },
    queries,
    () => identity ?? factory.identities.home,
    bounds === undefined ? limits : bounds.limits(limits),
    batches,
    exports,
    rules.retryOfCalls(options),
  );
}

import { ExportPromise, type SqlExportOptions, SurrealQueryable, Uuid, type VersionInfo } from 'surrealdb';
import { guardArguments, requireFunction } from './calls/arguments.js';
import type { ImportInput } from './calls/import.js';
import { LeaseChannel } from './calls/lease-channel.js';
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
import { optionsWithin, type ScopeOptions } from './manager/scope-options.js';
import type { ScopeStorage } from './manager/scope-storage.js';
import type { Lease } from './pool/lease.js';
import type { SharedUse } from './pool/waiter.js';
import { PooledConnection } from './pooled-connection.js';
import type { Connection } from './session/connection.js';
import type { ConnectionIdentity } from './session/identity.js';
import { systemClock } from './time/clock.js';
import { withRetry } from './time/retry.js';
import type { TransactionWork } from './transactions/transaction.js';
import {
  readRetryOptions,
  readTransactionOptions,
  type WithTransactionOptions,
} from './transactions/transaction-options.js';

/** What a scope is made with. */
export interface ScopeParts extends Parts {
  /** The scope that code runs in, by {@link PoolScope.runInScope}. */
  readonly scopes: ScopeStorage<PoolScope>;
}

/**
 * Everything that is asked of a pool, as one identity and with the same options: queries and builders, leases, transactions.
 * The pool itself is the scope of its own identity. A scope holds no connection: each call borrows one.
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
  /** Resolved once; undefined for the pool's own. */
  readonly #identity: ConnectionIdentity | undefined;
  readonly #channel: PoolChannel;
  /** Whether it is the pool itself, whose calls belong to the scope that they are made in. */
  readonly #isPool: boolean;
  /** Whether a lease keeps the stack of its caller, for reports of leases that are held for long. */
  readonly #keepsOrigin: boolean;

  static {
    guardArguments(PoolScope.prototype);
  }

  /** @internal */
  constructor(parts: ScopeParts, options: ScopeOptions, identity: ConnectionIdentity | undefined, isPool = false) {
    const channel = channelOf(parts, options, identity, isPool);
    super(asController(channel), Uuid.v4());
    this.#channel = channel;
    const { leakDetectionThreshold, idleLeaseThreshold } = parts.config.pool;
    this.#parts = parts;
    this.#options = options;
    this.#identity = identity;
    this.#isPool = isPool;
    this.#keepsOrigin = leakDetectionThreshold + idleLeaseThreshold > 0;
  }

  /**
   * The same pool as another user, in another database, with other variables, under a signal or with other limits. Within a
   * scope, what is given here replaces what the scope says: variables by their names, and both signals abort. Without options
   * it is the pool's own identity, said outright: see `requireScope`.
   *
   * ```ts
   * const tenant = pool.scope({ namespace: 'tenants', database: 'acme', signal: request.signal });
   * await tenant.select(new Table('person'));
   * ```
   * @throws ConfigurationError when an option cannot be used, or is none
   */
  scope(options: ScopeOptions = noOptions): PoolScope {
    const outer = this.#entered ?? this;
    const { asked, identity } = outer.#asked(callOptions.read(options));
    return new PoolScope(outer.#parts, asked, identity);
  }

  /**
   * Runs work in a scope: every call of the pool itself that is made in it (queries and builders, `acquire`,
   * `withTransaction` and so on) is made in {@link PoolScope.scope | scope(options)}. It follows the work as
   * `AsyncLocalStorage` does, through each `await`, timer and callback, and keeps the scopes of parallel requests apart. A
   * call belongs to the scope in which it is written down, wherever it is awaited. What is asked of a scope object belongs to
   * that object, and options of a single call replace those of the scope.
   *
   * ```ts
   * app.use((request, response, next) => pool.runInScope({ credentials: { token: tokenOf(request) } }, next));
   * ```
   * @returns what the work returns
   * @throws ConfigurationError when an option cannot be used, or is none; then the work was not begun
   */
  runInScope<T>(options: ScopeOptions, work: () => T): T {
    requireFunction(work, 'runInScope(options, work)');
    return this.#parts.scopes.run(this.scope(options), work);
  }

  /**
   * Borrows a connection. Give it back with `release()`, or let `await using` do it.
   * @throws the subclasses of `AcquireError`, each with a snapshot of the pool: AcquireTimeoutError, AcquireAbortedError,
   * QueueFullError, NestedAcquireError, CircuitOpenError, PoolShutdownError, AcquireFailedError
   * @throws ConfigurationError when an option cannot be used, or is none
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
    const limits = parts.rules.limits(asked);
    const origin = scope.#keepsOrigin ? new Callers(this.acquire) : undefined;
    let lease: Lease<Connection>;
    try {
      lease = await borrowing.lease(asked, identity, { origin });
    } catch (error) {
      throw await forCaller(error, () => borrowing.askedBy(identity));
    }
    const channel = new LeaseChannel(lease, parts.label, limits);
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
   * the one that failed is not undone, and is done again: see {@link PoolScope.withTransaction}.
   *
   * @throws what the last attempt threw, after `retryPolicy.maxAttempts` attempts
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
    options: AcquireOptions & WithTransactionOptions = noOptions,
  ): Promise<T> {
    requireFunction(work, 'withTransaction(work, options)');
    const scope = this.#entered ?? this;
    // Read before a connection is taken. What is left of it below keeps the mark of having been read.
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
   * The database as SurrealQL, from which `import()` makes it again: as a text, or with `raw()` as a `Response` whose body is
   * a stream. It is sent when it is awaited, and may take as long as it does: `queryTimeout` is for each wait for its next
   * piece, and `signal` for all of it. It takes no connection while it runs. Until its first piece has come it is made again
   * as reads are.
   *
   * ```ts
   * const text = await pool.export();
   * const { body } = await pool.export({ tables: ['person'] }).raw();
   * ```
   * @param options what to leave out, and which tables; default: everything but older versions of records
   * @throws ConfigurationError at once, for an option that there is not
   * @throws ExportError, CallAbortedError, QueryTimeoutError, and what `acquire()` does
   */
  export(options: Partial<SqlExportOptions> = {}): ExportPromise {
    return new ExportPromise(asController((this.#entered ?? this).#channel), resolveExport(options), false);
  }

  /**
   * Executes SurrealQL as `export()` gives it, statement by statement, on one connection. A stream is sent as it comes, some
   * statements in each message; each message is within `queryTimeout`, and `signal` ends all of it. It stops with the first
   * message in which a statement fails. Nothing is undone then, and nothing is ever sent twice.
   * @throws ImportError when a statement failed, and what `acquire()` does
   * @throws UsageError when the text moves to another database, or is none
   */
  async import(input: ImportInput): Promise<void> {
    const scope = this.#entered ?? this;
    await scope.withConnection((connection) => connection.import(input));
  }

  /** What the server says it is: `{ version: 'surrealdb-3.3.5' }`. */
  async version(): Promise<VersionInfo> {
    return await (this.#entered ?? this).#channel.version();
  }

  /** The scope that a call of the pool itself belongs to, when one is entered. */
  get #entered(): PoolScope | undefined {
    return this.#isPool ? this.#parts.scopes.current : undefined;
  }

  /** What a call asks for that says so much by itself. */
  #asked(given: ScopeOptions): { asked: ScopeOptions; identity: ConnectionIdentity | undefined } {
    const { borrowing, factory } = this.#parts;
    // Looked at by itself first: half a place must not be filled up by the other half of this scope.
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
 * What the queries of a scope go through.
 * @throws ConfigurationError when a duration cannot be used
 */
function channelOf(
  { label, borrowing, rules, factory, batches, exports, config }: Parts,
  options: ScopeOptions,
  identity: ConnectionIdentity | undefined,
  isPool: boolean,
): PoolChannel {
  const refuses = isPool && config.pool.requireScope;
  return new PoolChannel(
    ({ fresh, joins }) => {
      if (refuses) throw scopeMissing();
      const shared = joins ? joining : sharing;
      return borrowing.lease(options, identity && factory.identities.current(identity), { fresh, shared });
    },
    label,
    () => identity ?? factory.identities.home,
    rules.limits(options),
    batches,
    exports,
    rules.retry(options),
  );
}

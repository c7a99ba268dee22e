import {
  type AccessRecordAuth,
  type AnyAuth,
  ExportPromise,
  type LiveResource,
  type NamespaceDatabase,
  type SqlExportOptions,
  type SurrealQueryable,
  SurrealSession,
  type Token,
  type Tokens,
  type Uuid,
  type VersionInfo,
} from 'surrealdb';
import { checkArguments, refuseDollar, requireFunction } from './calls/arguments.js';
import type { ImportInput } from './calls/import.js';
import type { HeldLease, LeaseChannel } from './calls/lease-channel.js';
import { guardLive } from './calls/live-guard.js';
import { asController } from './calls/query-channel.js';
import type { DatabaseName } from './config/database-name.js';
import { resolveExport } from './config/resolve.js';
import { UsageError } from './errors/configuration.js';
import type { ConnectionFactory } from './session/connection-factory.js';
import { signInOptions, signUpOptions, tokensOptions, useOptions } from './session/session-options.js';
import { withDeadline } from './time/deadline.js';
import { LeaseRoute } from './transactions/lease-route.js';
import type { Savepoint } from './transactions/savepoint.js';
import { Transaction, type TransactionWork } from './transactions/transaction.js';
import type { TransactionChannel } from './transactions/transaction-channel.js';
import {
  type TransactionOptions,
  transactionOptions,
  type WithTransactionOptions,
  withTransactionOptions,
} from './transactions/transaction-options.js';
import type { Transactions } from './transactions/transactions.js';
import { countBuilt } from './transactions/unsent-queries.js';

/**
 * How long selecting another database may take, in milliseconds: other callers that use it for the first time wait for
 * this.
 */
const longestUse = 10_000;

/** What the lent connections of one pool share. */
export interface LeaseParts {
  readonly factory: ConnectionFactory;
  readonly transactions: Transactions;
  /** The preparation to wait for before the first use of a database, if any. */
  prepare(name: DatabaseName): Promise<void> | undefined;
  /** The registry that detects leases dropped without a release; undefined when the pool does not look for them. */
  readonly lostLeases: FinalizationRegistry<HeldLease> | undefined;
}

/**
 * A lent connection: a SurrealDB session until {@link PooledConnection.release | release()}. It has all queries and
 * builders of the SDK (`query`, `select`, `create`, `live` and so on). Queries, builders and live subscriptions made
 * from it fail with `LeaseReleasedError` once the lease has ended.
 *
 * The pool undoes what a lease changes on its session (database, variables, user, live queries) before another caller
 * gets the connection.
 *
 * ```ts
 * await using connection = await pool.acquire();
 * const people = await connection.select(new Table('person'));
 * ```
 */
export class PooledConnection extends SurrealSession {
  readonly #lease: HeldLease;
  readonly #route: LeaseRoute;
  readonly #parts: LeaseParts;
  #transaction: Transaction | undefined;
  /** The database of its acquire. */
  readonly #home: DatabaseName;
  /** The database selected by {@link use}. */
  #place: DatabaseName | undefined;

  static {
    // While a transaction is open, queries of the connection belong to it from the moment they are built.
    countBuilt(PooledConnection.prototype, (self) => self.#within());
  }

  /** @internal */
  constructor(lease: HeldLease, channel: LeaseChannel, parts: LeaseParts) {
    const route = new LeaseRoute(channel);
    const { identity, session } = lease.resource;
    // The session is for the SDK only: the channel uses that of the connection, which may be another one later.
    super(asController(route), session);
    this.#lease = lease;
    this.#home = identity;
    this.#route = route;
    this.#parts = parts;
  }

  /**
   * Subscribes to changes of a table. Its messages end with `ConnectionLostError` when the connection is lost and with
   * `LeaseReleasedError` at the release; a handler given to `subscribe()` gets a last message `KILLED` instead. A
   * handler that throws causes a process warning, and is called again for the next message.
   */
  override live<T>(what: LiveResource): ReturnType<typeof SurrealQueryable.prototype.live<T>> {
    checkArguments('live', [what]);
    return guardLive(super.live<T>(what), () => this.#route.lease.connection);
  }

  /** Subscribes to a live query started by a LIVE statement; ends like that of {@link PooledConnection.live}. */
  override liveOf(id: Uuid): ReturnType<typeof SurrealQueryable.prototype.liveOf> {
    return guardLive(super.liveOf(id), () => this.#route.lease.connection);
  }

  /** The number of the connection, unique within its pool; for a parked lease that of its last one. */
  get id(): number {
    return this.#lease.id;
  }

  /** How often the connection was lent, this time included. */
  get useCount(): number {
    return this.#lease.uses;
  }

  /**
   * Whether the lease has given its connection back while nothing is asked of it: see `whileIdle` of {@link
   * AcquireOptions}. Its next call takes one again.
   */
  get isParked(): boolean {
    return this.#lease.isParked;
  }

  /** The namespace in which its queries run. */
  override get namespace(): string {
    return this.#databaseName.namespace;
  }

  /** The database in which its queries run. */
  override get database(): string {
    return this.#databaseName.database;
  }

  /**
   * Probes the connection: its socket, session, database and storage. If the probe fails, the connection is marked for
   * recycling. Rejects only with `LeaseReleasedError`; a parked lease takes a connection first, and rejects with what
   * that acquire does.
   */
  async checkHealth(): Promise<boolean> {
    return await this.#route.lease.during(async () => {
      const connection = this.#lease.resource;
      try {
        await this.#parts.factory.checkHealth(connection);
        return true;
      } catch {
        this.markForRecycling();
        return false;
      }
    });
  }

  /**
   * Begins a transaction. Until its end, all queries made from it or from this connection run in it. The release
   * cancels it if it is still open.
   * @throws UsageError when a transaction is already open
   * @throws UnsupportedFeatureError when the server has no interactive transactions
   * @throws CommitVerificationError when `verifyCommit` cannot be had
   */
  override async beginTransaction(options?: TransactionOptions): Promise<Transaction> {
    const asked = options === undefined ? {} : transactionOptions.read(options);
    this.#transaction = await this.#parts.transactions.begin(this.#route, asked);
    return this.#transaction;
  }

  /**
   * Runs work in a transaction: commits when the work returns; rolls back when the work throws, and rethrows its error
   * unchanged. When the server refuses the commit because of a concurrent transaction, everything is repeated as
   * `retry` says. Called inside the work of another withTransaction() on this connection, it is nested; see {@link
   * Transaction.withTransaction}. Otherwise it is refused while a transaction is open.
   * @throws what the work throws, and what {@link Transaction.commit} does
   */
  async withTransaction<T>(work: TransactionWork<T>, options?: WithTransactionOptions): Promise<T> {
    requireFunction(work, 'withTransaction(work, options)');
    const asked = options === undefined ? {} : withTransactionOptions.read(options);
    const { transaction } = this.#route;
    if (transaction === undefined) return await this.#parts.transactions.run(this.#route, work, asked);
    // Called outside the work of that transaction, this work would be committed or rolled back by other code.
    if (!transaction.nesting.isAroundCaller) {
      throw new UsageError(
        'a transaction is open on this connection, and this withTransaction() is not called from its work: wait for its end, acquire() another connection, or call withTransaction() on the transaction itself to be a part of it',
      );
    }
    return await this.#current('withTransaction').withTransaction(work, asked);
  }

  /**
   * Exports the database of this connection as SurrealQL; see {@link PoolScope.export}. The export ends with the lease.
   * @throws UsageError while a transaction is open, and after the lease itself signed in or out
   */
  export(options: Partial<SqlExportOptions> = {}): ExportPromise {
    return new ExportPromise(asController(this.#route), resolveExport(options), false);
  }

  /**
   * Executes SurrealQL as written by `export()`; see {@link PoolScope.import}.
   * @throws ImportError, UsageError
   */
  async import(input: ImportInput): Promise<void> {
    await this.#route.import(input);
  }

  /** The version of the server. */
  async version(): Promise<VersionInfo> {
    return await this.#route.version();
  }

  /** Marks the connection to be closed at its release instead of lent again. No effect on a parked lease: it has none. */
  markForRecycling(): void {
    this.#lease.markForRecycling();
  }

  /** Whether it will be closed at its release. */
  get markedForRecycling(): boolean {
    return this.#lease.markedForRecycling;
  }

  /**
   * Gives the connection back. It is free at once if there is nothing to undo; otherwise the pool first waits for calls
   * in flight and undoes changes. A second release does nothing.
   */
  release(): void {
    const connection = this.#lease.present;
    this.#lease.release();
    // Collecting an object that is still registered costs several times as much as the lease.
    this.#parts.lostLeases?.unregister(this.#lease);
    // The error captures a stack, which costs more than the release, so it is made only if a caller will see it.
    if (connection !== undefined && connection.dependents.size > 0) connection.endDependents(this.#lease.ended());
  }

  /** `using connection = …` gives it back at the end of its block. */
  [Symbol.dispose](): void {
    this.release();
  }

  /** `await using connection = …` does the same. */
  override async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }

  /**
   * Moves the session to another database until the release. Namespace and database are always given together.
   * @throws LeaseReleasedError, UsageError, and what `onFirstUse` rejects with, for its first use
   */
  override async use(name: { namespace: string; database: string }): Promise<NamespaceDatabase> {
    // Code written for the SDK's session may pass nothing.
    const { namespace, database }: typeof name = useOptions.read(name ?? {});
    if (typeof namespace !== 'string' || typeof database !== 'string' || namespace === '' || database === '') {
      throw new UsageError('use() takes both a namespace and a database: { namespace: "app", database: "main" }');
    }
    const { lease } = this.#route;
    lease.assertUsable();
    this.#refuseToLeave('use()');
    const preparing = this.#parts.prepare({ namespace, database });
    if (preparing !== undefined) await lease.during(() => lease.waitWithLease(preparing));
    await this.#route.change((connection) =>
      withDeadline('choosing a database', longestUse, [], (signal) => connection.use({ namespace, database }, signal)),
    );
    this.#place = { namespace, database };
    return { namespace, database };
  }

  /** Defines a variable (`$name`) for the queries of this lease. */
  override async set(name: string, value: unknown): Promise<void> {
    if (String(name).startsWith('$')) refuseDollar(name);
    await this.#route.change((connection) => connection.set(name, value));
  }

  /** Removes a variable that was defined by {@link PooledConnection.set}. */
  override async unset(name: string): Promise<void> {
    await this.#route.change((connection) => connection.unset(name));
  }

  /** Signs the session in as another user, until the release. The pool then replaces the session. */
  override async signin(credentials: AnyAuth): Promise<Tokens> {
    signInOptions.read(credentials);
    this.#refuseToLeave('signin()');
    return await this.#route.change((connection) => connection.signIn(credentials));
  }

  /** Signs up a record user and signs the session in as that user, until the release. */
  override async signup(credentials: AccessRecordAuth): Promise<Tokens> {
    signUpOptions.read(credentials);
    this.#refuseToLeave('signup()');
    return await this.#route.change((connection) => connection.signUp(credentials));
  }

  /**
   * Signs the session in by a token, until the release. Returns the tokens valid from now on: for a refresh token,
   * which can be used once, a new pair; else the same access token.
   */
  override async authenticate(token: Token | Tokens): Promise<Tokens> {
    if (typeof token !== 'string') tokensOptions.read(token);
    this.#refuseToLeave('authenticate()');
    return await this.#route.change((connection) => connection.authenticate(token));
  }

  /** Signs the session out, until the release. */
  override async invalidate(): Promise<void> {
    this.#refuseToLeave('invalidate()');
    return await this.#route.change((connection) => connection.invalidate());
  }

  /** {@link release}, by the name that it has in the SDK. */
  override async closeSession(): Promise<void> {
    this.release();
  }

  /** A lease of an agent session keeps the user and the database of the session. */
  #refuseToLeave(method: string): void {
    const error = this.#route.lease.ledger?.staysWhereItIs(method);
    if (error !== undefined) throw error;
  }

  // Members of an SDK session that a lease does not have.

  /** Undefined: the pool shows the tokens of its users to no caller. */
  override get accessToken(): undefined {
    return undefined;
  }

  /** @throws UsageError always: the pool shows variables to no caller, since they may be secret */
  override get parameters(): never {
    throw new UsageError('a connection of the pool does not show its variables: ask the server for one, RETURN $name');
  }

  /** @throws UsageError always: a lease has no events */
  override subscribe(): never {
    throw new UsageError('a connection of the pool has no events: subscribe to those of the pool');
  }

  /** @throws UsageError always: a lease is one session */
  override async forkSession(): Promise<never> {
    throw new UsageError('a connection of the pool is one session: acquire another one instead of forkSession()');
  }

  /** @throws UsageError always: the pool undoes what a lease changed after its release */
  override async reset(): Promise<never> {
    throw new UsageError('reset() is for the pool: release the connection, and acquire another one');
  }

  // The names of the pool in Rust: docs/migration.md.

  /** @deprecated a name of the pool in Rust: it is the connection itself */
  connection(): SurrealSession {
    return this;
  }

  /** @deprecated a name of the pool in Rust: read {@link PooledConnection.useCount} */
  uses(): number {
    return this.useCount;
  }

  /** @deprecated a name of the pool in Rust: read {@link PooledConnection.markedForRecycling} */
  isMarkedForRecycling(): boolean {
    return this.markedForRecycling;
  }

  /** @deprecated a name of the pool in Rust: {@link Transaction.commit} of the transaction that was begun last */
  async commitTransaction(): Promise<void> {
    await this.#begun('commitTransaction').commit();
  }

  /** @deprecated a name of the pool in Rust: {@link Transaction.rollback} of the transaction that was begun last */
  async rollbackTransaction(): Promise<void> {
    await this.#begun('rollbackTransaction').rollback();
  }

  /** @deprecated a name of the pool in Rust: {@link Transaction.savepoint} of the open transaction */
  async savepoint(name?: string): Promise<Savepoint> {
    return await this.#current('savepoint').savepoint(name);
  }

  /** @deprecated a name of the pool in Rust: {@link Savepoint.rollback} of what `savepoint()` gave */
  async rollbackToSavepoint(name: string): Promise<void> {
    await this.#current('rollbackToSavepoint').rollbackToSavepoint(name);
  }

  #begun(method: string): Transaction {
    if (this.#transaction !== undefined) return this.#transaction;
    throw new UsageError(`${method}() without a transaction: call beginTransaction() before it`);
  }

  /** The open transaction, or else the last one. */
  #current(method: string): Transaction {
    const within = this.#within();
    return within === undefined ? this.#begun(method) : new Transaction(within.channel, within.session);
  }

  get #databaseName(): DatabaseName {
    if (this.#place === undefined && !this.#lease.active) throw this.#lease.ended();
    return this.#place ?? this.#home;
  }

  #within(): { channel: TransactionChannel; session: Uuid } | undefined {
    const { transaction } = this.#route;
    return transaction && { channel: transaction, session: this.#lease.resource.session };
  }
}

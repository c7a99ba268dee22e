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
import type { LeaseChannel } from './calls/lease-channel.js';
import { guardLive } from './calls/live-guard.js';
import { asController } from './calls/query-channel.js';
import type { DatabaseName } from './config/database-name.js';
import { resolveExport } from './config/resolve.js';
import { UsageError } from './errors/configuration.js';
import type { Lease } from './pool/lease.js';
import type { Connection } from './session/connection.js';
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

/** How long choosing another database may take, in milliseconds: other callers who want it for the first time wait for it. */
const longestUse = 10_000;

/** What all connections of one pool are lent with. */
export interface LeaseParts {
  readonly factory: ConnectionFactory;
  readonly transactions: Transactions;
  /** What has to be waited for before the first use of a database. */
  prepare(name: DatabaseName): Promise<void> | undefined;
  /** Where a lease is known until its release, when leases are looked for that were dropped without one. */
  readonly lostLeases: FinalizationRegistry<Lease<Connection>> | undefined;
}

/**
 * A lent connection: everything a SurrealDB session can do, until {@link PooledConnection.release | release()}. All
 * queries and builders of the SDK are here (`query`, `select`, `create`, `live` and so on). Whatever was made from it,
 * a query, a builder, a live subscription, fails with `LeaseReleasedError` once the lease is over.
 *
 * What a lease changes on its session (database, variables, user, live queries) is undone before another caller gets it.
 *
 * ```ts
 * await using connection = await pool.acquire();
 * const people = await connection.select(new Table('person'));
 * ```
 */
export class PooledConnection extends SurrealSession {
  readonly #lease: Lease<Connection>;
  readonly #route: LeaseRoute;
  readonly #parts: LeaseParts;
  #transaction: Transaction | undefined;
  /** Where {@link use} moved it. */
  #place: DatabaseName | undefined;

  static {
    // While a transaction is open, the queries of the connection belong to it from the moment they are made.
    countBuilt(PooledConnection.prototype, (self) => self.#within());
  }

  /** @internal */
  constructor(lease: Lease<Connection>, channel: LeaseChannel, parts: LeaseParts) {
    const route = new LeaseRoute(channel);
    super(asController(route), lease.resource.session);
    this.#lease = lease;
    this.#route = route;
    this.#parts = parts;
  }

  /**
   * Subscribes to changes of a table. Its messages end with `ConnectionLostError` when the connection is lost and with
   * `LeaseReleasedError` at the release; a handler given to `subscribe()` gets a last message `KILLED` instead. One that
   * throws becomes a process warning, and is called again for the next message.
   */
  override live<T>(what: LiveResource): ReturnType<typeof SurrealQueryable.prototype.live<T>> {
    checkArguments('live', [what]);
    return guardLive(super.live<T>(what), () => this.#route.lease.connection);
  }

  /** Subscribes to a live query that was made by its text; ends as that of {@link PooledConnection.live} does. */
  override liveOf(id: Uuid): ReturnType<typeof SurrealQueryable.prototype.liveOf> {
    return guardLive(super.liveOf(id), () => this.#route.lease.connection);
  }

  /** The number of the connection, unique within its pool. */
  get id(): number {
    return this.#lease.id;
  }

  /** How often the connection was lent, this time included. */
  get useCount(): number {
    return this.#lease.uses;
  }

  /** The namespace of its queries. */
  override get namespace(): string {
    return (this.#place ?? this.#lease.resource.identity).namespace;
  }

  /** The database of its queries. */
  override get database(): string {
    return (this.#place ?? this.#lease.resource.identity).database;
  }

  /**
   * Asks the server whether the connection works: its socket, its session, its database and the storage behind it.
   * When it does not, it is marked for recycling. Never rejects but with `LeaseReleasedError`.
   */
  async checkHealth(): Promise<boolean> {
    const connection = this.#lease.resource;
    try {
      await this.#parts.factory.checkHealth(connection);
      return true;
    } catch {
      this.markForRecycling();
      return false;
    }
  }

  /**
   * Begins a transaction, in which all queries run that are made from it or from this connection until its end. One that
   * is still open at the release is cancelled.
   * @throws UsageError when one is open already
   * @throws UnsupportedFeatureError when the server has no interactive transactions
   * @throws CommitVerificationError when `verifyCommit` cannot be had
   */
  override async beginTransaction(options?: TransactionOptions): Promise<Transaction> {
    const asked = options === undefined ? {} : transactionOptions.read(options);
    this.#transaction = await this.#parts.transactions.begin(this.#route, asked);
    return this.#transaction;
  }

  /**
   * Runs work in a transaction: commits it when the work returns, rolls it back when the work throws, with the error
   * unchanged. When the commit is refused because of a concurrent transaction, all of it is done again, as `retry` says.
   * Called from the work of a withTransaction() on this connection, it is a part of that; see
   * {@link Transaction.withTransaction}. Elsewhere it is refused while a transaction is open.
   * @throws what the work throws, and what {@link Transaction.commit} does
   */
  async withTransaction<T>(work: TransactionWork<T>, options?: WithTransactionOptions): Promise<T> {
    requireFunction(work, 'withTransaction(work, options)');
    const asked = options === undefined ? {} : withTransactionOptions.read(options);
    const { transaction } = this.#route;
    if (transaction === undefined) return await this.#parts.transactions.run(this.#route, work, asked);
    // Not called from the work of that transaction, this work would be committed or rolled back by other code.
    if (!transaction.nesting.isAroundCaller) {
      throw new UsageError(
        'a transaction is open on this connection, and this withTransaction() is not called from its work: wait for its end, acquire() another connection, or call withTransaction() on the transaction itself to be a part of it',
      );
    }
    return await this.#current('withTransaction').withTransaction(work, asked);
  }

  /**
   * The database that this connection is in, as SurrealQL; see {@link PoolScope.export}. It ends with the lease.
   * @throws UsageError while a transaction is open, and after the lease has signed in or out by itself
   */
  export(options: Partial<SqlExportOptions> = {}): ExportPromise {
    return new ExportPromise(asController(this.#route), resolveExport(options), false);
  }

  /**
   * Executes SurrealQL as `export()` gives it; see {@link PoolScope.import}.
   * @throws ImportError, UsageError
   */
  async import(input: ImportInput): Promise<void> {
    await this.#route.import(input);
  }

  /** What the server says it is. */
  async version(): Promise<VersionInfo> {
    return await this.#route.version();
  }

  /** Has the connection closed at its release instead of lent again. */
  markForRecycling(): void {
    this.#lease.markForRecycling();
  }

  /** Whether it will be closed at its release. */
  get markedForRecycling(): boolean {
    return this.#lease.markedForRecycling;
  }

  /**
   * Gives the connection back; it is free at once when there is nothing to undo. Calls still in flight are waited for
   * before another caller gets it. A second release does nothing.
   */
  release(): void {
    const connection = this.#lease.active ? this.#lease.resource : undefined;
    this.#lease.release();
    // Collecting an object that the registry still knows costs several times what the lease does.
    this.#parts.lostLeases?.unregister(this.#lease);
    // The error takes a stack, which costs more than the release: made only where a caller will see it.
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
    // Code for the SDK's session may give nothing.
    const { namespace, database }: typeof name = useOptions.read(name ?? {});
    if (typeof namespace !== 'string' || typeof database !== 'string' || namespace === '' || database === '') {
      throw new UsageError('use() takes both a namespace and a database: { namespace: "app", database: "main" }');
    }
    this.#route.lease.connection;
    const preparing = this.#parts.prepare({ namespace, database });
    if (preparing !== undefined) await this.#route.lease.waitWithLease(preparing);
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

  /** Signs the session in as another user, until the release. The pool replaces the session then. */
  override async signin(credentials: AnyAuth): Promise<Tokens> {
    signInOptions.read(credentials);
    return await this.#route.change((connection) => connection.signIn(credentials));
  }

  /** Signs up a record user and signs the session in as that user, until the release. */
  override async signup(credentials: AccessRecordAuth): Promise<Tokens> {
    signUpOptions.read(credentials);
    return await this.#route.change((connection) => connection.signUp(credentials));
  }

  /**
   * Signs the session in by a token, until the release, and gives back the tokens that are good from now on: with a refresh
   * token a new pair, since it can be used once; else the same access token.
   */
  override async authenticate(token: Token | Tokens): Promise<Tokens> {
    if (typeof token !== 'string') tokensOptions.read(token);
    return await this.#route.change((connection) => connection.authenticate(token));
  }

  /** Signs the session out, until the release. */
  override invalidate(): Promise<void> {
    return this.#route.change((connection) => connection.invalidate());
  }

  /** {@link release}, by the name that it has in the SDK. */
  override async closeSession(): Promise<void> {
    this.release();
  }

  // What else a session of the SDK has, and a lease has not.

  /** Undefined: the pool shows the tokens of its users to no caller. */
  override get accessToken(): undefined {
    return undefined;
  }

  /** @throws UsageError the pool shows variables to no caller, for they may be secret */
  override get parameters(): never {
    throw new UsageError('a connection of the pool does not show its variables: ask the server for one, RETURN $name');
  }

  /** @throws UsageError a lease has no events */
  override subscribe(): never {
    throw new UsageError('a connection of the pool has no events: subscribe to those of the pool');
  }

  /** @throws UsageError a lease is one session */
  override async forkSession(): Promise<never> {
    throw new UsageError('a connection of the pool is one session: acquire another one instead of forkSession()');
  }

  /** @throws UsageError what a lease changed is undone after its release */
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

  /** The transaction that is open, or the one that was begun last. */
  #current(method: string): Transaction {
    const within = this.#within();
    return within === undefined ? this.#begun(method) : new Transaction(within.channel, within.session);
  }

  #within(): { channel: TransactionChannel; session: Uuid } | undefined {
    const { transaction } = this.#route;
    return transaction && { channel: transaction, session: this.#lease.resource.session };
  }
}

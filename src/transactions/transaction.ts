import { type SurrealQueryable, SurrealTransaction, type Uuid } from 'surrealdb';
import { requireFunction, requireText } from '../calls/arguments.js';
import { asController } from '../calls/query-channel.js';
import { UsageError } from '../errors/configuration.js';
import { Savepoint } from './savepoint.js';
import type { TransactionChannel } from './transaction-channel.js';
import { type WithTransactionOptions, withTransactionOptions } from './transaction-options.js';
import type { TransactionStatus } from './transaction-state.js';
import { countBuilt } from './unsent-queries.js';

/** The work of a transaction. `attempt` counts from 1 and grows after each conflict. */
export type TransactionWork<T> = (transaction: Transaction, attempt: number) => PromiseLike<T> | T;

/**
 * An open transaction: every query and builder of the SDK, and {@link Transaction.commit | commit()} or {@link
 * Transaction.rollback | rollback()} at the end. Its calls run one after the other, in the order in which they were
 * begun. After a failed call it can only be rolled back, wholly or to a {@link savepoint}. At the end of its block,
 * `await using` rolls it back unless it was committed.
 *
 * ```ts
 * await using transaction = await connection.beginTransaction();
 * await transaction.update(from).merge({ balance: 10 });
 * await transaction.update(to).merge({ balance: 20 });
 * await transaction.commit();
 * ```
 */
export class Transaction extends SurrealTransaction {
  readonly #channel: TransactionChannel;
  readonly #session: Uuid;

  static {
    countBuilt(Transaction.prototype, (self) => ({ channel: self.#channel, session: self.#session }));
  }

  /** @internal */
  constructor(channel: TransactionChannel, session: Uuid) {
    // The last argument is for the SDK only: the channel uses the id of the server transaction, which a rollback to a
    // savepoint replaces.
    super(asController(channel), session, session);
    this.#channel = channel;
    this.#session = session;
  }

  /**
   * The state: `active`, `aborted` (a call failed), `draining` (its commit waits for the calls before it),
   * `committing`, `committed`, `rolledBack` and so on.
   */
  get state(): TransactionStatus {
    return this.#channel.state.word;
  }

  /**
   * Commits: takes no more calls, waits for those begun before, and applies everything or nothing.
   * @throws TransactionAbortedError when a call had failed; everything is rolled back
   * @throws UsageError when a query was built and never awaited; everything is rolled back
   * @throws TransactionConflictError when a concurrent transaction changed the same records first
   * @throws TransactionLostError when the connection was lost; nothing was applied
   * @throws CommitOutcomeUnknownError when the answer to the commit was lost
   * @throws TransactionEndedError when it had already ended; `outcomeOf()` says whether it was applied
   */
  override async commit(): Promise<void> {
    try {
      await this.#channel.commit();
    } catch (error) {
      // Two calls of `commit()` share one commit, and each gets its own error.
      throw await this.#channel.forCaller(error);
    }
  }

  /**
   * Undoes everything. No-op if it was already rolled back, or if the connection was lost and nothing is left to undo.
   * @throws TransactionEndedError after a commit, and during one
   * @throws CommitOutcomeUnknownError when the answer to the commit was lost: the error of the commit again
   */
  async rollback(): Promise<void> {
    try {
      await this.#channel.rollback();
    } catch (error) {
      throw await this.#channel.forCaller(error);
    }
  }

  /** {@link rollback}, by the name that it has in the SDK. */
  override cancel(): Promise<void> {
    return this.rollback();
  }

  /**
   * Makes a savepoint: a point to which the transaction can be rolled back. Waits for the calls begun before it.
   * @param name its name in errors; default: a generated one
   * @throws SavepointUnsupportedError when a call was made that cannot be replayed
   * @throws SavepointLimitError when the calls so far and their answers are too large to keep
   * @throws TransactionAbortedError when a call had failed
   * @throws TransactionLostError, TransactionEndedError
   * @throws UsageError with `savepoints: false`
   */
  async savepoint(name?: string): Promise<Savepoint> {
    if (name !== undefined) requireText(name, 'savepoint(name)');
    const { savepoints } = this.#channel;
    return new Savepoint(savepoints, await savepoints.make(name));
  }

  /**
   * Runs nested work. If it throws, or catches the error of a failed call and returns, only this work is undone:
   * earlier calls stay, and the transaction goes on. The error of the work is rethrown unchanged. Only one runs at a
   * time; calls made beside it are undone with it.
   * @throws what the work throws, and what {@link savepoint} does
   * @throws SavepointDivergedError, SavepointUnsupportedError, SavepointLimitError when it could not be undone, with the
   *   error of the work as `cause`: then the transaction is aborted
   */
  async withSavepoint<T>(work: (transaction: Transaction) => PromiseLike<T> | T): Promise<T> {
    requireFunction(work, 'withSavepoint(work)');
    return await this.#channel.savepoints.within(() => work(this));
  }

  /**
   * A nested transaction: {@link withSavepoint}. It is committed with the outer one, so the options of the outer one
   * count (`retry`, `verifyCommit` and so on), not those given here.
   * @throws UsageError for a `timeout` or a `signal`: only the outer transaction can have them
   */
  async withTransaction<T>(work: TransactionWork<T>, options?: WithTransactionOptions): Promise<T> {
    requireFunction(work, 'withTransaction(work, options)');
    const { timeout, signal } = options === undefined ? {} : withTransactionOptions.read(options);
    if (timeout !== undefined || signal !== undefined) {
      throw new UsageError(
        'a transaction within another one has no timeout and no signal of its own: give them to the outer one',
      );
    }
    return await this.withSavepoint((transaction) => work(transaction, 1));
  }

  /** Rolls back unless committed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { word } = this.#channel.state;
    if (word === 'active' || word === 'aborted') await this.rollback();
  }

  // The names of the pool in Rust: docs/migration.md.

  /** @deprecated a name of the pool in Rust: it is the transaction itself */
  connection(): SurrealQueryable {
    return this;
  }

  /** @deprecated a name of the pool in Rust: {@link Savepoint.rollback} of the latest that `savepoint(name)` gave */
  rollbackToSavepoint(name: string): Promise<void> {
    return this.#channel.savepoints.rollbackTo(name);
  }
}

import { type SurrealQueryable, SurrealTransaction, type Uuid } from 'surrealdb';
import { requireFunction, requireText } from '../calls/arguments.js';
import { asController } from '../calls/query-channel.js';
import { UsageError } from '../errors/configuration.js';
import { Savepoint } from './savepoint.js';
import type { TransactionChannel } from './transaction-channel.js';
import { type WithTransactionOptions, withTransactionOptions } from './transaction-options.js';
import type { TransactionStatus } from './transaction-state.js';
import { countBuilt } from './unsent-queries.js';

/** What is done within a transaction. `attempt` is 1 the first time, more after a conflict. */
export type TransactionWork<T> = (transaction: Transaction, attempt: number) => PromiseLike<T> | T;

/**
 * An open transaction: every query and builder of the SDK, and {@link Transaction.commit | commit()} or
 * {@link Transaction.rollback | rollback()} at the end. Its calls run one after the other, in the order in which they were
 * begun. Once a call has failed, it can only be rolled back, or back to a {@link savepoint}. At the end of its block, `await using` rolls back what was
 * not committed.
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
    // The last is for the SDK's own transaction: the channel names its own, which a rollback to a savepoint replaces.
    super(asController(channel), session, session);
    this.#channel = channel;
    this.#session = session;
  }

  /**
   * Where it stands: `active`, `aborted` (a call failed), `draining` (its commit waits for the calls before it),
   * `committing`, `committed`, `rolledBack` and so on.
   */
  get state(): TransactionStatus {
    return this.#channel.state.word;
  }

  /**
   * Waits for the calls that were begun before it, takes no more, and applies everything at once or nothing.
   * @throws TransactionAbortedError when a call had failed; everything is rolled back
   * @throws UsageError when a query was made and never sent; everything is rolled back
   * @throws TransactionConflictError when a concurrent transaction changed the same records first
   * @throws TransactionLostError when the connection was lost; nothing was applied
   * @throws CommitOutcomeUnknownError when the answer to the commit was lost
   * @throws TransactionEndedError when it was over already; `outcomeOf()` says whether it was applied
   */
  override async commit(): Promise<void> {
    try {
      await this.#channel.commit();
    } catch (error) {
      // A commit that was asked for twice happens once, and fails for each of the two.
      throw await this.#channel.forCaller(error);
    }
  }

  /**
   * Undoes everything. Does nothing when that has happened already; with the connection lost, nothing is there to undo.
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
   * Makes a savepoint: a place to which the transaction can be rolled back. Waits for the calls that were begun before it.
   * @param name what errors call it; default: one is made up for it
   * @throws SavepointUnsupportedError when a call was made that cannot be replayed
   * @throws SavepointLimitError when the calls so far and their answers are too large to keep
   * @throws TransactionAbortedError when a call had failed
   * @throws TransactionLostError, TransactionEndedError
   * @throws UsageError with `savepoints: false`
   */
  async savepoint(name?: string): Promise<Savepoint> {
    if (name !== undefined) requireText(name, 'savepoint(name)');
    return new Savepoint(this.#channel, await this.#channel.savepoint(name));
  }

  /**
   * Runs work that is undone alone when it throws, or when it hides that a call failed: what was done before it remains,
   * and the transaction goes on. Its error is given as it is. Runs one at a time; calls that are made beside it, and not
   * by it, are undone with it.
   * @throws what the work throws, and what {@link savepoint} does
   * @throws SavepointDivergedError, SavepointUnsupportedError, SavepointLimitError when it could not be undone, with the
   *   error of the work as `cause`: then the transaction is aborted
   */
  async withSavepoint<T>(work: (transaction: Transaction) => PromiseLike<T> | T): Promise<T> {
    requireFunction(work, 'withSavepoint(work)');
    return await this.#channel.withSavepoint(() => work(this));
  }

  /**
   * A transaction within this one: {@link withSavepoint}. It is committed with the whole, so what the whole was begun with
   * counts (`retry`, `verifyCommit` and so on), not what is given here.
   * @throws UsageError for a `timeout` or a `signal`: only the whole transaction can be cut off
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

  /** Rolls back what was not committed. */
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
    return this.#channel.rollbackTo(name);
  }
}

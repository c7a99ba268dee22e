import { SurrealQueryable, type Uuid } from 'surrealdb';
import { asController } from '../connection/query-channel.js';
import { countBuilt } from './built-calls.js';
import type { TransactionChannel } from './transaction-channel.js';
import type { TransactionWord } from './transaction-state.js';

/**
 * An open transaction: every query and builder of the SDK, and {@link Transaction.commit | commit()} or
 * {@link Transaction.rollback | rollback()} at the end. Its calls run one after the other, in the order in which they were
 * begun. Once a call has failed, it can only be rolled back. At the end of its block, `await using` rolls back what was
 * not committed.
 *
 * ```ts
 * await using transaction = await connection.beginTransaction();
 * await transaction.update(from).merge({ balance: 10 });
 * await transaction.update(to).merge({ balance: 20 });
 * await transaction.commit();
 * ```
 */
export class Transaction extends SurrealQueryable {
  readonly #channel: TransactionChannel;
  readonly #session: Uuid;

  static {
    countBuilt(Transaction.prototype, (self) => ({ channel: self.#channel, session: self.#session }));
  }

  /** @internal */
  constructor(channel: TransactionChannel, session: Uuid) {
    super(asController(channel), session);
    this.#channel = channel;
    this.#session = session;
  }

  /** Where it stands: `active`, `aborted` (a call failed), `committed`, `rolledBack` and so on. */
  get state(): TransactionWord {
    return this.#channel.state.word;
  }

  /**
   * Waits for the calls that were begun before it, takes no more, and applies everything at once or nothing.
   * @throws TransactionAbortedError when a call had failed; everything is rolled back
   * @throws UsageError when a query was made and never sent; everything is rolled back
   * @throws TransactionConflictError when a concurrent transaction changed the same records first
   * @throws TransactionLostError when the connection was lost; nothing was applied
   * @throws CommitOutcomeUnknownError when the answer to the commit was lost
   * @throws TransactionEndedError when it was over already
   */
  commit(): Promise<void> {
    return this.#channel.commit();
  }

  /**
   * Undoes everything. Does nothing when that has happened already; with the connection lost, nothing is there to undo.
   * @throws TransactionEndedError after a commit, and during one
   */
  rollback(): Promise<void> {
    return this.#channel.rollback();
  }

  /** Rolls back what was not committed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { word } = this.#channel.state;
    if (word === 'active' || word === 'aborted') await this.rollback();
  }
}

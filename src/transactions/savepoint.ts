import type { SavepointMark } from '../savepoints/savepoints.js';
import type { TransactionChannel } from './transaction-channel.js';

/**
 * A place in a transaction to which it can be rolled back. It ends with the transaction, with its release, and with a
 * rollback to an earlier one.
 *
 * ```ts
 * const savepoint = await transaction.savepoint();
 * await transaction.create(order).catch(() => savepoint.rollback());
 * ```
 */
export class Savepoint {
  readonly #channel: TransactionChannel;
  readonly #mark: SavepointMark;

  /** @internal */
  constructor(channel: TransactionChannel, mark: SavepointMark) {
    this.#channel = channel;
    this.#mark = mark;
  }

  /** The name it was given, or one made up for it. */
  get name(): string {
    return this.#mark.name;
  }

  /**
   * Undoes everything since, also when a call failed: the transaction is active again. The savepoint remains, later ones
   * are gone. Waits for the calls that were begun before. Every answer of the transaction is verified, those of the undone
   * calls too. When it fails, the transaction is as it was.
   * @throws SavepointDivergedError when an answer is another one now
   * @throws SavepointUnsupportedError when an answer cannot be verified
   * @throws SavepointLimitError when there is too much to keep or to make again
   * @throws UsageError with the code `ERR_POOL_SAVEPOINT_NOT_FOUND` when it is gone
   * @throws TransactionLostError, TransactionEndedError, TransactionAbortedError (its time was up)
   */
  rollback(): Promise<void> {
    return this.#channel.rollbackTo(this.#mark);
  }

  /**
   * Forgets it and the later ones; what was done since stays.
   * @throws UsageError with the code `ERR_POOL_SAVEPOINT_NOT_FOUND` when it is gone
   * @throws TransactionLostError, TransactionEndedError, TransactionAbortedError
   */
  release(): Promise<void> {
    return this.#channel.releaseSavepoint(this.#mark);
  }
}

import type { SavepointMark } from '../savepoints/savepoints.js';
import type { TransactionSavepoints } from './transaction-savepoints.js';

/**
 * A point in a transaction to which it can be rolled back. It ends with the transaction, with its release, or with a
 * rollback to an earlier savepoint.
 *
 * ```ts
 * const savepoint = await transaction.savepoint();
 * await transaction.create(order).catch(() => savepoint.rollback());
 * ```
 */
export class Savepoint {
  readonly #savepoints: TransactionSavepoints;
  readonly #mark: SavepointMark;

  /** @internal */
  constructor(savepoints: TransactionSavepoints, mark: SavepointMark) {
    this.#savepoints = savepoints;
    this.#mark = mark;
  }

  /** The name given by the caller, or a generated one. */
  get name(): string {
    return this.#mark.name;
  }

  /**
   * Undoes every call since the savepoint. A transaction aborted by a failed call becomes active again. The savepoint
   * remains; later ones are gone. Waits for the calls begun before. Every answer of the transaction is verified, those
   * of the undone calls too. If the rollback fails, the transaction is unchanged.
   * @throws SavepointDivergedError when an answer differs now
   * @throws SavepointUnsupportedError when an answer cannot be verified
   * @throws SavepointLimitError when there is too much to keep or to replay
   * @throws UsageError with the code `ERR_POOL_SAVEPOINT_NOT_FOUND` when it is gone
   * @throws TransactionLostError, TransactionEndedError, TransactionAbortedError (its time was up)
   */
  rollback(): Promise<void> {
    return this.#savepoints.rollbackTo(this.#mark);
  }

  /**
   * Drops the savepoint and the later ones; the calls since then stay.
   * @throws UsageError with the code `ERR_POOL_SAVEPOINT_NOT_FOUND` when it is gone
   * @throws TransactionLostError, TransactionEndedError, TransactionAbortedError
   */
  release(): Promise<void> {
    return this.#savepoints.release(this.#mark);
  }
}

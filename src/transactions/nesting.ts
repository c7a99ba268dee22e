import { AsyncLocalStorage } from 'node:async_hooks';
import { UsageError } from '../errors/configuration.js';

/** One piece of nested work. Used only for its identity. */
type Piece = Readonly<Record<never, never>>;

/** The nested work that encloses the running code, for all transactions, tracked through `await`. */
const around = new AsyncLocalStorage<readonly Piece[]>();

/**
 * The nested work of one transaction, each piece within the one before. Two pieces side by side would undo each other's
 * calls, so the second is refused.
 */
export class Nesting {
  /** Stands for the work of the whole transaction. */
  readonly #whole: Piece = {};
  #innermost: Piece | undefined;

  /** Whether nested work is running. */
  get busy(): boolean {
    return this.#innermost !== undefined;
  }

  /** Runs the work of the whole transaction. */
  async runWhole<T>(work: () => Promise<T>): Promise<T> {
    return await around.run([...(around.getStore() ?? []), this.#whole], work);
  }

  /** Whether the caller runs inside the work of the transaction, not beside it. */
  get isAroundCaller(): boolean {
    return around.getStore()?.includes(this.#whole) === true;
  }

  /**
   * @param piece gets a function that tells whether all work nested in it has ended
   * @throws UsageError when other work is running that does not enclose this one
   */
  async run<T>(piece: (isInnermost: () => boolean) => Promise<T>): Promise<T> {
    const outer = this.#innermost;
    const pieces = around.getStore() ?? [];
    if (outer !== undefined && !pieces.includes(outer)) {
      throw new UsageError(
        'another withTransaction() or withSavepoint() is under way in this transaction: await it first; side by side each would undo calls of the other',
      );
    }
    const own: Piece = {};
    this.#innermost = own;
    try {
      return await around.run([...pieces, own], () => piece(() => this.#innermost === own));
    } finally {
      this.#innermost = outer;
    }
  }
}

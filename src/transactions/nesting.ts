import { AsyncLocalStorage } from 'node:async_hooks';
import { UsageError } from '../errors/configuration.js';

/** One piece of work that is undone alone. Used only for its identity. */
type Piece = Readonly<Record<never, never>>;

/** The pieces of work that are around what runs now, of all transactions, followed through `await`. */
const around = new AsyncLocalStorage<readonly Piece[]>();

/**
 * The pieces of work of one transaction that are undone alone, each within the one before. Two beside each other would
 * undo each other's calls, so the second is refused.
 */
export class Nesting {
  /** Stands for the work of the whole transaction. */
  readonly #whole: Piece = {};
  #innermost: Piece | undefined;

  /** Whether one is under way. */
  get busy(): boolean {
    return this.#innermost !== undefined;
  }

  /** Runs the work of the whole transaction. */
  async runWhole<T>(work: () => Promise<T>): Promise<T> {
    return await around.run([...(around.getStore() ?? []), this.#whole], work);
  }

  /** Whether the caller is part of the work of the transaction, and not something that runs beside it. */
  get isAroundCaller(): boolean {
    return around.getStore()?.includes(this.#whole) === true;
  }

  /**
   * @param piece is told how to find out whether all within it has ended
   * @throws UsageError when another one is under way that is not around this one
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

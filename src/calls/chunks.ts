import type { QueryChunk } from 'surrealdb';
import type { Answer } from '../wire/answer.js';

/**
 * The statements of an answer, one after the other, as the SDK reads them. The query is sent when the first is asked for.
 * An async generator would do the same with three promises for each.
 */
export class Chunks<T> implements AsyncIterableIterator<QueryChunk<T>> {
  readonly #ask: () => Promise<Answer>;
  #answer: Promise<Answer> | undefined;
  #next = 0;

  /** @param ask sends the query */
  constructor(ask: () => Promise<Answer>) {
    this.#ask = ask;
  }

  async next(): Promise<IteratorResult<QueryChunk<T>>> {
    this.#answer ??= this.#ask();
    const answer = await this.#answer;
    const value = answer[this.#next++] as QueryChunk<T> | undefined;
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  async return(): Promise<IteratorResult<QueryChunk<T>>> {
    this.#answer = Promise.resolve([]);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

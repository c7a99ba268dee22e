import type { QueryChunk } from 'surrealdb';
import type { Asked } from '../errors/asked.js';
import { answerForCaller, forCaller } from '../errors/for-caller.js';
import { type Answer, hasFailed } from '../wire/answer.js';

/**
 * The statements of an answer, one after the other, as the SDK reads them. The query is sent when the first is asked for.
 * An async generator would do the same with three promises for each. What the query fails with leads to its caller.
 */
export class Chunks<T> implements AsyncIterableIterator<QueryChunk<T>> {
  readonly #ask: () => Promise<Answer>;
  readonly #asked: () => Asked;
  #answer: Promise<Answer> | undefined;
  #next = 0;

  /**
   * @param ask sends the query
   * @param asked what it asks for, for the error when it fails
   */
  constructor(ask: () => Promise<Answer>, asked: () => Asked) {
    this.#ask = ask;
    this.#asked = asked;
  }

  async next(): Promise<IteratorResult<QueryChunk<T>>> {
    this.#answer ??= this.#ask();
    let answer: Answer;
    try {
      answer = await this.#answer;
    } catch (error) {
      throw await forCaller(error, this.#asked);
    }
    if (this.#next === 0 && hasFailed(answer)) await answerForCaller(answer, this.#asked);
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

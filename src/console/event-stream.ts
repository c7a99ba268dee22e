import { onAbort } from '../time/on-abort.js';

/**
 * Messages as server-sent events. A client that is slow gets the newest message when it has taken the one before; what came
 * between is dropped, because it is old.
 */
export class EventStream implements AsyncIterableIterator<string> {
  readonly #end: () => void;
  #newest: string | undefined;
  #waiting: ((result: IteratorResult<string>) => void) | undefined;
  #ended = false;

  /**
   * @param begin called at once with a function that takes each message; it returns a function that ends that
   * @param signal aborted when the client has left
   */
  constructor(begin: (show: (message: string) => void) => () => void, signal: AbortSignal) {
    this.#end = begin((message) => this.#show(message));
    onAbort(signal, () => this.#stop());
  }

  #show(message: string): void {
    if (this.#ended) return;
    const text = `data: ${message}\n\n`;
    if (this.#waiting === undefined) this.#newest = text;
    else this.#settle({ done: false, value: text });
  }

  next(): Promise<IteratorResult<string>> {
    const value = this.#newest;
    this.#newest = undefined;
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  return(): Promise<IteratorResult<string>> {
    this.#stop();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #stop(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#newest = undefined;
    this.#end();
    this.#settle({ done: true, value: undefined });
  }

  #settle(result: IteratorResult<string>): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(result);
  }
}

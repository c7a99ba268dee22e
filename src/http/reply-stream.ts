/** The texts of a reply that is being sent, and their end, which happens once, whoever causes it. */
export class ReplyStream {
  readonly #iterator: AsyncIterator<string>;
  #ended = false;

  constructor(texts: AsyncIterable<string>) {
    this.#iterator = texts[Symbol.asyncIterator]();
  }

  /** The next text; undefined at the end. Rejects with the failure of the stream, which is then over. */
  async next(): Promise<string | undefined> {
    if (this.#ended) return undefined;
    try {
      const { done, value } = await this.#iterator.next();
      if (!done) return value;
      this.#ended = true;
      return undefined;
    } catch (error) {
      this.#ended = true;
      throw error;
    }
  }

  /**
   * Tells the source that nobody reads on. It does not wait: a generator hears of it only after the wait it is in. What the
   * source throws meanwhile has no reader any more.
   */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    void (async () => await this.#iterator.return?.())().catch(() => undefined);
  }
}

/** Ends the texts of a reply that nobody will read. */
export function closeUnread(body: string | AsyncIterable<string>): void {
  if (typeof body !== 'string') new ReplyStream(body).close();
}

/** How single calls went to the server: those of the pool and of its views. */
export interface MessageStatistics {
  /** Messages that carried single calls. */
  readonly sent: number;
  /** Calls they carried, each attempt counted. */
  readonly calls: number;
}

export class MessageCounters {
  #sent = 0;
  #calls = 0;
  #lonely = 0;

  /** A message was sent with so many calls. */
  count(calls: number): void {
    this.#sent++;
    this.#calls += calls;
    this.#lonely = calls === 1 ? this.#lonely + 1 : 0;
  }

  /** How many messages in a row carried one call, up to now. */
  get lonely(): number {
    return this.#lonely;
  }

  statistics(): MessageStatistics {
    return { sent: this.#sent, calls: this.#calls };
  }
}

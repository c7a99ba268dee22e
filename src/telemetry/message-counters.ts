/** How single calls of the pool and its scopes were sent to the server. */
export interface MessageStatistics {
  /** Messages that carried single calls. */
  readonly sent: number;
  /** Calls they carried, each attempt counted. */
  readonly calls: number;
}

/** After this many messages in a row with one call, calls are assumed to come one after the other. */
const lonelyMessages = 16;

export class MessageCounters {
  #sent = 0;
  #calls = 0;
  #lonely = 0;
  #underWay = 0;

  /** Counts a message with this many calls. */
  count(calls: number): void {
    this.#sent++;
    this.#calls += calls;
    this.#lonely = calls === 1 ? this.#lonely + 1 : 0;
  }

  /** Counts a call that got its seat. */
  began(): void {
    this.#underWay++;
  }

  ended(): void {
    this.#underWay--;
  }

  /** Whether calls come one after the other and only one is under way, so that no other will join it. */
  get isLonely(): boolean {
    return this.#underWay === 1 && this.#lonely >= lonelyMessages;
  }

  statistics(): MessageStatistics {
    return { sent: this.#sent, calls: this.#calls };
  }
}

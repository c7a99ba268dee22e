/** How single calls went to the server: those of the pool and of its views. */
export interface MessageStatistics {
  /** Messages that carried single calls. */
  readonly sent: number;
  /** Calls they carried, each attempt counted. */
  readonly calls: number;
}

/** After so many messages in a row with one call, calls are taken to come one after the other. */
const lonelyMessages = 16;

export class MessageCounters {
  #sent = 0;
  #calls = 0;
  #lonely = 0;
  #underWay = 0;

  /** A message was sent with so many calls. */
  count(calls: number): void {
    this.#sent++;
    this.#calls += calls;
    this.#lonely = calls === 1 ? this.#lonely + 1 : 0;
  }

  /** A call got its place. */
  began(): void {
    this.#underWay++;
  }

  ended(): void {
    this.#underWay--;
  }

  /** Whether calls come one after the other, and only one is under way: no other will join it. */
  get isLonely(): boolean {
    return this.#underWay === 1 && this.#lonely >= lonelyMessages;
  }

  statistics(): MessageStatistics {
    return { sent: this.#sent, calls: this.#calls };
  }
}

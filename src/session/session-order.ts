/**
 * Orders the calls on one session. Queries run concurrently; a change of the session's state (its database, variables,
 * user) runs alone, in its turn. SurrealDB 3.0 deadlocks a session for ever when a change arrives while a query of that
 * session is starting, so the order is kept here, before anything is sent.
 *
 *     query query query │ change │ query query │ change │ …
 */
export class SessionOrder {
  #queries = 0;
  #changing = false;
  readonly #waiting: { readonly change: boolean; readonly start: () => void }[] = [];

  /** Asks for a query's turn: undefined when it may start at once. */
  query(): Promise<void> | undefined {
    if (!this.#changing && this.#waiting.length === 0) {
      this.#queries++;
      return undefined;
    }
    return new Promise((start) => this.#waiting.push({ change: false, start }));
  }

  /** Whether a change is under way or waiting. */
  get isChanging(): boolean {
    return this.#changing || this.#waiting.length > 0;
  }

  queryDone(): void {
    this.#queries--;
    this.#next();
  }

  /** Runs a change when all calls before it have ended, with no other call beside it. */
  async change<T>(work: () => Promise<T>): Promise<T> {
    await new Promise<void>((start) => {
      this.#waiting.push({ change: true, start });
      this.#next();
    });
    try {
      return await work();
    } finally {
      this.#changing = false;
      this.#next();
    }
  }

  #next(): void {
    for (let first = this.#waiting[0]; first !== undefined && !this.#changing; first = this.#waiting[0]) {
      if (first.change) {
        if (this.#queries > 0) return;
        this.#changing = true;
      } else {
        this.#queries++;
      }
      this.#waiting.shift();
      first.start();
    }
  }
}

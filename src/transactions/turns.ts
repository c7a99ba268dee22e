/**
 * Runs the calls of one transaction one after the other, in the order they were begun. SurrealDB would run them
 * concurrently, and go on with those behind a failed one.
 *
 * The SDK announces a call (it asks its connection whether it is ready) and sends it a few microtasks later, builders
 * later than plain queries; the announcement sets its place. A call that fails before it is sent, for example by a bad
 * function name, never takes its place: the next call waits for it only until the end of the present turn of the event
 * loop.
 */
export class Turns {
  #last: Turn | undefined;

  enter(): Turn {
    this.#last = new Turn(this.#last);
    return this.#last;
  }

  /** Resolves when every call that has a place now has ended. */
  async over(): Promise<void> {
    await this.#last?.over();
  }
}

/** The place of one call in the order. */
export class Turn {
  #before: Turn | undefined;
  #arrived = false;
  #left = false;
  #onLeft: (() => void)[] = [];

  constructor(before: Turn | undefined) {
    this.#before = before;
  }

  /** The call has arrived: resolves when those before it have ended. */
  async come(): Promise<void> {
    this.#arrived = true;
    await this.#before?.over();
    this.#before = undefined;
  }

  leave(): void {
    this.#left = true;
    for (const tell of this.#onLeft.splice(0)) tell();
  }

  async over(): Promise<void> {
    if (!this.#arrived) await new Promise((resolve) => setImmediate(resolve));
    if (!this.#arrived) await this.#before?.over();
    else if (!this.#left) await new Promise<void>((resolve) => this.#onLeft.push(resolve));
  }
}

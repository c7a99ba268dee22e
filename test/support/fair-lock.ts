/** What a holder of the lock may share it with: other readers, or nobody. */
export type LockMode = 'shared' | 'exclusive';

interface Waiter {
  readonly mode: LockMode;
  readonly enter: () => void;
}

/**
 * A read/write lock that lets in strictly by arrival: a reader behind a waiting writer waits too.
 *
 * Strict order is what a real server shows on one session: a change of the session waits for the queries before it,
 * and everything after it waits for the change.
 */
export class FairLock {
  readonly #waiters: Waiter[] = [];
  #readers = 0;
  #writing = false;

  /** Runs `work` inside the lock and passes on what it gives. */
  async run<Result>(mode: LockMode, work: () => Promise<Result>): Promise<Result> {
    await this.#enter(mode);
    try {
      return await work();
    } finally {
      this.#leave(mode);
    }
  }

  #enter(mode: LockMode): Promise<void> {
    return new Promise((enter) => {
      this.#waiters.push({ mode, enter });
      this.#admit();
    });
  }

  #leave(mode: LockMode): void {
    if (mode === 'shared') this.#readers -= 1;
    else this.#writing = false;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#waiters[0]; next !== undefined; next = this.#waiters[0]) {
      if (this.#writing || (next.mode === 'exclusive' && this.#readers > 0)) return;
      this.#waiters.shift();
      if (next.mode === 'shared') this.#readers += 1;
      else this.#writing = true;
      next.enter();
    }
  }
}

/** Milliseconds from one tick to the next. */
const step = 50;

/** So many ticks later than it should is still in time. */
const tolerance = 4;

/**
 * Sees to it that nobody waits past a deadline, without looking at a clock. The timers of one event loop fire in the
 * order in which they are due, however late; so a deadline of 500 ms has passed before a chain of 50 ms timers, begun
 * at the same time, has ticked many more than ten times, be the machine as slow as it may: one that stands still for a
 * minute costs both of them the same.
 */
export class Vigil {
  /** Who waited for too long. */
  readonly overdue: string[] = [];
  readonly #waiting = new Set<{ readonly until: number; giveUp(): void }>();
  #now = 0;
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#timer = setTimeout(() => {
      this.#now += 1;
      for (const { until, giveUp } of this.#waiting) if (this.#now > until) giveUp();
      this.start();
    }, step);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Settles as the promise does, or rejects when that takes plainly longer than so many milliseconds. */
  within<Value>(limit: number, what: string, promise: PromiseLike<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      const entry = {
        until: this.#now + Math.ceil(limit / step) + tolerance,
        giveUp: () => {
          this.#waiting.delete(entry);
          this.overdue.push(`${what} is still open, long after its ${limit} ms`);
          reject(new Error('overdue'));
        },
      };
      this.#waiting.add(entry);
      promise.then(resolve, reject);
      const over = (): void => void this.#waiting.delete(entry);
      promise.then(over, over);
    });
  }
}

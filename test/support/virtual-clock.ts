import type { Clock, Timer } from '../../src/time/clock.js';

interface Pending {
  readonly due: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Lets everything that is ready happen: all microtasks, and what they start. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Time that passes only when a test says so. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #timers = new Set<Pending>();

  now(): number {
    return this.#now;
  }

  timer(delay: number, _holdsProcess: boolean, callback: () => void): Timer {
    const timer: Pending = { due: this.#now + Math.max(0, delay), order: this.#order++, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  afterReading(callback: () => void): Timer {
    const immediate = setImmediate(callback);
    return { cancel: () => clearImmediate(immediate) };
  }

  /** How many timers have been armed and neither fired nor cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Time goes by: each timer fires at its own moment. */
  async advance(duration: number): Promise<void> {
    const end = this.#now + duration;
    await settled();
    for (let next = this.#earliest(end); next !== undefined; next = this.#earliest(end)) {
      this.#now = Math.max(this.#now, next.due);
      this.#fire(next);
      await settled();
    }
    this.#now = end;
  }

  /** The process stands still for a while: all timers that came due fire afterwards, late. */
  async leap(duration: number): Promise<void> {
    this.#now += duration;
    for (let next = this.#earliest(this.#now); next !== undefined; next = this.#earliest(this.#now)) {
      this.#fire(next);
    }
    await settled();
  }

  #fire(timer: Pending): void {
    this.#timers.delete(timer);
    timer.callback();
  }

  #earliest(until: number): Pending | undefined {
    let earliest: Pending | undefined;
    for (const timer of this.#timers) {
      if (timer.due > until) continue;
      if (
        earliest === undefined ||
        timer.due < earliest.due ||
        (timer.due === earliest.due && timer.order < earliest.order)
      ) {
        earliest = timer;
      }
    }
    return earliest;
  }
}

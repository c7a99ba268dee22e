import type { Clock, Timer } from './clock.js';

interface Expiring {
  readonly timeout: number;
  readonly deadline: number;
}

/**
 * One timer for any number of waiters. Waiters with the same timeout expire in the order they came, so each distinct
 * timeout has its own set in order of arrival, and only the first of each set matters (the layout of Node's own timer
 * lists). Add and remove cost the same for one waiter and for a million; looking for the earliest deadline costs the
 * number of distinct timeouts, and is done only when the timer is armed.
 *
 *     10 s:  ● ● ● ● ● ●     ← nearly everybody: the default
 *      2 s:  ● ●
 *     50 ms: ●               ← the earliest of the first ones is what the timer is armed for
 */
export class Deadlines<W extends Expiring> {
  readonly #byTimeout = new Map<number, Set<W>>();
  readonly #clock: Clock;
  readonly #expire: (waiter: W) => void;
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  /** @param expire called for each waiter whose deadline has passed; it is removed already. */
  constructor(clock: Clock, expire: (waiter: W) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  add(waiter: W): void {
    if (waiter.timeout === 0) return;
    let group = this.#byTimeout.get(waiter.timeout);
    if (group === undefined) {
      group = new Set();
      this.#byTimeout.set(waiter.timeout, group);
    }
    group.add(waiter);
    if (waiter.deadline < this.#armedFor) this.#arm(waiter.deadline);
  }

  remove(waiter: W): void {
    const group = this.#byTimeout.get(waiter.timeout);
    if (group?.delete(waiter) && group.size === 0) {
      this.#byTimeout.delete(waiter.timeout);
      if (this.#byTimeout.size === 0) this.#disarm();
    }
  }

  #arm(deadline: number): void {
    this.#disarm();
    this.#armedFor = deadline;
    this.#timer = this.#clock.timer(deadline - this.#clock.now(), true, () => this.#fire());
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  #fire(): void {
    this.#disarm();
    const now = this.#clock.now();
    for (const group of this.#byTimeout.values()) {
      // Looked up anew each time: whoever is told may add and remove others.
      for (let first = firstOf(group); first !== undefined && first.deadline <= now; first = firstOf(group)) {
        this.remove(first);
        this.#expire(first);
      }
    }
    for (const group of this.#byTimeout.values()) {
      const first = firstOf(group);
      if (first !== undefined && first.deadline < this.#armedFor) this.#arm(first.deadline);
    }
  }
}

function firstOf<T>(group: Set<T>): T | undefined {
  return group.values().next().value;
}

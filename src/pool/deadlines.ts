import type { Clock, Timer } from '../time/clock.js';
import { type Linked, LinkedList } from './linked-list.js';

/** Where a waiter stands among those of the same timeout. */
export class Expiry<W> implements Linked<Expiry<W>> {
  previous: Expiry<W> | undefined;
  next: Expiry<W> | undefined;
  /** Undefined while it has no deadline that anybody watches. */
  group: LinkedList<Expiry<W>> | undefined;

  constructor(readonly waiter: W) {}
}

interface Expiring<W> {
  readonly timeout: number;
  readonly deadline: number;
  readonly expiry: Expiry<W>;
}

/**
 * One timer for any number of waiters. Waiters with the same timeout expire in the order they came, so each distinct
 * timeout has its own list in order of arrival, and only the first of each matters (the layout of Node's own timer
 * lists). Add and remove cost the same for one waiter and for a million; looking for the earliest deadline costs the
 * number of distinct timeouts, and is done only when the timer is armed.
 *
 *     10 s:  ● ● ● ● ● ●     ← nearly everybody: the default
 *      2 s:  ● ●
 *     50 ms: ●               ← the earliest of the first ones is what the timer is armed for
 */
export class Deadlines<W extends Expiring<W>> {
  readonly #byTimeout = new Map<number, LinkedList<Expiry<W>>>();
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
      group = new LinkedList();
      this.#byTimeout.set(waiter.timeout, group);
    }
    group.append(waiter.expiry);
    waiter.expiry.group = group;
    if (waiter.deadline < this.#armedFor) this.#arm(waiter.deadline);
  }

  remove(waiter: W): void {
    const { group } = waiter.expiry;
    if (group === undefined) return;
    group.remove(waiter.expiry);
    waiter.expiry.group = undefined;
    if (group.length > 0) return;
    this.#byTimeout.delete(waiter.timeout);
    if (this.#byTimeout.size === 0) this.#disarm();
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
      for (let first = group.first?.waiter; first !== undefined && first.deadline <= now; first = group.first?.waiter) {
        this.remove(first);
        this.#expire(first);
      }
    }
    for (const group of this.#byTimeout.values()) {
      const first = group.first?.waiter;
      if (first !== undefined && first.deadline < this.#armedFor) this.#arm(first.deadline);
    }
  }
}

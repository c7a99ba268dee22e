import type { Clock, Timer } from '../time/clock.js';
import type { Place } from './linked-list.js';
import { ListsByKey } from './lists-by-key.js';

interface Expiring<W> {
  readonly timeout: number;
  readonly deadline: number;
  readonly expiry: Place<W>;
}

/**
 * One timer for any number of waiters. Waiters with the same timeout expire in the order they came, so each distinct
 * timeout has its own list in order of arrival, and only the first of each matters (the layout of Node's own timer
 * lists). Add and remove cost the same for one waiter and for a million; looking for the earliest deadline costs the
 * number of distinct timeouts, and is done only when the timer is armed.
 *
 *     10 s:  ● ● ● ● ● ●     ← nearly all: the default
 *      2 s:  ● ●
 *     50 ms: ●               ← the earliest of the first ones is what the timer is armed for
 */
export class Deadlines<W extends Expiring<W>> {
  readonly #byTimeout = new ListsByKey<number, Place<W>>();
  readonly #clock: Clock;
  readonly #expire: (waiter: W) => void;
  #waiting = 0;
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  /** @param expire called for each waiter whose deadline has passed; it takes the waiter out. */
  constructor(clock: Clock, expire: (waiter: W) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  add(waiter: W): void {
    if (waiter.timeout === 0) return;
    this.#byTimeout.of(waiter.timeout).append(waiter.expiry);
    this.#waiting++;
    if (waiter.deadline < this.#armedFor) this.#arm(waiter.deadline);
  }

  /** Takes out a waiter that was added. */
  remove(waiter: W): void {
    if (waiter.timeout === 0) return;
    this.#byTimeout.remove(waiter.timeout, waiter.expiry);
    this.#waiting--;
    if (this.#waiting === 0) this.#disarm();
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
    for (const list of this.#byTimeout.all) {
      // Looked up anew each time: a caller who is told may add and remove others.
      for (let first = list.first?.owner; first !== undefined && first.deadline <= now; first = list.first?.owner) {
        this.#expire(first);
      }
    }
    for (const list of this.#byTimeout.all) {
      const first = list.first?.owner;
      if (first !== undefined && first.deadline < this.#armedFor) this.#arm(first.deadline);
    }
  }
}

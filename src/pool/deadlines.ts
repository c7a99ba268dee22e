import type { Clock, Timer } from '../time/clock.js';
import { LinkedList, type Place } from './linked-list.js';

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
  readonly #byTimeout = new Map<number, LinkedList<Place<W>>>();
  readonly #clock: Clock;
  readonly #expire: (waiter: W) => void;
  /** The list used last, which is nearly always the next one too: it spares the look into the map. */
  #timeout = 0;
  #list: LinkedList<Place<W>> = new LinkedList();
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
    this.#listOf(waiter.timeout).append(waiter.expiry);
    this.#waiting++;
    if (waiter.deadline < this.#armedFor) this.#arm(waiter.deadline);
  }

  /** Takes out a waiter that was added. */
  remove(waiter: W): void {
    const { timeout } = waiter;
    if (timeout === 0) return;
    const list = this.#listOf(timeout);
    list.remove(waiter.expiry);
    this.#waiting--;
    if (this.#waiting === 0) this.#disarm();
    if (list.length > 0 || this.#byTimeout.size === 1) return;
    this.#byTimeout.delete(timeout);
    this.#timeout = 0;
  }

  #listOf(timeout: number): LinkedList<Place<W>> {
    if (timeout === this.#timeout) return this.#list;
    let list = this.#byTimeout.get(timeout);
    if (list === undefined) {
      list = new LinkedList();
      this.#byTimeout.set(timeout, list);
    }
    this.#timeout = timeout;
    this.#list = list;
    return list;
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
    for (const list of [...this.#byTimeout.values()]) {
      // Looked up anew each time: a caller who is told may add and remove others.
      for (let first = list.first?.owner; first !== undefined && first.deadline <= now; first = list.first?.owner) {
        this.#expire(first);
      }
    }
    for (const list of this.#byTimeout.values()) {
      const first = list.first?.owner;
      if (first !== undefined && first.deadline < this.#armedFor) this.#arm(first.deadline);
    }
  }
}

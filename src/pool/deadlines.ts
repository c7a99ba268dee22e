import type { Clock, Timer } from '../time/clock.js';
import type { Place } from './linked-list.js';
import { ListsByKey } from './lists-by-key.js';

interface Expiring<W> {
  readonly timeout: number;
  readonly deadline: number;
  readonly expiry: Place<W>;
  /** Set when its deadline passed while the event loop was blocked: it may wait until then, and no longer. */
  graceUntil: number | undefined;
}

/** A timer that is later by so many milliseconds shows that the event loop was blocked. */
const late = 20;
/** The grace is no longer than this share of the timeout. */
const longestGrace = 1 / 4;

/**
 * One timer for any number of waiters. Waiters with the same timeout expire in the order they came, so each distinct
 * timeout has its own list in order of arrival, and only the first of each matters (the layout of Node's own timer
 * lists). Add and remove cost the same for one waiter and for a million; looking for the earliest deadline costs the
 * number of distinct timeouts, and is done only when the timer is armed.
 *
 *     10 s:  ● ● ● ● ● ●     ← nearly all: the default
 *      2 s:  ● ●
 *     50 ms: ●               ← the earliest of the first ones is what the timer is armed for
 *
 * A timer that fires late shows that the event loop was blocked: this process, and not the server, has used the time, and
 * what frees connections is only being read. Those whose time is over by then get a grace, once: for as long as the timer
 * was late, but no longer than a quarter of their timeout. So a waiter is told at its deadline while the loop turns, and
 * after a blocked loop no later than a quarter of its timeout after the loop turns again. A waiter that the loop has cost
 * its whole timeout once more gets none: it is not served any more either (`Waiter.isTooLate`).
 */
export class Deadlines<W extends Expiring<W>> {
  readonly #byTimeout = new ListsByKey<number, Place<W>>();
  /** Those in their grace, by timeout as well; the ends of the same timeout are in order too. */
  readonly #graced = new ListsByKey<number, Place<W>>();
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
    (waiter.graceUntil === undefined ? this.#byTimeout : this.#graced).remove(waiter.timeout, waiter.expiry);
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
    const now = this.#clock.now();
    const lateness = now - this.#armedFor;
    this.#disarm();
    // Looked up anew each time: a caller who is told may add and remove others.
    for (const list of this.#graced.all) {
      for (let first = list.first?.owner; first !== undefined && endOf(first) <= now; first = list.first?.owner) {
        this.#expire(first);
      }
    }
    for (const list of this.#byTimeout.all) {
      for (let first = list.first?.owner; first !== undefined && first.deadline <= now; first = list.first?.owner) {
        if (lateness < late || now >= first.deadline + first.timeout) this.#expire(first);
        else this.#grant(first, now, lateness);
      }
    }
    for (const list of [...this.#graced.all, ...this.#byTimeout.all]) {
      const first = list.first?.owner;
      if (first !== undefined && endOf(first) < this.#armedFor) this.#arm(endOf(first));
    }
  }

  #grant(waiter: W, now: number, lateness: number): void {
    const list = this.#graced.of(waiter.timeout);
    const before = list.last?.owner.graceUntil ?? Number.NEGATIVE_INFINITY;
    this.#byTimeout.remove(waiter.timeout, waiter.expiry);
    // No earlier than the one before it: so the first is the next to end. That one has had a quarter at most, and earlier.
    waiter.graceUntil = Math.max(before, now + Math.min(lateness, waiter.timeout * longestGrace));
    this.#graced.of(waiter.timeout).append(waiter.expiry);
  }
}

function endOf<W extends Expiring<W>>({ graceUntil, deadline }: W): number {
  return graceUntil ?? deadline;
}

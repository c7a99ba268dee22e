import type { Clock, Timer } from '../time/clock.js';
import type { Place } from './linked-list.js';
import { ListsByKey } from './lists-by-key.js';

interface Expiring<W> {
  readonly timeout: number;
  readonly deadline: number;
  readonly expiry: Place<W>;
  /** Set when the deadline passed while the event loop was blocked: the waiter may wait until then. */
  graceUntil: number | undefined;
}

/** A timer this many milliseconds late shows that the event loop was blocked. */
const late = 20;
/** The longest grace, as a share of the timeout. */
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
 * A timer that fires late shows that the event loop was blocked: this process used up the time, not the server, and the
 * answers that free connections are only now being read. Waiters whose time ran out meanwhile get a grace, once: as
 * long as the timer was late, at most a quarter of their timeout. So while the loop turns a waiter is rejected at its
 * deadline, and after a blocked loop at most a quarter of its timeout after the loop turns again. A waiter that lost
 * its whole timeout again gets no grace, and is not served either (`Waiter.isTooLate`).
 */
export class Deadlines<W extends Expiring<W>> {
  readonly #byTimeout = new ListsByKey<number, Place<W>>();
  /** Waiters in their grace, also by timeout: within one timeout the ends of grace are in order too. */
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
    // Looked up anew each time: a rejected caller may add and remove waiters.
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
    // Never earlier than the one before it, so the first in the list ends first. That one got at most a quarter too,
    // and got it earlier.
    waiter.graceUntil = Math.max(before, now + Math.min(lateness, waiter.timeout * longestGrace));
    this.#graced.of(waiter.timeout).append(waiter.expiry);
  }
}

function endOf<W extends Expiring<W>>({ graceUntil, deadline }: W): number {
  return graceUntil ?? deadline;
}

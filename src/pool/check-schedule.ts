import { ExpiryWheel } from './expiry-wheel.js';

/** A connection as the schedule sees it. */
interface Watched {
  /** When it last showed that it works. */
  readonly provenAt: number;
}

interface Check<S> {
  readonly subject: S;
  readonly expiresAt: number;
}

/**
 * Each check is moved by up to this share in either direction, so that connections opened together are not probed
 * together.
 */
const jitter = 0.1;

/**
 * Finds the connections that gave no sign of life for `healthCheckInterval` milliseconds (0: none is ever due). The
 * caller does the probing. Each connection is looked at once per interval; use in the meantime postpones its check.
 */
export class CheckSchedule<S extends Watched> {
  readonly #interval: number;
  readonly #random: () => number;
  readonly #wheel: ExpiryWheel<Check<S>>;
  readonly #checks = new Map<S, Check<S>>();

  constructor(interval: number, random: () => number, now: number) {
    this.#interval = interval;
    this.#random = random;
    this.#wheel = new ExpiryWheel(now);
  }

  /** Schedules the first or next check of a connection one interval after its last sign of life. */
  watch(subject: S): void {
    if (this.#interval === 0) return;
    this.#watch(subject, subject.provenAt + this.#interval * (1 + jitter * (2 * this.#random() - 1)));
  }

  /** Schedules a check that could not be made now for as soon as possible. */
  watchSoon(subject: S, now: number): void {
    this.#watch(subject, now);
  }

  #watch(subject: S, expiresAt: number): void {
    this.forget(subject);
    const check = { subject, expiresAt };
    this.#checks.set(subject, check);
    this.#wheel.add(check);
  }

  forget(subject: S): void {
    const check = this.#checks.get(subject);
    if (check === undefined) return;
    this.#checks.delete(subject);
    this.#wheel.remove(check);
  }

  /**
   * Removes and returns the connections that gave no sign of life for long enough. The caller has to watch them anew.
   */
  takeDue(now: number): S[] {
    const due: S[] = [];
    for (const { subject } of this.#wheel.takeExpired(now)) {
      this.#checks.delete(subject);
      if (now - subject.provenAt >= this.#interval * (1 - jitter)) due.push(subject);
      else this.watch(subject);
    }
    return due;
  }
}

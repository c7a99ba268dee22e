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

/** Checks differ by this share in both directions, so that connections opened together are not all probed together. */
const jitter = 0.1;

/**
 * Says which connections have gone without a sign of life for `healthCheckInterval` milliseconds (0: none is ever due). It
 * probes nothing itself. Each connection is looked at once per interval: when it was used meanwhile, its check is put off.
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

  /** The first, and the next, check of a connection is due one interval after its last sign of health. */
  watch(subject: S): void {
    if (this.#interval === 0) return;
    this.#watch(subject, subject.provenAt + this.#interval * (1 + jitter * (2 * this.#random() - 1)));
  }

  /** A check that could not be made now is due again as soon as possible. */
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

  /** Those that have shown no sign of health for long enough. They are watched no longer until asked for again. */
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

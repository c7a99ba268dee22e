import { ExpiryWheel } from './expiry-wheel.js';

/** What the monitor goes by. Durations in milliseconds. */
export interface HealthSettings {
  /** How long a connection may go without having shown that it works; 0 switches the checks off. */
  readonly healthCheckInterval: number;
  /** Probes in a row that have to fail before the pool counts as unhealthy. */
  readonly unhealthyThreshold: number;
}

/** A connection as the monitor sees it. */
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
 * Says which connections have gone without a sign of health for `healthCheckInterval`, and whether so many probes in a
 * row have failed that something is wrong with what they probe. It probes nothing itself.
 *
 * Each connection is looked at once per interval: one that was used meanwhile is put off, not probed.
 */
export class HealthMonitor<S extends Watched> {
  readonly #settings: HealthSettings;
  readonly #random: () => number;
  readonly #wheel: ExpiryWheel<Check<S>>;
  readonly #checks = new Map<S, Check<S>>();
  #failures = 0;

  constructor(settings: HealthSettings, random: () => number, now: number) {
    this.#settings = settings;
    this.#random = random;
    this.#wheel = new ExpiryWheel(now);
  }

  /** The first, and the next, check of a connection is due one interval after its last sign of health. */
  watch(subject: S): void {
    const { healthCheckInterval } = this.#settings;
    if (healthCheckInterval === 0) return;
    this.#watch(subject, subject.provenAt + healthCheckInterval * (1 + jitter * (2 * this.#random() - 1)));
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
      if (now - subject.provenAt >= this.#settings.healthCheckInterval * (1 - jitter)) due.push(subject);
      else this.watch(subject);
    }
    return due;
  }

  /** Probes that failed in a row. */
  get failures(): number {
    return this.#failures;
  }

  get healthy(): boolean {
    return this.#failures < this.#settings.unhealthyThreshold;
  }

  /** @returns whether that made the pool healthy again */
  passed(): boolean {
    const wasHealthy = this.healthy;
    this.#failures = 0;
    return !wasHealthy;
  }

  /** @returns whether that made the pool unhealthy */
  failed(): boolean {
    const wasHealthy = this.healthy;
    this.#failures++;
    return wasHealthy && !this.healthy;
  }
}

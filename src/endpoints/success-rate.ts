/** The time after which an attempt counts for a third of what it did, in milliseconds. */
const fading = 30_000;

/**
 * How much of what was tried at an endpoint lately succeeded: attempts of the last 30 s count most, and one success is
 * assumed beforehand, so that a single failure does not make it 0.
 *
 * Both sums fade with time and not with each attempt: an average over time would not see the second of two attempts
 * made in the same millisecond.
 */
export class SuccessRate {
  #successes = 1;
  #attempts = 1;
  #average = 1;
  #observedAt = Number.NEGATIVE_INFINITY;

  /** From 0 (all failed) to 1 (all succeeded, or nothing was tried). */
  get average(): number {
    return this.#average;
  }

  observe(succeeded: boolean, now: number): void {
    const kept = Math.exp(-Math.max(0, now - this.#observedAt) / fading);
    this.#successes = 1 + (this.#successes - 1) * kept + (succeeded ? 1 : 0);
    this.#attempts = 1 + (this.#attempts - 1) * kept + 1;
    this.#average = this.#successes / this.#attempts;
    this.#observedAt = now;
  }
}

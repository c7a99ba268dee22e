/** The time after which an observation counts for a third of what it did, in milliseconds. */
const fading = 10_000;
/** After this long without an observation, in milliseconds, what is known is old: the endpoint is tried once. */
const silence = 3 * fading;
/** Shorter durations make no difference, in milliseconds: a clock that shows no time passed must not show an endless speed. */
const shortest = 0.001;

/**
 * How long an endpoint takes to answer, in milliseconds: an average that rises at once and falls slowly (the peak EWMA
 * of Twitter's Finagle, `com.twitter.finagle.loadbalancer.PeakEwma`):
 *
 *     cost := r                        if r > cost
 *     cost := cost·w + r·(1 − w)       otherwise; w = exp(−age of the last observation / 10 s)
 *
 * Finagle also lets the cost fall towards 0 while nothing is observed. Not so here: all callers would take a slow
 * endpoint for the best one at the same moment. The cost stays; after 30 s without an observation one caller tries the
 * endpoint ({@link isDue}), and what that caller sees counts for 95 %.
 *
 * What fails must be observed too, with the time for which it had no answer. Otherwise the endpoint that fails fastest seems
 * to be the fastest.
 */
export class PeakEwma {
  #cost = 0;
  #speed = 0;
  #observedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;

  /** The cost in milliseconds; 0 while it {@link isUnknown}. */
  get cost(): number {
    return this.#cost;
  }

  /** How many answers the cost allows in a millisecond, at most 1,000; 0 while it {@link isUnknown}. */
  get speed(): number {
    return this.#speed;
  }

  /** Whether nothing was observed yet. */
  get isUnknown(): boolean {
    return this.#speed === 0;
  }

  /** Whether a caller should try the endpoint now, because nothing, or nothing recent, is known about it. */
  isDue(now: number): boolean {
    return now - this.#observedAt > silence && now - this.#triedAt > fading;
  }

  /** Whether nothing is known, but a caller tries the endpoint: the others wait for what it sees, for up to 10 s. */
  isOnTrial(now: number): boolean {
    return this.#speed === 0 && now - this.#triedAt <= fading;
  }

  /** Notes that a caller goes to the endpoint. */
  tried(now: number): void {
    this.#triedAt = now;
  }

  /** @param duration how long an answer took, in milliseconds; anything below 0, or no number, counts as 0 */
  observe(duration: number, now: number): void {
    const observed = duration > 0 ? duration : 0;
    const kept = Math.exp(-Math.max(0, now - this.#observedAt) / fading);
    this.#cost = observed > this.#cost ? observed : this.#cost * kept + observed * (1 - kept);
    this.#speed = 1 / Math.max(this.#cost, shortest);
    this.#observedAt = now;
  }

  /** Forgets everything, as after an outage: what was observed before it says nothing about the endpoint now. */
  forget(): void {
    this.#cost = 0;
    this.#speed = 0;
    this.#observedAt = Number.NEGATIVE_INFINITY;
    this.#triedAt = Number.NEGATIVE_INFINITY;
  }
}

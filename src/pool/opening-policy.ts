/**
 * When the pool may open a connection again after it could not.
 *
 *     allowed ──failure──▶ waiting (backoff) ──time──▶ allowed
 *        │
 *        └──failure for good──▶ stopped ──somebody asks──▶ allowed
 */
export class OpeningPolicy {
  /** Why the last attempt failed; undefined when it succeeded. */
  lastError: unknown;
  readonly #backoff: (failures: number) => number;
  #failures = 0;
  #stopped = false;
  #notBefore: number = Number.NEGATIVE_INFINITY;

  /** @param backoff how long to wait, in milliseconds, after this many failures in a row (1 and up) */
  constructor(backoff: (failures: number) => number) {
    this.#backoff = backoff;
  }

  /** How long to wait before the next attempt, in milliseconds; 0 for not at all, `Infinity` when it is stopped. */
  wait(now: number): number {
    return this.#stopped ? Number.POSITIVE_INFINITY : Math.max(0, this.#notBefore - now);
  }

  succeeded(): void {
    this.lastError = undefined;
    this.#failures = 0;
    this.#notBefore = Number.NEGATIVE_INFINITY;
  }

  /**
   * @param began when the attempt began
   * @returns how long to wait now; undefined when there is no point in trying again
   */
  failed(error: unknown, forGood: boolean, began: number, now: number): number | undefined {
    this.lastError = error;
    // Attempts that ran side by side are one failure, not several.
    if (began >= this.#notBefore) this.#failures++;
    this.#stopped = forGood;
    if (forGood) return undefined;
    const wait = this.#backoff(this.#failures);
    this.#notBefore = now + wait;
    return wait;
  }

  /** Somebody asks: worth another attempt even after a failure for good. */
  askedAgain(): void {
    this.#stopped = false;
  }

  /** The next attempt may be made at once. */
  hurry(): void {
    this.#stopped = false;
    this.#notBefore = Number.NEGATIVE_INFINITY;
  }
}

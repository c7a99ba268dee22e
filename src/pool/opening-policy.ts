/** Decides whether an endpoint that keeps failing is worth another attempt; see `resilience/circuit-breaker.ts`. */
export interface Breaker {
  readonly state: 'closed' | 'open' | 'half-open';
  /** Told at every change of state. */
  onChange: () => void;
  /** How long until an attempt may be made, in milliseconds: 0 for now, `Infinity` while the one probe is under way. */
  wait(now: number): number;
  attempted(now: number): void;
  succeeded(now: number): void;
  failed(now: number): void;
}

/**
 * When the pool may open a connection again after it could not, and whether it keeps its minimum.
 *
 *     allowed ──failure──▶ waiting (backoff; after several, the breaker) ──time──▶ allowed
 *
 *     kept ──failure for good──▶ stopped ──somebody asks──▶ kept
 */
export class OpeningPolicy {
  /** Why the last attempt failed; undefined when it succeeded. */
  lastError: unknown;
  readonly #backoff: (failures: number) => number;
  readonly #breaker: Breaker;
  #failures = 0;
  #stopped = false;
  #notBefore: number = Number.NEGATIVE_INFINITY;
  /** What began before the last failure and fails as well is the same failure seen again. */
  #lastFailure: number = Number.NEGATIVE_INFINITY;

  /** @param backoff how long to wait, in milliseconds, after this many failures in a row (1 and up) */
  constructor(backoff: (failures: number) => number, breaker: Breaker) {
    this.#backoff = backoff;
    this.#breaker = breaker;
  }

  get circuit(): Breaker['state'] {
    return this.#breaker.state;
  }

  /** There is no point in keeping the minimum until somebody asks. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** How long to wait before the next attempt, in milliseconds; 0 for not at all, `Infinity` for another event. */
  wait(now: number): number {
    // The breaker's pauses take the place of the backoff while it is not closed.
    return this.#breaker.state === 'closed' ? Math.max(this.#notBefore - now, 0) : this.#breaker.wait(now);
  }

  /** How long the circuit stays open, in milliseconds; 0 when an attempt may be made or is being made. */
  openFor(now: number): number {
    return this.#breaker.state === 'open' ? this.#breaker.wait(now) : 0;
  }

  attempted(now: number): void {
    this.#breaker.attempted(now);
  }

  succeeded(now: number): void {
    this.lastError = undefined;
    this.hurry(now);
  }

  /** An endpoint that answers is alive, whatever it answers. */
  answered(now: number): void {
    this.#lastFailure = Number.NEGATIVE_INFINITY;
    this.#breaker.succeeded(now);
  }

  /** Something that worked since `began` stopped working: its socket was lost, or it does not answer any more. */
  lost(began: number, now: number): void {
    if (began < this.#lastFailure) return;
    this.#lastFailure = now;
    this.#breaker.failed(now);
  }

  /** A failure for good: trying again is pointless until somebody asks, for the minimum at least. */
  stop(error: unknown): void {
    this.lastError = error;
    this.#stopped = true;
  }

  /**
   * @param isAnswer the endpoint is alive, and said no
   * @param began when the attempt began
   * @returns how long to wait now
   */
  failed(error: unknown, isAnswer: boolean, began: number, now: number): number {
    this.lastError = error;
    // Attempts that ran side by side are one failure, not several.
    if (began >= this.#notBefore) this.#failures++;
    if (isAnswer) this.answered(now);
    else this.lost(began, now);
    const wait = this.#backoff(this.#failures);
    this.#notBefore = now + wait;
    return this.wait(now);
  }

  /** Somebody asks: worth another attempt even after a failure for good. */
  askedAgain(): void {
    this.#stopped = false;
  }

  /** The next attempt may be made at once. */
  hurry(now: number): void {
    this.#failures = 0;
    this.#notBefore = Number.NEGATIVE_INFINITY;
    this.answered(now);
  }
}

/** Settings of a retry budget. */
export interface RetryBudgetSettings {
  /** What one success adds: the share of calls that may be repeated. */
  readonly share: number;
  /** What each second adds. */
  readonly perSecond: number;
  /** The balance at the start. */
  readonly reserve: number;
  /** The largest balance. */
  readonly most: number;
}

/**
 * Limits how many calls the pool repeats when a server cannot keep up. Each repetition takes 1; each success adds a
 * share of 1, and so does time. While a server works, single failures are repeated. In an overload nothing succeeds,
 * the balance is soon used up, and each call is made once: repetitions would add to the load.
 *
 * The balance has a maximum, so that a long healthy time does not pay for a storm of repetitions. After the throttling
 * of gRPC ("Retry Throttling" in gRFC A6: tokens that failures take and successes give back in part) and the
 * RetryBudget of Finagle (20 % of the requests, and some each second).
 */
export class RetryBudget {
  readonly #settings: RetryBudgetSettings;
  readonly #now: () => number;
  #balance: number;
  #at: number;

  /** @param now the present time on a monotonic clock, in milliseconds */
  constructor(settings: RetryBudgetSettings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
    this.#balance = settings.reserve;
    this.#at = now();
  }

  /** Adds for a call that succeeded. */
  succeeded(): void {
    this.#add(this.#settings.share);
  }

  /** Takes one repetition; false when there is none. */
  take(): boolean {
    const now = this.#now();
    this.#add((Math.max(0, now - this.#at) / 1000) * this.#settings.perSecond);
    this.#at = now;
    // Rounding: a sum of shares may fall short of a whole number.
    if (this.#balance < 1 - 1e-9) return false;
    this.#balance -= 1;
    return true;
  }

  #add(amount: number): void {
    this.#balance = Math.min(this.#balance + amount, this.#settings.most);
  }
}

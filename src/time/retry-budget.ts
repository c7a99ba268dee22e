/** What a retry budget goes by. */
export interface RetryBudgetSettings {
  /** What one success adds: the share of calls that may be made again. */
  readonly share: number;
  /** What time adds, a second. */
  readonly perSecond: number;
  /** What there is at the start, before the first success. */
  readonly reserve: number;
  /** The most that is saved. */
  readonly most: number;
}

/**
 * How many failed calls of a pool may be made again, when they failed because a server cannot keep up. Each repetition
 * takes 1; each success adds a share of 1, and so does time. While a server serves, single failures are made good by
 * repeating them. In a brown-out nothing succeeds, the balance is soon used up, and each call is made once: repetitions
 * would add to the load that is the illness.
 *
 * The balance has a maximum, so that a long time of health does not pay for a storm. After the throttling of gRPC ("Retry
 * Throttling" in gRFC A6: tokens that failures take and successes give back in part) and the RetryBudget of Finagle (20 % of
 * the requests, and some each second).
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

  /** A call succeeded. */
  succeeded(): void {
    this.#add(this.#settings.share);
  }

  /** Takes one repetition; false when there is none. */
  take(): boolean {
    const now = this.#now();
    this.#add((Math.max(0, now - this.#at) / 1000) * this.#settings.perSecond);
    this.#at = now;
    // A sum of shares may miss a whole number by a rounding error.
    if (this.#balance < 1 - 1e-9) return false;
    this.#balance -= 1;
    return true;
  }

  #add(amount: number): void {
    this.#balance = Math.min(this.#balance + amount, this.#settings.most);
  }
}

/** Sums of fractions may fall this much short of a whole number. */
const rounding = 1e-6;

/**
 * Limits a rate: a bucket holds up to `burst` tokens, each operation takes one, and time refills it continuously. There
 * is no window that begins anew at a fixed instant, at whose edge twice the burst could pass.
 *
 * Times are milliseconds of a monotonic clock, and given by the caller, who asks several buckets at one instant.
 */
export class TokenBucket {
  #rate: number;
  #burst: number;
  /** The tokens at the instant `#at`. Only what takes or gives writes both: reading adds up no rounding. */
  #tokens: number;
  #at: number;

  /**
   * It begins full.
   *
   * @param rate tokens per second, more than 0
   * @param burst the most tokens it holds, at least 1
   */
  constructor(rate: number, burst: number, now: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** The tokens it holds; below 1 nobody can take one. */
  tokens(now: number): number {
    return Math.min(this.#burst, this.#tokens + (Math.max(0, now - this.#at) / 1000) * this.#rate);
  }

  /** After how many whole milliseconds a token can be taken; 0 now. */
  retryAfter(now: number): number {
    const missing = 1 - rounding - this.tokens(now);
    return missing <= 0 ? 0 : Math.ceil((missing * 1000) / this.#rate);
  }

  /** Takes a token: ask {@link retryAfter} first. */
  take(now: number): void {
    this.#set(this.tokens(now) - 1, now);
  }

  /** Gives a token back that was taken for an operation that never ran. */
  giveBack(now: number): void {
    this.#set(this.tokens(now) + 1, now);
  }

  /** Goes on at another rate. What it holds stays, up to the new burst. */
  change(rate: number, burst: number, now: number): void {
    const tokens = this.tokens(now);
    this.#rate = rate;
    this.#burst = burst;
    this.#set(tokens, now);
  }

  #set(tokens: number, now: number): void {
    this.#tokens = Math.min(this.#burst, tokens);
    this.#at = Math.max(this.#at, now);
  }
}

/** How the pauses between attempts grow. Durations in milliseconds. */
export interface BackoffSettings {
  readonly initialBackoff: number;
  readonly maxBackoff: number;
  readonly multiplier: number;
}

/**
 * Exponential backoff with full jitter: a random pause from zero to a bound that grows with each failure, so that
 * clients that failed together do not retry together (Brooker, "Exponential Backoff And Jitter", 2015).
 *
 * @param random from 0 (inclusive) to 1
 * @returns the pause, in milliseconds, after this many failures in a row (1 and up)
 */
export function fullJitterBackoff(settings: BackoffSettings, random: () => number): (failures: number) => number {
  const { initialBackoff, maxBackoff, multiplier } = settings;
  // Zero times an overflowing power would be NaN.
  if (initialBackoff === 0) return () => 0;
  return (failures) => random() * Math.min(maxBackoff, initialBackoff * multiplier ** (failures - 1));
}

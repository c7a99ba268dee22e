/** How pauses between attempts grow. Durations in milliseconds. */
export interface BackoffSettings {
  readonly initialBackoff: number;
  readonly maxBackoff: number;
  readonly multiplier: number;
}

/**
 * Exponential backoff with full jitter: a pause drawn evenly from zero to a bound that grows with each failure, so that
 * many clients that failed together do not come back together (Brooker, "Exponential Backoff And Jitter", 2015).
 *
 * @param random from 0 (inclusive) to 1
 * @returns the pause, in milliseconds, after this many failures in a row (1 and up)
 */
export function fullJitterBackoff(settings: BackoffSettings, random: () => number): (failures: number) => number {
  const { initialBackoff, maxBackoff, multiplier } = settings;
  // Without it, zero times a power that is no number any more would be no number either.
  if (initialBackoff === 0) return () => 0;
  return (failures) => random() * Math.min(maxBackoff, initialBackoff * multiplier ** (failures - 1));
}

/** The least part of its load that a new or recovered endpoint gets. */
const least = 0.1;

/**
 * Which part of its load a new or recovered endpoint gets, from 0.1 to 1: it grows in a straight line while its caches
 * fill (slow start of Envoy with aggression 1).
 *
 * @param age since it became usable, in milliseconds
 * @param window until it gets all of its load, in milliseconds; 0: it gets all at once
 */
export function warm(age: number, window: number): number {
  if (window <= 0) return 1;
  return Math.min(1, Math.max(least, age / window));
}

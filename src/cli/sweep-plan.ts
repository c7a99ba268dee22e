/** Which sizes of a pool are measured, how often and for how long. */
export interface SweepPlan {
  /** In ascending order: the powers of two, and the largest. */
  readonly sizes: readonly number[];
  /** Each size is measured once in each round. */
  readonly rounds: number;
  /** How long one measurement takes, its warm-up included, in milliseconds. */
  readonly time: number;
}

/** A shorter measurement says more of chance than of the pool, in milliseconds. */
export const leastTime = 100;

const rounds = 5;

/** Sizes up to `most`; more connections than there are workers would never be used at the same time. */
export function sweepPlan(duration: number, most: number, workers: number): SweepPlan {
  const largest = Math.min(most, workers);
  const sizes: number[] = [];
  for (let size = 1; size < largest; size *= 2) sizes.push(size);
  sizes.push(largest);
  return { sizes, rounds, time: Math.floor(duration / (rounds * sizes.length)) };
}

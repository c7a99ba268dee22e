/** The sizes of the pool to measure, how often and for how long. */
export interface SweepPlan {
  /** In ascending order: the powers of two, and the largest. */
  readonly sizes: readonly number[];
  /** Each size is measured once in each round. */
  readonly rounds: number;
  /** How long one measurement takes, including its warm-up, in milliseconds. */
  readonly time: number;
}

/** The shortest measurement, in milliseconds: a shorter one would be mostly chance. */
export const leastTime = 100;

const rounds = 5;

/** Plans sizes up to `most`, but not above the number of workers, which could not use more at the same time. */
export function sweepPlan(duration: number, most: number, workers: number): SweepPlan {
  const largest = Math.min(most, workers);
  const sizes: number[] = [];
  for (let size = 1; size < largest; size *= 2) sizes.push(size);
  sizes.push(largest);
  return { sizes, rounds, time: Math.floor(duration / (rounds * sizes.length)) };
}

/** The boundaries of OpenTelemetry's histograms of durations in databases, in seconds. */
export const durationBoundaries: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** The samples of a histogram at {@link durationBoundaries}. */
export interface BucketedDurations {
  /** How many samples are in each bucket: above the boundary before, up to its own; the last one has no upper boundary. */
  readonly counts: readonly number[];
  /** Of all samples, in seconds. */
  readonly sum: number;
  readonly count: number;
}

const boundaries = durationBoundaries.map((boundary) => boundary * 1000);

/** In which bucket a duration in milliseconds is. */
export function durationBucket(duration: number): number {
  let bucket = 0;
  for (const boundary of boundaries) {
    if (duration <= boundary) break;
    bucket++;
  }
  return bucket;
}

/** Durations in the few buckets that monitoring tools read: small enough to keep one for each kind of call. */
export class DurationBuckets {
  readonly #counts: number[] = Array<number>(boundaries.length + 1).fill(0);
  #sum = 0;
  #count = 0;

  /** @param duration in milliseconds */
  record(duration: number): void {
    const bucket = durationBucket(duration);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += duration;
    this.#count++;
  }

  get read(): BucketedDurations {
    return { counts: [...this.#counts], sum: this.#sum / 1000, count: this.#count };
  }
}

import { type BucketedDurations, durationBoundaries, durationBucket } from './duration-buckets.js';
import { Histogram, type HistogramSummary } from './histogram.js';

/** A summary of one kind of duration, in milliseconds: since the pool was made, and of the last minute. */
export interface TimeSummary extends HistogramSummary {
  /** Of the last minute alone, so that the present is not hidden behind a quiet day. */
  readonly lastMinute: HistogramSummary;
}

/** In milliseconds. A summary of the last minute covers between 60 and 65 seconds. */
const sliceLength = 5_000;
const slicesInWindow = 12;

/**
 * A histogram that also covers the last minute. Samples go into a slice of five seconds. A finished slice is added to
 * the total and to the window, and removed from the window a minute later. So a sample costs one comparison more than
 * in a plain histogram, and a summary reads two histograms, not all slices. Slices turn at the next sample or reading:
 * there is no timer.
 */
export class RecentHistogram {
  /** Everything but the present slice. */
  readonly #before = new Histogram();
  /** The last minute without the present slice. */
  readonly #window = new Histogram();
  #present = new Histogram();
  /** The slices of the window, oldest first. Each is made when first needed, and reused after a minute. */
  readonly #slices: Histogram[] = [];
  /** When the present slice ends; `-Infinity` before the first sample. */
  #sliceEnds = Number.NEGATIVE_INFINITY;

  /**
   * @param duration in milliseconds; a negative one counts as 0
   * @param now the present time on a monotonic clock, in milliseconds
   */
  record(duration: number, now: number): void {
    if (now >= this.#sliceEnds) this.#begin(now);
    this.#present.record(duration);
  }

  summary(now: number): TimeSummary {
    if (now >= this.#sliceEnds) this.#begin(now);
    const { count, mean, p50, p90, p99, max } = Histogram.summaryOf(this.#before, this.#present);
    const lastMinute = Histogram.summaryOf(this.#window, this.#present);
    return { count, mean, p50, p90, p99, max, lastMinute };
  }

  /**
   * All samples at the boundaries of monitoring tools. A sample at most 6 % below a boundary may be counted above it, never
   * the other way: a duration is never shown as shorter than it was.
   */
  get buckets(): BucketedDurations {
    const counts = Array<number>(durationBoundaries.length + 1).fill(0);
    const both = [this.#before, this.#present];
    for (const histogram of both) {
      for (const { upTo, count } of histogram.buckets()) {
        const bucket = durationBucket(upTo);
        counts[bucket] = (counts[bucket] ?? 0) + count;
      }
    }
    const sum = both.reduce((all, histogram) => all + histogram.sum, 0) / 1000;
    return { counts, sum, count: this.#before.count + this.#present.count };
  }

  /** Starts the slice for the present time. */
  #begin(now: number): void {
    if (this.#sliceEnds === Number.NEGATIVE_INFINITY) {
      this.#sliceEnds = now + sliceLength;
      return;
    }
    const passed = Math.floor((now - this.#sliceEnds) / sliceLength) + 1;
    this.#sliceEnds += passed * sliceLength;
    this.#before.add(this.#present);
    // After a pause as long as the window, all its slices are empty.
    for (let step = Math.min(passed, slicesInWindow + 1); step > 0; step--) this.#turn();
  }

  /** Moves the finished slice into the window and drops the oldest one. */
  #turn(): void {
    this.#slices.push(this.#present);
    this.#window.add(this.#present);
    let next = new Histogram();
    if (this.#slices.length > slicesInWindow) {
      const oldest = this.#slices.shift();
      if (oldest !== undefined) {
        this.#window.subtract(oldest, this.#slices);
        oldest.clear();
        next = oldest;
      }
    }
    this.#present = next;
  }
}

/** The summary of a histogram, in milliseconds. All zero before the first sample. */
export interface HistogramSummary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

const linearBuckets = 32;
const bucketsPerDoubling = 16;
const bucketCount = linearBuckets + bucketsPerDoubling * 27;

/** One microsecond steps up to 32 µs, then 16 buckets for each doubling up to 71 minutes. */
function bucketOf(microseconds: number): number {
  if (microseconds < linearBuckets) return microseconds;
  const shift = 27 - Math.clz32(microseconds);
  return linearBuckets + (shift - 1) * bucketsPerDoubling + ((microseconds >>> shift) - bucketsPerDoubling);
}

/** The largest value a bucket stands for, in microseconds. */
function upperEdge(bucket: number): number {
  if (bucket < linearBuckets) return bucket;
  const shift = Math.floor((bucket - linearBuckets) / bucketsPerDoubling) + 1;
  const mantissa = ((bucket - linearBuckets) % bucketsPerDoubling) + bucketsPerDoubling;
  return (mantissa + 1) * 2 ** shift - 1;
}

/**
 * A histogram of durations with fixed buckets: recording costs a few additions, memory never grows, and a quantile is
 * at most 6 % above the true value (the log-linear layout of HdrHistogram, with 16 steps per doubling).
 */
export class Histogram {
  readonly #counts = new Float64Array(bucketCount);
  #count = 0;
  #sum = 0;
  #max = 0;

  /** Of all samples, in milliseconds. */
  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#count;
  }

  /** @param duration in milliseconds; a negative one counts as 0. */
  record(duration: number): void {
    // Fast path: most acquires do not wait.
    if (duration <= 0) {
      this.#counts[0] = (this.#counts[0] ?? 0) + 1;
      this.#count++;
      return;
    }
    const microseconds = Math.min(Math.round(duration * 1000), 0xffff_ffff);
    const bucket = bucketOf(microseconds);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#sum += duration;
    if (duration > this.#max) this.#max = duration;
  }

  /** The value, in milliseconds, that the given share (0 to 1) of the samples does not exceed; 0 without samples. */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= rank) return Math.min(upperEdge(bucket) / 1000, this.#max);
    }
    return 0;
  }

  summary(): HistogramSummary {
    return Histogram.summaryOf(this, empty);
  }

  /** The summary of two histograms together, in one pass over their buckets and without building a third. */
  static summaryOf(one: Histogram, other: Histogram): HistogramSummary {
    const count = one.#count + other.#count;
    if (count === 0) return { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
    const max = Math.max(one.#max, other.#max);
    const [half, most, nearlyAll] = [0.5 * count, 0.9 * count, 0.99 * count];
    const quantile = (bucket: number): number => Math.min(upperEdge(bucket) / 1000, max);
    let p50 = 0;
    let p90 = 0;
    let seen = 0;
    let before = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      before = seen;
      seen += (one.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0);
      if (before < half && seen >= half) p50 = quantile(bucket);
      if (before < most && seen >= most) p90 = quantile(bucket);
      if (seen >= nearlyAll) {
        return { count, mean: (one.#sum + other.#sum) / count, p50, p90, p99: quantile(bucket), max };
      }
    }
    return { count, mean: (one.#sum + other.#sum) / count, p50, p90, p99: max, max };
  }

  /** Every bucket that holds samples, from the smallest: its upper edge in milliseconds and its count. */
  *buckets(): Generator<{ upTo: number; count: number }> {
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      const count = this.#counts[bucket] ?? 0;
      if (count > 0) yield { upTo: upperEdge(bucket) / 1000, count };
    }
  }

  /** Forgets all samples. */
  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#max = 0;
  }

  /** Adds all samples of another histogram. */
  add(other: Histogram): void {
    if (other.#count === 0) return;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0);
    }
    this.#count += other.#count;
    this.#sum += other.#sum;
    if (other.#max > this.#max) this.#max = other.#max;
  }

  /** Subtracts all samples of another histogram; `left` are the histograms whose samples stay. */
  subtract(other: Histogram, left: readonly Histogram[]): void {
    if (other.#count === 0) return;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) - (other.#counts[bucket] ?? 0);
    }
    this.#count -= other.#count;
    // Summed anew, since repeated subtraction would drift.
    this.#sum = 0;
    this.#max = 0;
    for (const histogram of left) {
      this.#sum += histogram.#sum;
      if (histogram.#max > this.#max) this.#max = histogram.#max;
    }
  }
}

const empty = new Histogram();

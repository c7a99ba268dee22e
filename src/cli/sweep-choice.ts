/** The results of one size of the pool, by round. Times are in milliseconds. */
export interface SizeMeasured {
  readonly size: number;
  /** Operations per second that succeeded, round by round. */
  readonly throughput: readonly number[];
  /** The latency at p99, round by round. */
  readonly p99: readonly number[];
}

/** A mean with its 95 % confidence interval. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** A size compared with the one of the highest throughput. */
export interface SizeJudged {
  readonly size: number;
  readonly throughput: Interval;
  /** Its throughput in percent of the best size in the same round; exactly 100 for the best. */
  readonly ofBest: Interval;
  /** The median of the rounds. */
  readonly p99: number;
  /** `enough`: certainly enough; `too-few`: certainly less; `uncertain`: too few rounds to tell. */
  readonly verdict: 'enough' | 'too-few' | 'uncertain';
}

export interface Choice {
  readonly sizes: readonly SizeJudged[];
  readonly best: number;
  /** The smallest size that is certainly enough. */
  readonly recommended: number;
  /** Smaller sizes that may be enough too, above those that certainly are not. */
  readonly undecided: readonly number[];
  /** Whether the recommended size is the largest measured, so that a larger one may be better. */
  readonly atLimit: boolean;
}

/**
 * A size is enough when it has this much of the best throughput, in percent. More connections cost more and gain
 * little.
 */
export const enoughOfBest = 95;

/**
 * Finds the knee: the smallest size that certainly has 95 % of the best throughput. Sizes are compared round by round,
 * so that other work on the machine, which slows a whole round, does not count against one of them.
 */
export function chooseSize(measured: readonly SizeMeasured[]): Choice {
  const best = measured.reduce((one, other) => (mean(other.throughput) > mean(one.throughput) ? other : one));
  const sizes = measured.map((size) => judge(size, best)).sort((one, other) => one.size - other.size);
  // The best size is always enough, so there is always one.
  const recommended = sizes.find(({ verdict }) => verdict === 'enough')?.size ?? best.size;
  // A size below one that is certainly too small is no candidate, whatever its own rounds show.
  const tooFew = sizes.findLast(({ size, verdict }) => size < recommended && verdict === 'too-few')?.size ?? 0;
  return {
    sizes,
    best: best.size,
    recommended,
    undecided: sizes
      .filter(({ size, verdict }) => size > tooFew && size < recommended && verdict === 'uncertain')
      .map(({ size }) => size),
    atLimit: recommended === sizes.at(-1)?.size,
  };
}

function judge(size: SizeMeasured, best: SizeMeasured): SizeJudged {
  const ofBest = shareOf(size.throughput, best.throughput);
  const isBest = size === best;
  return {
    size: size.size,
    throughput: intervalOf(size.throughput),
    ofBest: isBest ? { mean: 100, low: 100, high: 100 } : ofBest,
    p99: median(size.p99),
    verdict: isBest || ofBest.low >= enoughOfBest ? 'enough' : ofBest.high < enoughOfBest ? 'too-few' : 'uncertain',
  };
}

/**
 * The throughput of one in percent of the other's, compared round by round. A mean of ratios is taken of their
 * logarithms, so that half as much in one round and twice as much in another cancel out.
 */
function shareOf(one: readonly number[], other: readonly number[]): Interval {
  // Zero has no logarithm, so it is replaced by one operation in a thousand seconds.
  const least = 0.001;
  const { mean, low, high } = intervalOf(
    one.map((throughput, round) => Math.log(Math.max(throughput, least) / Math.max(other[round] ?? 0, least))),
  );
  return { mean: 100 * Math.exp(mean), low: 100 * Math.exp(low), high: 100 * Math.exp(high) };
}

/** Student's t for 95 % on both sides, by the degrees of freedom from 1. */
const t95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/** The mean of samples, with its 95 % confidence interval. */
export function intervalOf(samples: readonly number[]): Interval {
  const middle = mean(samples);
  const freedom = samples.length - 1;
  if (freedom < 1) return { mean: middle, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const variance = samples.reduce((sum, sample) => sum + (sample - middle) ** 2, 0) / freedom;
  // For more samples the last value is a little too wide, never too narrow.
  const t = t95[Math.min(freedom, t95.length) - 1] ?? Number.POSITIVE_INFINITY;
  const margin = t * Math.sqrt(variance / samples.length);
  return { mean: middle, low: middle - margin, high: middle + margin };
}

function mean(samples: readonly number[]): number {
  return samples.reduce((sum, sample) => sum + sample, 0) / Math.max(1, samples.length);
}

function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

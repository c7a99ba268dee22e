/** What one size of the pool did, in each round. Times are in milliseconds. */
export interface SizeMeasured {
  readonly size: number;
  /** Operations per second that succeeded, round by round. */
  readonly throughput: readonly number[];
  /** The latency at p99, round by round. */
  readonly p99: readonly number[];
}

/** A mean, and between what it lies with 95 % confidence. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** A size beside the one with the most throughput. */
export interface SizeJudged {
  readonly size: number;
  readonly throughput: Interval;
  /** Its throughput in percent of that of the best size in the same round; exactly 100 for the best. */
  readonly ofBest: Interval;
  /** The median of the rounds. */
  readonly p99: number;
  /** `enough`: certainly so much as it takes; `too-few`: certainly less; else it cannot be told from so few rounds. */
  readonly verdict: 'enough' | 'too-few' | 'uncertain';
}

export interface Choice {
  readonly sizes: readonly SizeJudged[];
  readonly best: number;
  /** The smallest size that is certainly enough. */
  readonly recommended: number;
  /** Smaller sizes that may be enough as well, above those that certainly are not. */
  readonly undecided: readonly number[];
  /** No larger size was measured than the one recommended, so a larger one may be better. */
  readonly atLimit: boolean;
}

/** A size is enough when it has so much of the best throughput, in percent. More connections than that cost, and gain little. */
export const enoughOfBest = 95;

/**
 * Finds the knee: the smallest size that certainly has 95 % of the best throughput. Sizes are compared round by round,
 * so that what slows a whole round down, as other work on the machine does, does not count against one of them.
 */
export function chooseSize(measured: readonly SizeMeasured[]): Choice {
  const best = measured.reduce((one, other) => (mean(other.throughput) > mean(one.throughput) ? other : one));
  const sizes = measured.map((size) => judge(size, best)).sort((one, other) => one.size - other.size);
  // The best is enough by its own measure, so there is always one.
  const recommended = sizes.find(({ verdict }) => verdict === 'enough')?.size ?? best.size;
  // A size below one that is certainly too small is no candidate, however its own rounds went.
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
 * How much of the other's throughput one has, in percent, compared round by round. The mean is one of ratios, so it is
 * taken of their logarithms: half as much in one round and twice as much in another are as much.
 */
function shareOf(one: readonly number[], other: readonly number[]): Interval {
  // Nothing at all has no logarithm; one operation in a thousand seconds is next to nothing.
  const least = 0.001;
  const { mean, low, high } = intervalOf(
    one.map((throughput, round) => Math.log(Math.max(throughput, least) / Math.max(other[round] ?? 0, least))),
  );
  return { mean: 100 * Math.exp(mean), low: 100 * Math.exp(low), high: 100 * Math.exp(high) };
}

/** Student's t for 95 % on both sides, by the degrees of freedom from 1. */
const t95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/** The mean of samples, with the interval in which it lies with 95 % confidence. */
export function intervalOf(samples: readonly number[]): Interval {
  const middle = mean(samples);
  const freedom = samples.length - 1;
  if (freedom < 1) return { mean: middle, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const variance = samples.reduce((sum, sample) => sum + (sample - middle) ** 2, 0) / freedom;
  // For more samples the last one is a little too wide, never too narrow.
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

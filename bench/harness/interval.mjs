/** @param {readonly number[]} values */
export function median(values) {
  return quantileOf([...values].sort(ascending), 0.5);
}

/**
 * The median of paired samples, and between which two of them the true one lies with a probability of 95 % or more: the
 * sign test's interval, which assumes nothing of how the samples are distributed.
 *
 * @param {readonly number[]} values
 * @returns {{ median: number, low: number, high: number }}
 */
export function medianInterval(values) {
  const sorted = [...values].sort(ascending);
  const rank = signTestRank(sorted.length);
  return {
    median: quantileOf(sorted, 0.5),
    low: sorted[rank] ?? Number.NaN,
    high: sorted[sorted.length - 1 - rank] ?? Number.NaN,
  };
}

/**
 * How many samples may be left out at each end: the most for which fewer than 2.5 % of all fair coins, thrown once a
 * sample, fall on one side so seldom.
 *
 * @param {number} count
 */
export function signTestRank(count) {
  let rank = 0;
  let probability = 0.5 ** count;
  for (let seldom = probability; seldom <= 0.025; rank++) {
    probability *= (count - rank) / (rank + 1);
    seldom += probability;
  }
  return Math.max(0, rank - 1);
}

/**
 * @param {readonly number[]} sorted
 * @param {number} share
 */
function quantileOf(sorted, share) {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return (below + above) / 2;
}

/**
 * @param {number} one
 * @param {number} other
 */
function ascending(one, other) {
  return one - other;
}

import type { Histogram } from '../pool/histogram.js';

/** How many samples were at most `upTo` milliseconds and above the step before. */
export interface Step {
  readonly upTo: number;
  readonly count: number;
}

const mostSteps = 6;

/**
 * A histogram in at most six steps: 1, 2, 5, 10, 20 and so on. They begin where more than 1 % of the samples are;
 * longer samples go into one last step up to the maximum.
 */
export function distribution(histogram: Histogram): Step[] {
  const { count, max } = histogram.summary();
  if (count === 0) return [];
  const steps = new Map<number, number>();
  const first = edgeAbove(histogram.quantile(0.01));
  for (const bucket of histogram.buckets()) {
    // A bucket may end above its longest sample, and beyond the last step.
    const upTo = Math.max(first, edgeAbove(Math.min(bucket.upTo, max)));
    steps.set(upTo, (steps.get(upTo) ?? 0) + bucket.count);
  }
  const edges = edgesFrom(first, edgeAbove(max));
  const rows = edges.map((upTo) => ({ upTo, count: steps.get(upTo) ?? 0 }));
  if (rows.length <= mostSteps) return rows;
  const rest = rows.slice(mostSteps - 1).reduce((sum, row) => sum + row.count, 0);
  return [...rows.slice(0, mostSteps - 1), { upTo: max, count: rest }];
}

function edgesFrom(first: number, last: number): number[] {
  const edges: number[] = [];
  for (let edge = first; edge <= last; edge = edgeAbove(edge * 1.5)) edges.push(edge);
  return edges;
}

/** The smallest of …, 0.1, 0.2, 0.5, 1, 2, 5, 10, … that is not below a duration. */
function edgeAbove(duration: number): number {
  for (let exponent = -2; ; exponent++) {
    for (const digit of [1, 2, 5]) {
      // Computed from text, so that the same edge is always the same number.
      const edge = Number(`${digit}e${exponent}`);
      if (edge >= duration) return edge;
    }
  }
}

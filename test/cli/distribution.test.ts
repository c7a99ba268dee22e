import { describe, expect, test } from 'vitest';
import { distribution } from '../../src/cli/distribution.js';
import { Histogram } from '../../src/pool/histogram.js';

function distributionOf(...durations: number[]) {
  const histogram = new Histogram();
  for (const duration of durations) histogram.record(duration);
  return distribution(histogram);
}

function times(count: number, duration: number): number[] {
  return Array.from({ length: count }, () => duration);
}

describe('a distribution', () => {
  test('is empty without samples', () => {
    expect(distributionOf()).toEqual([]);
  });

  test('counts what is at most 1, 2, 5, 10 and so on, empty steps included', () => {
    expect(distributionOf(0.9, 0.9, 1.5, 8)).toEqual([
      { upTo: 1, count: 2 },
      { upTo: 2, count: 1 },
      { upTo: 5, count: 0 },
      { upTo: 10, count: 1 },
    ]);
  });

  test('begins where more than 1 % of the samples are, with those below in its first step', () => {
    expect(distributionOf(0.1, ...times(150, 3), 4)).toEqual([{ upTo: 5, count: 152 }]);
  });

  test('has at most six steps, the last one up to the maximum', () => {
    const steps = distributionOf(0.9, 1.5, 3, 8, 15, 30, 700, 1_234);
    expect(steps).toEqual([
      { upTo: 1, count: 1 },
      { upTo: 2, count: 1 },
      { upTo: 5, count: 1 },
      { upTo: 10, count: 1 },
      { upTo: 20, count: 1 },
      { upTo: 1_234, count: 3 },
    ]);
  });

  test('counts the longest sample although its bucket ends beyond the last step', () => {
    expect(distributionOf(1.5, 1.99)).toEqual([{ upTo: 2, count: 2 }]);
  });

  test('loses no sample, however far apart they are', () => {
    const durations = [0, 0.001, 0.05, 1, 77, 4_000_000];
    expect(distributionOf(...durations).reduce((sum, { count }) => sum + count, 0)).toBe(durations.length);
  });
});

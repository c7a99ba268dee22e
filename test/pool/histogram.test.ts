import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Histogram } from '../../src/pool/histogram.js';

/** The widest bucket, as a share of the smallest value in it. */
const widest = 1 / 16;
/** Half a microsecond: samples are rounded to whole ones. */
const rounding = 0.0005;

/** Durations from under a microsecond to an hour, each order of magnitude as likely as the next. */
const duration = fc
  .tuple(fc.integer({ min: -4, max: 6 }), fc.double({ min: 1, max: 3.6, noNaN: true }))
  .map(([exponent, mantissa]) => mantissa * 10 ** exponent);

function recorded(samples: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const sample of samples) histogram.record(sample);
  return histogram;
}

describe('a quantile', () => {
  test('is never below the true one, and at most 6.25 % above it', () => {
    fc.assert(
      fc.property(
        fc.array(duration, { minLength: 1, maxLength: 300 }),
        fc.constantFrom(0, 0.5, 0.9, 0.99, 1),
        (samples, share) => {
          const sorted = samples.toSorted((one, other) => one - other);
          const truth = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
          const quantile = recorded(samples).quantile(share);
          expect(quantile).toBeGreaterThanOrEqual(truth - rounding);
          expect(quantile).toBeLessThanOrEqual((truth + rounding) * (1 + widest));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('is exact to the microsecond below 32 microseconds', () => {
    for (let microseconds = 0; microseconds < 32; microseconds++) {
      const histogram = recorded([microseconds / 1000, 1000]);
      expect(histogram.quantile(0.5)).toBeCloseTo(microseconds / 1000, 9);
    }
  });

  test('never exceeds the largest sample', () => {
    fc.assert(
      fc.property(fc.array(duration, { minLength: 1 }), (samples) => {
        expect(recorded(samples).quantile(1)).toBeLessThanOrEqual(Math.max(...samples));
      }),
    );
  });
});

test('every bucket boundary is on the right side: a value and the next microsecond never swap places', () => {
  for (let exponent = 5; exponent < 32; exponent++) {
    for (const microseconds of [2 ** exponent - 1, 2 ** exponent]) {
      const [bucket] = recorded([microseconds / 1000]).buckets();
      expect(bucket?.upTo).toBeGreaterThanOrEqual(microseconds / 1000);
      expect(bucket?.upTo).toBeLessThanOrEqual((microseconds / 1000) * (1 + widest));
    }
  }
});

test('a histogram without samples is all zeros, and nothing in it is NaN', () => {
  const empty = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
  expect(new Histogram().summary()).toEqual(empty);
  expect([...new Histogram().buckets()]).toEqual([]);
});

test('count, mean and maximum are those of the samples', () => {
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1 }), (samples) => {
      const { count, mean, max } = recorded(samples).summary();
      expect(count).toBe(samples.length);
      expect(mean).toBeCloseTo(samples.reduce((sum, sample) => sum + sample, 0) / samples.length, 6);
      expect(max).toBe(Math.max(...samples));
    }),
  );
});

test('the buckets hold every sample, in ascending order', () => {
  fc.assert(
    fc.property(fc.array(duration), (samples) => {
      const buckets = [...recorded(samples).buckets()];
      expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(samples.length);
      const edges = buckets.map(({ upTo }) => upTo);
      expect(edges).toEqual(edges.toSorted((one, other) => one - other));
      expect(new Set(edges).size).toBe(edges.length);
    }),
  );
});

test('adding a histogram is the same as recording its samples', () => {
  fc.assert(
    fc.property(fc.array(duration), fc.array(duration), (some, others) => {
      const sum = recorded(some);
      sum.add(recorded(others));
      const { mean, ...rest } = recorded([...some, ...others]).summary();
      const { mean: meanOfSum, ...restOfSum } = sum.summary();
      expect(restOfSum).toEqual(rest);
      expect(meanOfSum).toBeCloseTo(mean, 6);
    }),
  );
});

test('a duration over the range of 71 minutes counts in the last bucket, and the maximum stays true', () => {
  const twoHours = 2 * 3_600_000;
  const histogram = recorded([twoHours]);
  expect(histogram.summary()).toMatchObject({ count: 1, max: twoHours, mean: twoHours });
  expect(histogram.quantile(0.5)).toBeCloseTo(0xffff_ffff / 1000, 3);
});

test('a negative duration counts as zero, in the mean as well', () => {
  const { mean, p50, max } = recorded([-5, 1]).summary();
  expect({ mean, p50, max }).toEqual({ mean: 0.5, p50: 0, max: 1 });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DurationBuckets, durationBoundaries } from '../../src/pool/duration-buckets.js';
import { RecentHistogram } from '../../src/pool/recent-histogram.js';

/** The bucket of a duration in milliseconds, by its definition. */
const bucketOf = (duration: number): number => {
  const bucket = durationBoundaries.findIndex((boundary) => duration <= boundary * 1000);
  return bucket === -1 ? durationBoundaries.length : bucket;
};

test('a duration at a boundary is in the bucket that ends there', () => {
  const buckets = new DurationBuckets();
  for (const boundary of durationBoundaries) buckets.record(boundary * 1000);
  buckets.record(10_000.001);
  expect(buckets.read.counts).toEqual(Array(10).fill(1));
});

test('buckets hold each sample once', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 30_000, noNaN: true })), (samples) => {
      const buckets = new DurationBuckets();
      for (const sample of samples) buckets.record(sample);
      const expected = Array(10).fill(0);
      for (const sample of samples) expected[bucketOf(sample)]++;
      const { counts, sum, count } = buckets.read;
      expect({ counts, count }).toEqual({ counts: expected, count: samples.length });
      expect(sum).toBeCloseTo(samples.reduce((all, sample) => all + sample, 0) / 1000, 6);
    }),
  );
});

describe('the histogram of a pool', () => {
  test('has all samples in the buckets, whenever they came, and none in one below its own', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0, max: 30_000, noNaN: true }), fc.integer({ min: 0, max: 90_000 }))),
        (samples) => {
          const histogram = new RecentHistogram();
          let now = 0;
          for (const [sample, pause] of samples) {
            now += pause;
            histogram.record(sample, now);
          }
          const { counts, count, sum } = histogram.buckets;
          expect(count).toBe(samples.length);
          expect(counts.reduce((all, one) => all + one, 0)).toBe(samples.length);
          expect(sum).toBeCloseTo(samples.reduce((all, [sample]) => all + sample, 0) / 1000, 6);
          const atLeast = (bucket: number) => samples.filter(([sample]) => bucketOf(sample) >= bucket).length;
          const above = (bucket: number) => samples.filter(([sample]) => bucketOf(sample * 1.07) >= bucket).length;
          for (let bucket = 0; bucket < counts.length; bucket++) {
            const shown = counts.slice(bucket).reduce((all, one) => all + one, 0);
            // Samples below a microsecond are rounded to it.
            expect(shown).toBeGreaterThanOrEqual(
              atLeast(bucket) - samples.filter(([s]) => Math.abs(s - 1) < 0.001).length,
            );
            expect(shown).toBeLessThanOrEqual(above(bucket));
          }
        },
      ),
    );
  });
});

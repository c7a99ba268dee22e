import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Histogram } from '../../src/pool/histogram.js';
import { RecentHistogram } from '../../src/pool/recent-histogram.js';

interface Sample {
  readonly at: number;
  readonly value: number;
}

/** Samples in the order of their times, of which many share a slice and some lie further apart than the window. */
const samples: fc.Arbitrary<Sample[]> = fc
  .array(
    fc.record({
      pause: fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 200_000 })),
      value: fc.integer({ min: 0, max: 1_000 }),
    }),
    { maxLength: 60 },
  )
  .map((steps) => {
    let at = 1_000_000;
    return steps.map(({ pause, value }) => {
      at += pause;
      return { at, value };
    });
  });

function summaryOf(values: readonly Sample[]): object {
  const histogram = new Histogram();
  for (const { value } of values) histogram.record(value);
  return { ...histogram.summary(), mean: expect.closeTo(histogram.summary().mean, 6) };
}

function recorded(values: readonly Sample[]): RecentHistogram {
  const histogram = new RecentHistogram();
  for (const { value, at } of values) histogram.record(value, at);
  return histogram;
}

describe('a histogram with a window', () => {
  test('has every sample in its total', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 0, max: 200_000 }), (all, later) => {
        const { lastMinute: _, ...total } = recorded(all).summary((all.at(-1)?.at ?? 0) + later);
        expect(total).toEqual(summaryOf(all));
      }),
    );
  });

  test('has in its window every sample of the last 60 seconds, and none that is older than 65', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 0, max: 200_000 }), (all, later) => {
        const now = (all.at(-1)?.at ?? 0) + later;
        const { lastMinute } = recorded(all).summary(now);
        const younger = (age: number): number => all.filter(({ at }) => now - at <= age).length;
        expect(lastMinute.count).toBeGreaterThanOrEqual(younger(60_000));
        expect(lastMinute.count).toBeLessThanOrEqual(younger(65_000));
        // What is in the window are the latest samples.
        expect(lastMinute).toEqual(summaryOf(all.slice(all.length - lastMinute.count)));
      }),
    );
  });

  test('is read as often as one likes without a change', () => {
    const histogram = recorded([
      { at: 0, value: 1 },
      { at: 59_000, value: 3 },
    ]);
    expect(histogram.summary(59_000)).toEqual(histogram.summary(59_000));
    expect(histogram.summary(62_000)).toMatchObject({ count: 2, lastMinute: { count: 2 } });
    expect(histogram.summary(66_000)).toMatchObject({ count: 2, mean: 2, lastMinute: { count: 1, max: 3 } });
  });

  test('is all zeros before the first sample', () => {
    const { lastMinute, ...total } = new RecentHistogram().summary(5);
    const zero = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
    expect([total, lastMinute]).toEqual([zero, zero]);
  });

  test('takes a clock that stands still or goes back for the present slice', () => {
    const histogram = recorded([
      { at: 10_000, value: 1 },
      { at: 10_000, value: 2 },
      { at: 9_000, value: 3 },
    ]);
    expect(histogram.summary(10_000)).toMatchObject({ count: 3, lastMinute: { count: 3 } });
  });
});

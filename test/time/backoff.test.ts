import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fullJitterBackoff } from '../../src/time/backoff.js';

describe('the backoff', () => {
  test('draws each pause between zero and a bound that grows up to its limit', () => {
    const bounds = { initialBackoff: 100, maxBackoff: 1000, multiplier: 2 };
    const pauses = (random: number) => [1, 2, 3, 4, 5, 50, 5000].map(fullJitterBackoff(bounds, () => random));
    expect(pauses(0)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(pauses(1)).toEqual([100, 200, 400, 800, 1000, 1000, 1000]);
    expect(pauses(0.5)).toEqual([50, 100, 200, 400, 500, 500, 500]);
  });

  test('draws anew for each pause', () => {
    const drawn = [0.25, 0.75, 0];
    const backoff = fullJitterBackoff(
      { initialBackoff: 100, maxBackoff: 100, multiplier: 1 },
      () => drawn.shift() ?? 1,
    );
    expect([1, 1, 1, 1].map(backoff)).toEqual([25, 75, 0, 100]);
  });

  test('with whatever settings: no pause is below zero, above the limit, or longer than its bound', () => {
    const settings = fc.record({
      initialBackoff: fc.nat(60_000),
      maxBackoff: fc.nat(600_000),
      multiplier: fc.double({ min: 1, max: 10, noNaN: true }),
    });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(settings, share, fc.integer({ min: 1, max: 10_000 }), (bounds, random, failures) => {
        const pause = fullJitterBackoff(bounds, () => random)(failures);
        const longest = fullJitterBackoff(bounds, () => 1);
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThanOrEqual(Math.min(bounds.maxBackoff, longest(failures)));
        expect(longest(failures + 1), 'the bound never shrinks').toBeGreaterThanOrEqual(longest(failures));
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fairnessOf, greediest, jainIndex, mostRefused, type SessionShare } from '../../src/agents/fairness.js';

const amount = fc.oneof(
  fc.nat(1_000),
  fc.double({ min: 0, max: 1e200, noNaN: true }),
  fc.double({ min: 0, max: 1e-200, noNaN: true }),
);

describe("Jain's index", () => {
  test.each([
    [[], 1],
    [[0, 0], 1],
    [[5], 1],
    [[3, 3, 3], 1],
    [[1, 0, 0, 0], 0.25],
    [[4, 1], 25 / 34],
  ])('of %j is %d', (values, index) => {
    expect(jainIndex(values)).toBeCloseTo(index, 12);
  });

  test('is from 1 / n to 1, whatever the order and the unit', () => {
    fc.assert(
      fc.property(fc.array(amount, { minLength: 1 }), fc.integer({ min: 1, max: 1_000 }), (values, factor) => {
        const index = jainIndex(values);
        expect(index).toBeGreaterThanOrEqual(1 / values.length - 1e-9);
        expect(index).toBeLessThanOrEqual(1 + 1e-9);
        expect(jainIndex(values.toReversed())).toBeCloseTo(index, 9);
        const usual = values.map((value) => (value < 1e-100 ? 0 : value));
        expect(jainIndex(usual.map((value) => value * factor))).toBeCloseTo(jainIndex(usual), 9);
      }),
    );
  });

  test('does not overflow with many sessions and does not forget small ones', () => {
    const many = Array.from({ length: 100_000 }, () => 1e300);
    expect(jainIndex(many)).toBeCloseTo(1, 9);
    expect(jainIndex([1e-300, 1e-300])).toBe(1);
  });
});

describe('of many sessions', () => {
  const session = (name: string, busyTime: number, weight = 1, refused: SessionShare['refused'] = {}) => ({
    ...{ name, busyTime, weight, refused },
  });

  test('the greediest is the one with most time for its weight', () => {
    const sessions = [session('a', 100), session('b', 300, 4), session('c', 90, 0.5)];
    expect(greediest(sessions)?.name).toBe('c');
    expect(greediest([session('a', 5), session('b', 5)])?.name).toBe('a');
    expect(greediest([session('a', 0)])).toBeUndefined();
    expect(greediest([])).toBeUndefined();
    expect(fairnessOf([session('a', 100, 1), session('b', 200, 2), session('c', 50, 0.5)])).toBeCloseTo(1, 12);
  });

  test('the most refused is the one with most refusals by all limits together', () => {
    const sessions = [
      session('a', 0, 1, { maxOperations: 5 }),
      session('b', 0, 1, { maxConnections: 3, maxRows: 3 }),
      session('c', 900),
    ];
    expect(mostRefused(sessions)?.name).toBe('b');
    expect(mostRefused([session('c', 900)])).toBeUndefined();
  });
});

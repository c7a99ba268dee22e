import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RetryBudget } from '../../src/time/retry-budget.js';

function budget(settings: Partial<ConstructorParameters<typeof RetryBudget>[0]> = {}) {
  let now = 1_000;
  const own = new RetryBudget({ share: 0.2, perSecond: 1, reserve: 10, most: 20, ...settings }, () => now);
  return {
    succeed: (times: number): void => {
      for (let time = 0; time < times; time++) own.succeeded();
    },
    /** How many of so many repetitions are paid for. */
    take: (times: number): number => Array.from({ length: times }, () => own.take()).filter(Boolean).length,
    pass: (seconds: number): void => {
      now += seconds * 1000;
    },
  };
}

describe('a retry budget', () => {
  test('pays for its reserve before the first success, and for nothing more', () => {
    expect(budget().take(200)).toBe(10);
    expect(budget({ reserve: 0 }).take(200)).toBe(0);
  });

  test('pays for one of five calls while the others succeed', () => {
    const { succeed, take } = budget({ reserve: 0, most: 10_000 });
    succeed(1000);
    expect(take(1000)).toBe(200);
    succeed(4);
    expect(take(10)).toBe(0);
    succeed(1);
    expect(take(10)).toBe(1);
  });

  test('pays for one a second when nothing succeeds, and not for a part of one', () => {
    const { take, pass } = budget({ reserve: 0 });
    expect(take(1)).toBe(0);
    pass(0.5);
    expect(take(1)).toBe(0);
    pass(0.5);
    expect(take(2)).toBe(1);
    pass(5);
    expect(take(20)).toBe(5);
  });

  test('saves no more than its most, neither from a day of successes nor from a day of rest', () => {
    const { succeed, take, pass } = budget();
    succeed(1_000_000);
    expect(take(200)).toBe(20);
    pass(24 * 60 * 60);
    expect(take(200)).toBe(20);
  });

  test('gains nothing by a clock that goes back', () => {
    const { take, pass } = budget({ reserve: 0 });
    pass(-10);
    expect(take(1)).toBe(0);
    pass(2);
    expect(take(5)).toBe(2);
  });

  test('has paid for no more than it was given, in whatever order', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('succeed' as const), amount: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constant('take' as const), amount: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constant('pass' as const), amount: fc.integer({ min: 1, max: 20 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const own = budget();
        let given = 10;
        let paid = 0;
        for (const { kind, amount } of steps) {
          if (kind === 'take') paid += own.take(amount);
          else own[kind](amount);
          if (kind !== 'take') given += kind === 'succeed' ? amount * 0.2 : amount;
          expect(paid).toBeLessThanOrEqual(given + 1e-6);
        }
      }),
    );
  });
});

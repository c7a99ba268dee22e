import { describe, expect, test } from 'vitest';
import { RecentChanges } from '../../src/verdict/recent-changes.js';
import { readStats, times } from '../support/pool-readings.js';

/** A pool that serves ten acquires a second, each with a query of 4 ms. */
function at(second: number): ReturnType<typeof readStats> {
  const count = second * 10;
  return readStats({
    started: count,
    served: count,
    queries: count,
    transactions: { committed: count, conflicts: second } as never,
    queryTime: times({ count, mean: 4 }),
    leaseTime: times({ count, mean: 6 }),
  });
}

describe('recent changes', () => {
  test('are unknown before two notes', () => {
    const recent = new RecentChanges();
    expect(recent.over(10_000)).toBeUndefined();
    recent.note(at(0), 0);
    expect(recent.over(10_000)).toBeUndefined();
  });

  test('cover the time that was asked for, and no more than was noted', () => {
    const recent = new RecentChanges();
    for (let second = 0; second <= 300; second++) recent.note(at(second), second * 1_000);
    expect(recent.over(10_000)).toMatchObject({ duration: 10_000, served: 100, queryTime: 400, conflicts: 10 });
    expect(recent.over(60_000)).toMatchObject({ duration: 60_000, served: 600, leaseTime: 3_600, committed: 600 });
    // Kept are the last minute and a second.
    expect(recent.over(600_000)?.duration).toBeLessThanOrEqual(61_000);
    expect(recent.over(10_000)?.usualQueryTime).toBeCloseTo(4, 6);
  });

  test('of a first moment are shorter than asked for', () => {
    const recent = new RecentChanges();
    recent.note(at(0), 0);
    recent.note(at(1), 500);
    expect(recent.over(10_000)).toMatchObject({ duration: 500, served: 10, usualQueryTime: undefined });
  });

  test('forget what was noted before a pause without readers', () => {
    const recent = new RecentChanges();
    for (let second = 0; second < 10; second++) recent.note(at(second), second * 1_000);
    recent.note(at(10), 500_000);
    expect(recent.over(10_000)).toBeUndefined();
    recent.note(at(11), 501_000);
    expect(recent.over(10_000)).toMatchObject({ duration: 1_000, served: 10 });
  });
});

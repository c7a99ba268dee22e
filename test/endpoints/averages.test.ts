import { describe, expect, test } from 'vitest';
import { PeakEwma } from '../../src/endpoints/peak-ewma.js';
import { warm } from '../../src/endpoints/slow-start.js';
import { SuccessRate } from '../../src/endpoints/success-rate.js';

describe('the latency of an endpoint', () => {
  test('rises at once and falls by the time that passes', () => {
    const latency = new PeakEwma();
    latency.observe(10, 0);
    expect(latency.cost).toBe(10);
    latency.observe(100, 1);
    expect(latency.cost).toBe(100);
    latency.observe(10, 10_001);
    expect(latency.cost).toBeCloseTo(10 + 90 / Math.E);
    expect(latency.speed).toBeCloseTo(1 / latency.cost);
  });

  test('stays while nothing is observed', () => {
    const latency = new PeakEwma();
    latency.observe(10, 0);
    expect([latency.isDue(30_000), latency.isDue(30_001), latency.isDue(1e9), latency.cost]).toEqual([
      false,
      true,
      true,
      10,
    ]);
    latency.tried(30_001);
    expect([latency.isDue(30_002), latency.isOnTrial(30_002), latency.isDue(40_002)]).toEqual([false, false, true]);
  });

  test('is unknown at first and after it was forgotten, and then on trial for 10 s', () => {
    const latency = new PeakEwma();
    for (const start of [0, 100_000]) {
      expect([latency.isUnknown, latency.cost, latency.speed, latency.isDue(start)]).toEqual([true, 0, 0, true]);
      latency.tried(start);
      expect([latency.isOnTrial(start + 10_000), latency.isOnTrial(start + 10_001)]).toEqual([true, false]);
      latency.observe(3, start);
      expect([latency.isUnknown, latency.isOnTrial(start)]).toEqual([false, false]);
      latency.forget();
    }
  });

  test('is never endless, and no number', () => {
    const latency = new PeakEwma();
    for (const odd of [0, -5, Number.NaN]) latency.observe(odd, 0);
    expect([latency.isUnknown, latency.cost, latency.speed]).toEqual([false, 0, 1000]);
    latency.observe(5, -100);
    expect(latency.cost).toBe(5);
  });
});

describe('the part that succeeds', () => {
  test('counts each attempt, also those of the same moment', () => {
    const rate = new SuccessRate();
    expect(rate.average).toBe(1);
    for (let attempt = 0; attempt < 100; attempt++) rate.observe(attempt % 4 === 0, 0);
    expect(rate.average).toBeCloseTo(26 / 101);
  });

  test('forgets what is long ago', () => {
    const rate = new SuccessRate();
    for (let attempt = 0; attempt < 10; attempt++) rate.observe(false, 0);
    rate.observe(true, 300_000);
    expect(rate.average).toBeGreaterThan(0.99);
  });
});

test('a new endpoint warms from a tenth of its load to all of it', () => {
  expect([0, 3000, 15_000, 30_000, 60_000].map((age) => warm(age, 30_000))).toEqual([0.1, 0.1, 0.5, 1, 1]);
  expect(warm(0, 0)).toBe(1);
});

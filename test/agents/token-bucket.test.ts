import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TokenBucket } from '../../src/agents/token-bucket.js';

/** Takes a token if there is one. */
function tryTake(bucket: TokenBucket, now: number): boolean {
  if (bucket.retryAfter(now) > 0) return false;
  bucket.take(now);
  return true;
}

/** Exact, in whole numbers: a token has 1,000 parts times the divisor of the rate, and so many come each millisecond. */
class Model {
  readonly unit: bigint;
  parts: bigint;
  at = 0n;
  perMs: bigint;
  burst: bigint;

  constructor(rate: number, burst: number, tenths = 10) {
    this.unit = BigInt(1000 * tenths);
    this.perMs = BigInt(Math.round(rate * tenths));
    this.burst = BigInt(burst);
    this.parts = this.burst * this.unit;
  }

  pass(now: number): void {
    const parts = this.parts + (BigInt(now) - this.at) * this.perMs;
    this.at = BigInt(now);
    this.parts = parts > this.burst * this.unit ? this.burst * this.unit : parts;
  }

  get retryAfter(): number {
    const missing = this.unit - this.parts;
    return missing <= 0n ? 0 : Number((missing + this.perMs - 1n) / this.perMs);
  }
}

const tenth = fc.integer({ min: 1, max: 5_000 }).map((tenths) => tenths / 10);
const burst = fc.integer({ min: 1, max: 20 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('take' as const), pause: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), pause: fc.nat(20_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('giveBack' as const), pause: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('change' as const), pause: fc.nat(50), rate: tenth, burst }) },
);

describe('a token bucket', () => {
  test('admits exactly what exact arithmetic admits, and says exactly when the next one is', () => {
    fc.assert(
      fc.property(tenth, burst, fc.array(step, { maxLength: 200 }), (rate, most, steps) => {
        let now = 0;
        const bucket = new TokenBucket(rate, most, now);
        const model = new Model(rate, most);
        for (const next of steps) {
          now += next.pause;
          model.pass(now);
          expect(bucket.retryAfter(now)).toBe(model.retryAfter);
          if (next.kind === 'take' && tryTake(bucket, now)) model.parts -= model.unit;
          if (next.kind === 'giveBack') {
            bucket.giveBack(now);
            model.parts += model.unit;
          }
          if (next.kind === 'change') {
            bucket.change(next.rate, next.burst, now);
            model.perMs = BigInt(Math.round(next.rate * 10));
            model.burst = BigInt(next.burst);
          }
          model.pass(now);
          expect(bucket.tokens(now)).toBeCloseTo(Number(model.parts) / Number(model.unit), 6);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('admits no more than the burst and the rate in any stretch of time, wherever it begins', () => {
    fc.assert(
      fc.property(tenth, burst, fc.array(fc.nat(200), { maxLength: 300 }), (rate, most, pauses) => {
        const bucket = new TokenBucket(rate, most, 0);
        let now = 0;
        const admitted: number[] = [];
        for (const pause of pauses) {
          now += pause;
          while (tryTake(bucket, now)) admitted.push(now);
        }
        for (let from = 0; from < admitted.length; from += 7) {
          for (let to = from; to < admitted.length; to += 3) {
            const time = (admitted[to] ?? 0) - (admitted[from] ?? 0);
            expect(to - from + 1).toBeLessThanOrEqual(most + (rate * time) / 1000 + 1e-5);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test('who comes back when it said is admitted, a millisecond before not', () => {
    fc.assert(
      fc.property(tenth, burst, fc.nat(1_000_000_000), (rate, most, start) => {
        const bucket = new TokenBucket(rate, most, start);
        let now = start;
        for (let taken = 0; taken < most + 50; taken++) {
          const wait = bucket.retryAfter(now);
          if (wait > 0) expect(tryTake(bucket, now + wait - 1)).toBe(false);
          now += wait;
          expect(tryTake(bucket, now)).toBe(true);
        }
      }),
    );
  });

  test('does not drift, however often it is read', () => {
    const bucket = new TokenBucket(3, 2, 0);
    let admitted = 0;
    // The third of a second between two tokens is no finite number.
    for (let now = 0; now <= 1_000_000; now++) if (tryTake(bucket, now)) admitted++;
    expect(admitted).toBe(2 + 3_000);
  });

  test('gives nothing for a change of the rate there and back', () => {
    const bucket = new TokenBucket(10, 10, 0);
    for (let taken = 0; taken < 7; taken++) bucket.take(0);
    bucket.change(1_000, 1_000, 0);
    expect(bucket.tokens(0)).toBe(3);
    bucket.change(10, 10, 0);
    expect(bucket.tokens(0)).toBe(3);
    bucket.change(10, 2, 0);
    expect(bucket.tokens(0)).toBe(2);
  });
});

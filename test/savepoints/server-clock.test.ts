import { setTimeout as sleep } from 'node:timers/promises';
import { CborCodec, DateTime } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { EncodedValue } from '../../src/savepoints/encoded-value.js';
import { askTime, ServerClock } from '../../src/savepoints/server-clock.js';
import { recordedSessions } from '../support/recorded-session.js';
import { surroundings } from '../support/surroundings.js';

const open = recordedSessions(surroundings());
const encoded = (value: unknown): EncodedValue => new EncodedValue(CborCodec.DEFAULT.encode(value));
const nanoseconds = (milliseconds: number): bigint => BigInt(Math.round(milliseconds * 1e6));

describe('the clock of the server', () => {
  // The server said 1,000,000 ms, between 100 and 120 ms of this process: it is ahead by 999,880 to 999,900 ms.
  const clock = new ServerClock(encoded(new DateTime([1000n, 0n])), { from: 100, until: 120 });
  const within = (milliseconds: number): boolean =>
    clock.isWithin(nanoseconds(milliseconds), { from: 200, until: 300 });

  test('holds a time for made within a window, to within the round trip', () => {
    expect(within(1_000_080)).toBe(true);
    expect(within(1_000_200)).toBe(true);
    expect(within(1_000_079.9)).toBe(false);
    expect(within(1_000_200.1)).toBe(false);
  });

  test('holds a time for made since it was asked, and not for one to come', () => {
    const asked = performance.now();
    const own = new ServerClock(encoded(new DateTime([1000n, 0n])), { from: asked, until: asked });
    expect(own.isSince(nanoseconds(1_000_000))).toBe(true);
    expect(own.isSince(nanoseconds(1_000_000) - 1n)).toBe(false);
    expect(own.isSince(nanoseconds(1_000_000 + 3_600_000))).toBe(false);
  });

  test('refuses to guess', () => {
    for (const answer of [undefined, encoded(1), encoded('2024-01-01T00:00:00Z'), encoded(undefined)]) {
      expect(() => new ServerClock(answer, { from: 0, until: 1 })).toThrow(/did not tell its time/);
    }
  });

  test.each(['embedded', 'socket'] as const)('is asked in a transaction, before anything else (%s)', async (kind) => {
    const session = await open(kind);
    await sleep(2);
    const [before] = await session.send(askTime);
    const [earlier] = (before?.result ?? []) as [DateTime];
    await sleep(2);
    const transaction = await session.begin();
    const from = performance.now();
    const call = await session.call(`${askTime}; RETURN time::now()`, {}, transaction);
    const [asked, then] = call.answers();
    const own = new ServerClock(asked?.get('result'), { from, until: performance.now() });
    const [time, now] = [asked?.get('result')?.moment ?? 0n, then?.get('result')?.moment ?? 0n];
    expect([own.isSince(now), own.isSince(time), own.isSince(earlier.nanoseconds)]).toEqual([true, true, false]);
    expect(own.isWithin(now, { from, until: performance.now() })).toBe(true);
    expect(own.isWithin(earlier.nanoseconds, { from: from - 3_600_000, until: from })).toBe(true);
    expect(own.isWithin(now, { from: from - 3_600_000, until: from - 60_000 })).toBe(false);
    await session.cancel(transaction);
  });
});

import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { type Line, RepeatedLines } from '../../src/telemetry/repeated-lines.js';
import { type Clock, systemClock } from '../../src/time/clock.js';
import { VirtualClock } from '../support/virtual-clock.js';

function log() {
  const clock = new VirtualClock();
  const written: [number, string, object][] = [];
  const lines = new RepeatedLines(clock, ({ message, details }: Line) => written.push([clock.now(), message, details]));
  const say = (why: string, number = 0): void =>
    lines.add('refused', why, { level: 'warn', message: why, details: { number } });
  return { clock, lines, say, written, messages: () => written.map(([at, message]) => `${at} ${message}`) };
}

describe('lines of one reason', () => {
  test('are written at once, then every ten seconds with their number and the latest of their details', async () => {
    const { clock, say, written } = log();
    for (let number = 1; number <= 1000; number++) {
      say('full', number);
      await clock.advance(25);
    }
    await clock.advance(20_000);
    expect(written).toEqual([
      [0, 'full', { number: 1 }],
      [10_000, 'full (399 times in 10 s; this is the latest)', { number: 400, repeated: 399 }],
      [20_000, 'full (400 times in 10 s; this is the latest)', { number: 800, repeated: 400 }],
      [30_000, 'full (200 times in 10 s; this is the latest)', { number: 1000, repeated: 200 }],
    ]);
    expect(clock.pending).toBe(0);
  });

  test('are all accounted for: those written alone and those counted are those that came', async () => {
    const { clock, say, written } = log();
    let came = 0;
    for (const pause of [0, 1, 9_999, 1, 5_000, 30_000, 3, 3, 3, 10_000, 0, 0, 12_000]) {
      await clock.advance(pause);
      say(`reason ${came++ % 2}`);
    }
    await clock.advance(10_000);
    const told = written.reduce(
      (sum, [, , details]) => sum + ('repeated' in details ? Number(details.repeated) : 1),
      0,
    );
    expect(told).toBe(came);
  });

  test('do not hold back those of another', async () => {
    const { clock, say, messages } = log();
    say('full');
    say('full');
    await clock.advance(4_000);
    say('cut off');
    say('full');
    await clock.advance(20_000);
    expect(messages()).toEqual(['0 full', '4000 cut off', '10000 full (2 times in 10 s; this is the latest)']);
  });

  test('are written as they are when they come seldom', async () => {
    const { clock, say, messages } = log();
    say('full');
    await clock.advance(4_000);
    say('full');
    await clock.advance(60_000);
    say('full');
    expect(messages()).toEqual(['0 full', '10000 full', '64000 full']);
  });

  test('that are held back are written by flush(), and no timer is left', async () => {
    const { clock, lines, say, messages } = log();
    for (let line = 0; line < 4; line++) say('full');
    await clock.advance(2_000);
    lines.flush();
    expect(messages()).toEqual(['0 full', '2000 full (3 times in 2 s; this is the latest)']);
    expect(clock.pending).toBe(0);
    lines.flush();
    await clock.advance(20_000);
    expect(messages()).toHaveLength(2);
  });
});

test('more reasons than can be told apart share one line', async () => {
  const { clock, say, written } = log();
  for (let reason = 0; reason < 5_000; reason++) say(`reason ${reason}`);
  expect(written).toHaveLength(101);
  await clock.advance(10_000);
  expect(written.at(-1)?.[2]).toMatchObject({ repeated: 4_899 });
  await clock.advance(10_000);
  say('new');
  expect(written.at(-1)?.[1]).toBe('new');
});

test('the timer keeps no process alive, and nothing of the request in which a line was held back', () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const armed: boolean[] = [];
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now(),
    timer(_delay: number, holdsProcess: boolean) {
      armed.push(holdsProcess);
      seen.push(storage.getStore());
      return { cancel() {} };
    },
  };
  const lines = new RepeatedLines(clock, () => {});
  const line: Line = { level: 'warn', message: 'full', details: {} };
  storage.run('a request', () => {
    lines.add('refused', 'full', line);
    lines.add('refused', 'full', line);
  });
  expect({ armed, seen }).toEqual({ armed: [false], seen: [undefined] });
});

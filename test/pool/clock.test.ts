import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/time/clock.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date'] });
});
afterEach(async () => {
  // The clock forgets its reading in the next turn: it must not keep one of a faked time.
  await vi.runAllTimersAsync();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('the time', () => {
  test('stands still within one turn of the event loop, however often it is asked for', () => {
    const readings = vi.spyOn(performance, 'now');
    const first = systemClock.now();
    for (let time = 0; time < 1000; time++) expect(systemClock.now()).toBe(first);
    expect(readings).toHaveBeenCalledTimes(1);
  });

  test('goes on in the next turn', async () => {
    const first = systemClock.now();
    await vi.advanceTimersByTimeAsync(250);
    expect(systemClock.now()).toBe(first + 250);
  });

  test('asks for no turn of its own while nobody asks for the time', async () => {
    systemClock.now();
    await vi.advanceTimersByTimeAsync(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is monotonic: the time of day may jump as it likes', async () => {
    const first = systemClock.now();
    await vi.advanceTimersByTimeAsync(10);
    vi.setSystemTime(0);
    expect(systemClock.now()).toBeGreaterThanOrEqual(first);
    vi.setSystemTime(new Date('2100-01-01'));
    expect(systemClock.now()).toBeLessThan(first + 1000);
  });
});

describe('a timer', () => {
  test('fires once, not before its delay', async () => {
    const callback = vi.fn();
    systemClock.timer(100, true, callback);
    await vi.advanceTimersByTimeAsync(99);
    expect(callback).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1000);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test('does not fire once it is cancelled, and may be cancelled again and after it fired', async () => {
    const callback = vi.fn();
    const cancelled = systemClock.timer(100, true, callback);
    cancelled.cancel();
    cancelled.cancel();
    await vi.advanceTimersByTimeAsync(200);
    expect(callback).not.toHaveBeenCalled();
    const fired = systemClock.timer(1, true, callback);
    await vi.advanceTimersByTimeAsync(1);
    fired.cancel();
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test('with a delay longer than Node can count does not fire at once', async () => {
    const callback = vi.fn();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    systemClock.timer(30 * 86_400_000, true, callback).cancel();
    systemClock.timer(Number.POSITIVE_INFINITY, true, callback).cancel();
    for (const [, delay] of timers.mock.calls) expect(delay).toBe(2 ** 31 - 1);
    expect(timers).toHaveBeenCalledTimes(2);
  });

  test('with a negative delay, for a deadline that has passed already, fires as soon as it can', async () => {
    const callback = vi.fn();
    systemClock.timer(-5, true, callback);
    await vi.advanceTimersByTimeAsync(0);
    expect(callback).toHaveBeenCalledTimes(1);
  });
});

describe('the process', () => {
  test('stays alive for a timer that somebody waits for, and only for such a one', () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const held = systemClock.timer(60_000, true, () => {});
    const notHeld = systemClock.timer(60_000, false, () => {});
    expect(timers.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([true, false]);
    held.cancel();
    notHeld.cancel();
  });
});

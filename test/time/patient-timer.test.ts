import { describe, expect, test, vi } from 'vitest';
import { patientTimer } from '../../src/time/patient-timer.js';
import { VirtualClock } from '../support/virtual-clock.js';

function armed(delay: number) {
  const clock = new VirtualClock();
  const callback = vi.fn();
  return { clock, callback, timer: patientTimer(clock, delay, true, callback) };
}

describe('a patient timer', () => {
  test('calls back once, after its delay, on an event loop that turns', async () => {
    const { clock, callback } = armed(1_000);
    await clock.advance(999);
    expect(callback).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(callback).toHaveBeenCalledTimes(1);
    await clock.advance(10_000);
    expect(callback).toHaveBeenCalledTimes(1);
    expect(clock.pending).toBe(0);
  });

  test('gives a blocked event loop no more than a quarter of its time', async () => {
    const { clock, callback } = armed(1_000);
    await clock.leap(60_000);
    await clock.advance(749);
    expect(callback).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test('calls back also on a loop that is blocked again and again', async () => {
    const { clock, callback } = armed(1_000);
    for (let time = 0; time < 4; time++) await clock.leap(5_000);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test.each([0, 300, 600, 900])('is cancelled after %d of its 1000 ms, and leaves nothing', async (time) => {
    const { clock, callback, timer } = armed(1_000);
    await clock.advance(time);
    timer.cancel();
    timer.cancel();
    expect(clock.pending).toBe(0);
    await clock.advance(10_000);
    expect(callback).not.toHaveBeenCalled();
  });
});

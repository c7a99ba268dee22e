import { describe, expect, test, vi } from 'vitest';
import { Liveness } from '../../src/wire/liveness.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** A socket that was watched from time 0 on: silent for 15 s it is asked, and given 2 s to answer. */
function watched(settings = { livenessTimeout: 15_000, probeTimeout: 2_000 }) {
  const clock = new VirtualClock();
  const giveUp = vi.fn();
  const ping = vi.fn();
  const liveness = new Liveness(settings, giveUp, clock);
  liveness.watch({ ping });
  return { clock, giveUp, ping, liveness };
}

describe('a socket on which nothing arrives', () => {
  test('is asked for a sign of life, and given up when none comes', async () => {
    const { clock, giveUp, ping } = watched();
    await clock.advance(14_999);
    expect(ping).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(ping).toHaveBeenCalledTimes(1);
    await clock.advance(1_999);
    expect(giveUp).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(giveUp).toHaveBeenCalledTimes(1);
    expect(clock.pending).toBe(0);
  });

  test('is not given up when its answer comes in time', async () => {
    const { clock, giveUp, ping, liveness } = watched();
    await clock.advance(15_500);
    liveness.arrived();
    await clock.advance(14_000);
    expect(ping).toHaveBeenCalledTimes(1);
    expect(giveUp).not.toHaveBeenCalled();
  });

  test('is never asked with a time of 0', async () => {
    const { clock, ping } = watched({ livenessTimeout: 0, probeTimeout: 2_000 });
    await clock.advance(3_600_000);
    expect(ping).not.toHaveBeenCalled();
    expect(clock.pending).toBe(0);
  });

  test('is asked once more when the event loop was blocked while its answer could come', async () => {
    const { clock, giveUp, ping } = watched();
    await clock.advance(15_000);
    await clock.leap(60_000);
    expect(giveUp).not.toHaveBeenCalled();
    expect(ping).toHaveBeenCalledTimes(2);
    await clock.advance(2_000);
    expect(giveUp).toHaveBeenCalledTimes(1);
  });

  test('is no longer watched once that is stopped', async () => {
    const { clock, giveUp, liveness } = watched();
    await clock.advance(15_000);
    liveness.stop();
    await clock.advance(60_000);
    expect(giveUp).not.toHaveBeenCalled();
    expect(clock.pending).toBe(0);
  });
});

import { expect, test } from 'vitest';
import { behaving, fill } from '../support/pool-under-test.js';
import { scenario } from './ending.js';

test('scenario 24: health checks of what is idle keep no caller of a busy pool waiting, and make no connection look used', async () => {
  const { pool, clock, resources } = scenario({
    ...{ minConnections: 2, maxConnections: 6, maxConnecting: 2 },
    ...{ healthCheckInterval: 5000, idleTimeout: 20_000, probeTimeout: 1000 },
  });
  await fill(pool, 6);
  const after = (delay: number): Promise<void> => new Promise((resolve) => clock.timer(delay, true, resolve));
  let longestWait = 0;
  let mostProbed = 0;
  pool.events.subscribe('acquired', ({ waited }) => {
    longestWait = Math.max(longestWait, waited);
  });
  const end = 60_000;
  const worker = async (): Promise<void> => {
    while (clock.now() < end) {
      const lease = await pool.acquire();
      await after(90);
      lease.release();
      await after(7);
    }
  };
  resources.behave = behaving({ probe: 'slow' });
  const answering = async (): Promise<void> => {
    while (clock.now() < end) {
      mostProbed = Math.max(mostProbed, pool.statistics().validating);
      await after(300);
      while (resources.finish('probe'));
    }
  };
  const all = Promise.all([worker(), worker(), answering()]);

  await clock.advance(19_000);
  const probed = resources.begun.filter(({ step }) => step === 'probe').map(({ id }) => id);
  expect(new Set(probed).size, 'the four that nobody used').toBe(4);
  expect(probed.length, 'each of them, again and again').toBeGreaterThanOrEqual(8);
  expect(pool.statistics()).toMatchObject({ total: 6, probesFailed: 0 });
  expect(mostProbed, 'never more at once than may be opened').toBeLessThanOrEqual(2);
  await clock.advance(end - clock.now() + 500);
  await all;
  resources.behave = behaving({});
  expect(pool.statistics(), 'and goes when its idle time is over, probes or not').toMatchObject({
    total: 2,
    opened: 6,
    closed: 4,
    closedBy: { idle: 4 },
  });
  expect(longestWait).toBe(0);
});

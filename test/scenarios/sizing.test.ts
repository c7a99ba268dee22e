import { expect, test } from 'vitest';
import { behaving, fill, lent, watch } from '../support/pool-under-test.js';
import { settled, type VirtualClock } from '../support/virtual-clock.js';
import { scenario } from './ending.js';

function after(clock: VirtualClock, delay: number): Promise<void> {
  return new Promise((resolve) => clock.timer(delay, true, resolve));
}

test('scenario 1: twenty callers and a maximum of four: never more than four connections live, and everybody is served', async () => {
  const { pool, clock, resources } = scenario({ maxConnections: 4 });
  resources.behave = behaving({ open: 'slow' });
  let most = 0;
  const callers = Array.from({ length: 20 }, async () => {
    const lease = await pool.acquire();
    most = Math.max(most, resources.all.filter(({ closeCalls }) => closeCalls === 0).length);
    await after(clock, 10);
    lease.release();
  });
  await settled();
  expect(resources.opensRunning).toBe(4);
  while (resources.finish('open')) await settled();
  await clock.advance(50);
  await Promise.all(callers);
  expect(most).toBe(4);
  expect(pool.statistics()).toMatchObject({ served: 20, opened: 4, timedOut: 0 });
});

test('scenario 2: a spike of fifty jobs of 2 ms while connecting takes 150 ms is served by what comes back: the pool grows to less than seven', async () => {
  const { pool, clock, resources } = scenario({ maxConnections: 50, maxConnecting: 1 });
  await fill(pool, 5);
  resources.behave = behaving({ open: 'slow' });
  const jobs = Array.from({ length: 50 }, async () => {
    const lease = await pool.acquire();
    await after(clock, 2);
    lease.release();
  });
  await clock.advance(149);
  expect(pool.statistics(), 'served before anything new was open').toMatchObject({ served: 55, opened: 5 });
  while (resources.finish('open')) await settled();
  await Promise.all(jobs);
  expect(pool.statistics().total).toBeLessThan(7);
});

test('scenario 17: eight idle connections shrink to the minimum, one per quiet window, never below it, and never the one just used', async () => {
  const idleTimeout = 60_000;
  const { pool, clock } = scenario({ minConnections: 2, maxConnections: 8, idleTimeout });
  await fill(pool, 8);
  const closed: { connection: number; at: number }[] = [];
  pool.events.subscribe('closing', ({ connection, reason }) => {
    if (reason === 'idle') closed.push({ connection, at: clock.now() });
  });
  const used = new Set<number>();
  for (let second = 0; second < 300; second++) {
    await clock.advance(1000);
    if (second % 20 !== 0) continue;
    const [lease] = await lent(pool, 1);
    if (lease !== undefined) used.add(lease.id);
    lease?.release();
    expect(pool.statistics().total).toBeGreaterThanOrEqual(2);
  }
  expect(closed).toHaveLength(6);
  expect(closed[0]?.at).toBeGreaterThanOrEqual(idleTimeout);
  for (const [index, { at }] of closed.slice(1).entries()) {
    expect(at - (closed[index]?.at ?? at)).toBeGreaterThanOrEqual(idleTimeout / 6);
  }
  expect(used.size, 'one connection did all the work').toBe(1);
  for (const { connection } of closed) expect(used).not.toContain(connection);
});

test('scenario 21: five pauses under load cost no caller more than time, and a new generation closes the old connections at their release', async () => {
  const { pool, clock, resources } = scenario({ maxConnections: 3 });
  let stop = false;
  let failures = 0;
  const workers = Array.from({ length: 8 }, async () => {
    while (!stop) {
      try {
        const lease = await pool.acquire({ timeout: 5000 });
        await after(clock, 7);
        lease.release();
      } catch {
        failures++;
      }
    }
  });
  for (let pause = 0; pause < 5; pause++) {
    await clock.advance(100);
    pool.pause();
    const { served } = pool.statistics();
    await clock.advance(500);
    expect(pool.statistics(), 'nothing is lent meanwhile').toMatchObject({ served, waiting: 8, leased: 0 });
    pool.resume();
  }
  await clock.advance(100);
  const old = resources.all.map(({ id }) => id);
  expect(old).toHaveLength(3);
  expect(pool.statistics().leased).toBe(3);
  pool.recycleAll();
  expect(pool.statistics(), 'what is in use may finish').toMatchObject({ leased: 3 });
  await clock.advance(100);
  expect(pool.statistics().closedBy.recycled).toBe(3);
  for (const resource of resources.all) expect(resource.closed).toBe(old.includes(resource.id));
  stop = true;
  await clock.advance(100);
  await Promise.all(workers);
  expect(failures).toBe(0);
});

test('scenario 22: from ten to two and back to ten under load: never above the new maximum after the releases, and growing wakes who waits', async () => {
  const { pool, clock } = scenario({ maxConnections: 10 });
  const leases = await lent(pool, 10);
  const waiters = Array.from({ length: 12 }, () => watch(pool.acquire({ timeout: 0 })));
  pool.resize({ maxConnections: 2 });
  expect(pool.statistics(), 'nobody is thrown out').toMatchObject({ leased: 10, waiting: 12 });
  for (const lease of leases.splice(0, 8)) {
    lease.release();
    await settled();
  }
  expect(pool.statistics()).toMatchObject({ total: 2, leased: 2, waiting: 12, closedBy: { resized: 8 } });
  leases.shift()?.release();
  await settled();
  expect(pool.statistics(), 'one in, one out').toMatchObject({ total: 2, leased: 2, waiting: 11 });

  pool.resize({ maxConnections: 10 });
  await settled();
  expect(pool.statistics()).toMatchObject({ total: 10, leased: 10, waiting: 3 });
  leases.shift()?.release();
  for (let served = 0; served < waiters.length; served++) {
    await clock.advance(10);
    waiters[served]?.value?.release();
  }
  expect(waiters.map(({ state }) => state)).toEqual(waiters.map(() => 'fulfilled'));
});

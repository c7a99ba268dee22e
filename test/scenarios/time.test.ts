import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/time/clock.js';
import { fill, lent } from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';
import { scenario } from './ending.js';

afterEach(() => {
  vi.useRealTimers();
});

const minute = 60_000;
const hour = 60 * minute;

/** Numbers that fill the range from 0 to 1 evenly, one after the other. */
function evenly(count: number): () => number {
  let drawn = 0;
  return () => drawn++ / count;
}

test('scenario 14: the time of day jumps an hour back and forth and the process stands still for ten minutes: nothing dies of it, nothing lives too long, and one event tells', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const { pool, clock } = scenario({ maxConnections: 20, maxLifetime: 15 * minute, idleTimeout: 14 * minute });
  await fill(pool, 20);
  const gaps: number[] = [];
  pool.events.subscribe('gap', ({ duration }) => gaps.push(duration));

  const began = systemClock.now();
  for (const jump of [-hour, hour]) {
    vi.setSystemTime(Date.now() + jump);
    await clock.advance(minute);
    expect(Math.abs(systemClock.now() - began), 'the clock of the pool is no wall clock').toBeLessThan(hour / 2);
  }
  expect(pool.statistics()).toMatchObject({ idle: 20, closed: 0 });
  expect(gaps).toEqual([]);

  await clock.leap(10 * minute);
  await clock.advance(1000);
  expect(gaps).toHaveLength(1);
  expect(pool.statistics(), 'nothing died en masse').toMatchObject({ idle: 20, closed: 0 });
  await fill(pool, 20);
  expect(pool.statistics(), 'what stood still with the process had to prove itself').toMatchObject({
    probesPassed: 20,
    probesFailed: 0,
    opened: 20,
  });

  await clock.advance(2 * minute);
  expect(pool.statistics()).toMatchObject({ closed: 0 });
  // Fifteen minutes old, of which the process saw only five.
  await clock.advance(minute);
  expect(pool.statistics().closedBy).toMatchObject({ lifetime: 20 });
});

test.each([
  ['minutes', 30 * minute],
  ['less than a second', 900],
])(
  'scenario 15: a hundred connections born together with a lifetime of %s retire over a fifth of it, by an offset drawn once',
  async (_how, lifetime) => {
    let drawn = 0;
    const draw = evenly(100);
    const random = (): number => {
      drawn++;
      return draw();
    };
    const { pool, clock } = scenario({ maxConnections: 100, maxConnecting: 100, maxLifetime: lifetime }, { random });
    const leases = await lent(pool, 100);
    const retired: number[] = [];
    let age = 0;
    for (const share of [0.89, 0.91, 0.95, 1, 1.05, 1.09, 1.11]) {
      await clock.advance(lifetime * share - age);
      age = lifetime * share;
      // Asked by the release of all, and of those kept all are lent again.
      const { closed } = pool.statistics();
      for (const lease of leases.splice(0)) lease.release();
      await settled();
      retired.push(pool.statistics().closed - closed);
      leases.push(...(await lent(pool, pool.statistics().idle)));
    }
    expect(retired).toEqual([0, 6, 20, 25, 25, 20, 4]);
    expect(pool.statistics()).toMatchObject({ total: 0, closedBy: { lifetime: 100 } });
    expect(drawn).toBe(100);
  },
);

test('scenario 16: a connection that expires while idle is never lent on a busy pool; one that expires in use finishes and is closed then', async () => {
  const { pool, clock } = scenario({ maxConnections: 3, maxLifetime: 10_000 });
  const births = new Map<number, number>();
  pool.events.subscribe('opened', ({ connection }) => births.set(connection, clock.now()));
  const oldest: number[] = [];
  await fill(pool, 3);
  const long = await pool.acquire();
  for (let round = 0; round < 300; round++) {
    const lease = await pool.acquire();
    oldest.push(clock.now() - (births.get(lease.id) ?? Number.NaN));
    await clock.advance(87);
    lease.release();
  }
  expect(Math.max(...oldest)).toBeLessThan(10_000);
  expect(pool.statistics().closedBy.lifetime, 'they did expire').toBeGreaterThanOrEqual(2);

  expect(long.active).toBe(true);
  expect(long.resource.closeCalls, 'in use for 26 of its 10 seconds').toBe(0);
  const { resource } = long;
  long.release();
  await settled();
  expect(resource.closed).toBe(true);
});

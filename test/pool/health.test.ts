import { describe, expect, test } from 'vitest';
import { behaving, fill, lent, listen, poolUnderTest, settled, watch } from '../support/pool-under-test.js';

const checked = { healthCheckInterval: 30_000, maxConnections: 4 } as const;

describe('the health of connections that nobody uses', () => {
  test('is proven once an interval, of each of them', async () => {
    const { pool, clock, resources } = poolUnderTest(checked);
    await fill(pool, 3);
    await clock.advance(27_000);
    expect(resources.count('probe')).toBe(0);
    await clock.advance(10_000);
    expect(
      resources.begun
        .filter(({ step }) => step === 'probe')
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([1, 2, 3]);
    await clock.advance(35_000);
    expect(resources.count('probe')).toBe(6);
  });

  test('is not asked for while they are used', async () => {
    const { pool, clock, resources } = poolUnderTest({ ...checked, maxConnections: 1 });
    await fill(pool, 1);
    for (let turn = 0; turn < 60; turn++) {
      await clock.advance(2000);
      await fill(pool, 1);
    }
    expect(resources.count('probe')).toBe(0);
  });

  test('is proven at different moments of those that were opened together', async () => {
    let draw = 0;
    const { pool, clock, resources } = poolUnderTest(checked, { random: () => (draw++ % 4) / 4 });
    await fill(pool, 4);
    const seconds: number[] = [];
    for (let second = 0; second < 40; second++) {
      const before = resources.count('probe');
      await clock.advance(1000);
      if (resources.count('probe') > before) seconds.push(second);
    }
    expect(seconds.length).toBeGreaterThan(2);
  });

  test('does not make them younger: they are closed when they would have been, and lent in the same order', async () => {
    const { pool, clock, resources } = poolUnderTest({ ...checked, idleTimeout: 100_000 });
    const [older, newer] = await lent(pool, 2);
    older?.release();
    await clock.advance(5);
    newer?.release();
    await clock.advance(70_000);
    expect(resources.count('probe')).toBe(4);
    const lease = await pool.acquire();
    expect(lease.id).toBe(newer?.id);
    await clock.advance(35_000);
    expect(pool.statistics().closedBy.idle, 'the older one').toBe(1);
    lease.release();
  });

  test('is not asked for while somebody waits, and nobody waits for it: a few are probed at a time', async () => {
    const { pool, clock, resources } = poolUnderTest({ ...checked, maxConnecting: 2, probeTimeout: 60_000 });
    await fill(pool, 4);
    resources.behave = behaving({ probe: 'slow' });
    await clock.advance(36_000);
    expect(pool.statistics()).toMatchObject({ validating: 2, idle: 2 });
    const lease = watch(pool.acquire());
    await settled();
    expect(lease.state).toBe('fulfilled');
    resources.finish('probe');
    resources.finish('probe');
  });

  test('with an interval of 0 is not asked for', async () => {
    const { pool, clock, resources } = poolUnderTest({ ...checked, healthCheckInterval: 0 });
    await fill(pool, 2);
    await clock.advance(3_600_000);
    expect(resources.count('probe')).toBe(0);
  });

  test('that is bad costs the connection, and after so many in a row the pool says that it is not healthy', async () => {
    const { pool, clock, resources } = poolUnderTest({ ...checked, unhealthyThreshold: 3, probeTimeout: 100 });
    const told = listen(pool);
    await fill(pool, 4);
    resources.behave = behaving({ probe: 'never' });
    await clock.advance(34_000);
    expect(pool.statistics()).toMatchObject({ probesFailed: 4, total: 0 });
    expect({ ready: pool.readiness.ready, unanswered: pool.unanswered }).toEqual({ ready: false, unanswered: 4 });
    const changes = told.filter(({ name }) => name === 'healthChanged').map(({ event }) => event);
    expect(changes).toMatchObject([{ healthy: false, unanswered: 3, error: { code: 'ERR_POOL_DEADLINE' } }]);

    resources.behave = behaving({});
    await fill(pool, 1);
    expect({ ready: pool.readiness.ready, unanswered: pool.unanswered }).toEqual({ ready: true, unanswered: 0 });
    await settled();
    expect(told.filter(({ name }) => name === 'healthChanged').at(-1)?.event).toMatchObject({ healthy: true });
  });
});

test('probes of other identities that are answered with a refusal make nobody call the pool ill', async () => {
  const { pool, clock, resources } = poolUnderTest({ ...checked, maxConnections: 4, unhealthyThreshold: 1 });
  const leases = await Promise.all([1, 2].map(() => pool.acquire({ identity: { key: 'guest' } })));
  for (const lease of leases) lease.release();
  resources.behave = behaving({ probe: 'fatal' });
  await clock.advance(34_000);
  expect(pool.statistics()).toMatchObject({ probesFailed: 2, total: 0 });
  expect({ ready: pool.readiness.ready, unanswered: pool.unanswered }).toEqual({ ready: true, unanswered: 0 });
});

describe('a call that got no answer in time', () => {
  const settings = { maxConnections: 4, unhealthyThreshold: 3 };

  test('is told to the health at the release, as a failed probe is, and costs the connection', async () => {
    const { pool } = poolUnderTest(settings);
    const told = listen(pool);
    const leases = await lent(pool, 3);
    const seen: [unanswered: number, ready: boolean][] = [];
    for (const lease of leases) {
      lease.markForRecycling('unanswered');
      lease.release();
      seen.push([pool.unanswered, pool.readiness.ready]);
    }
    expect(seen).toEqual([
      [1, true],
      [2, true],
      [3, false],
    ]);
    await settled();
    const changes = told.filter(({ name }) => name === 'healthChanged').map(({ event }) => event);
    expect(changes).toMatchObject([
      { healthy: false, unanswered: 3, error: { message: 'a call got no answer in time' } },
    ]);
    expect(pool.statistics().closedBy.unanswered).toBe(3);
  });

  test('is no sign of the server when its caller gave it up', async () => {
    const { pool } = poolUnderTest(settings);
    for (const lease of await lent(pool, 3)) {
      lease.markForRecycling('cut-off');
      lease.release();
    }
    expect({ ready: pool.readiness.ready, unanswered: pool.unanswered }).toEqual({ ready: true, unanswered: 0 });
  });

  test('counts no more once another connection answered one later', async () => {
    const { pool, clock } = poolUnderTest(settings);
    const leases = await lent(pool, 3);
    for (const lease of leases.slice(0, 2)) {
      lease.markForRecycling('unanswered');
      lease.release();
    }
    expect(pool.unanswered).toBe(2);
    await clock.advance(1);
    leases[2]?.release();
    expect({ ready: pool.readiness.ready, unanswered: pool.unanswered }).toEqual({ ready: true, unanswered: 0 });
  });
});

describe('a lease on which nothing is asked for', () => {
  const idleReports = (told: ReturnType<typeof listen>) =>
    told.filter(({ name }) => name === 'leaseIdle').map(({ event }) => event);

  test('is told of once', async () => {
    const { pool, clock } = poolUnderTest({ idleLeaseThreshold: 5000 });
    const told = listen(pool);
    const lease = await pool.acquire({ origin: { text: 'the stack' } });
    lease.resource.idleFor = 4_000;
    await clock.advance(10_000);
    expect(idleReports(told)).toEqual([]);
    lease.resource.idleFor = 6_000;
    await clock.advance(3_000);
    expect(idleReports(told)).toMatchObject([{ connection: 1, idle: 6_000, origin: 'the stack' }]);
    lease.release();
  });

  test('is not one on which a call is under way, nor one that was lent just now on a connection idle for long', async () => {
    const { pool, clock } = poolUnderTest({ idleLeaseThreshold: 5000 });
    const told = listen(pool);
    const [busy, fresh] = await lent(pool, 2);
    if (busy !== undefined) busy.resource.idleFor = undefined;
    if (fresh !== undefined) fresh.resource.idleFor = 60_000;
    await clock.advance(4_000);
    fresh?.release();
    await clock.advance(20_000);
    expect(idleReports(told)).toEqual([]);
    busy?.release();
  });
});

test('the outage lasts from the moment at which no server is usable until one is, and is none for a pause', async () => {
  const { pool, clock, resources } = poolUnderTest({ ...checked, unhealthyThreshold: 3, probeTimeout: 100 });
  await fill(pool, 4);
  expect([pool.outage, pool.awaitsCaller]).toEqual([0, true]);
  resources.behave = behaving({ probe: 'never' });
  while (pool.readiness.ready) await clock.advance(10);
  const before = pool.outage;
  expect(before).toBeLessThanOrEqual(10);
  await clock.advance(5_000);
  expect(pool.outage).toBe(before + 5_000);
  resources.behave = behaving({});
  await fill(pool, 1);
  expect(pool.outage).toBe(0);
  pool.pause();
  await clock.advance(1_000);
  expect([pool.readiness.ready, pool.outage]).toEqual([false, 0]);
});

test('a pool that keeps connections waits for no caller to try a server again, and one that keeps none does', async () => {
  for (const [minConnections, awaits] of [
    [1, false],
    [0, true],
  ] as const) {
    const { pool, clock, resources } = poolUnderTest({ ...checked, minConnections, warmConnections: true });
    await pool.start(1);
    expect(pool.awaitsCaller).toBe(awaits);
    resources.behave = behaving({ open: 'fail' });
    pool.recycleAll();
    watch(pool.acquire({ timeout: 10 }));
    await clock.advance(100);
    expect(pool.awaitsCaller).toBe(awaits);
  }
});

import { describe, expect, test } from 'vitest';
import {
  alwaysProbed,
  behaving,
  leaseOf,
  lent,
  listen,
  poolUnderTest,
  settled,
  watch,
} from '../support/pool-under-test.js';

describe('a connection that dies as soon as it is open', () => {
  test.each([1, 20, 200])('after %i ms is opened again with a distance', async (age) => {
    const { pool, clock, resources } = poolUnderTest(
      { minConnections: 1, warmConnections: true },
      { backoff: (failures) => 100 * 2 ** failures, probeInterval: 1000 },
    );
    pool.events.subscribe('opened', ({ connection }) => {
      clock.timer(age, true, () => resources.all.find(({ id }) => id === connection)?.die(new Error('dropped')));
    });
    await pool.start(0);
    await clock.advance(10_000);
    expect(resources.opensStarted).toBeLessThanOrEqual(24);
  });
});

describe('a caller who is refused', () => {
  test.each([1, 500, 9000])('by a shutdown after %i ms is told how long it waited', async (wait) => {
    const { pool, clock } = poolUnderTest({ maxConnections: 1 });
    await lent(pool, 1);
    const waiter = watch(pool.acquire());
    await clock.advance(wait);
    void pool.shutdown(0);
    await settled();
    expect(waiter.error).toMatchObject({ waited: wait });
  });
});

describe('an opening', () => {
  test.each(['slow', 'never'] as const)('that is %s is told to its end by a shutdown', async (how) => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 1 });
    resources.behave = behaving({ open: how });
    const told = listen(pool);
    watch(pool.acquire());
    await settled();
    void pool.shutdown(0);
    await clock.advance(1000);
    const names = told.map(({ name }) => name).filter((name) => name.startsWith('open'));
    expect([names, pool.statistics().openFailed]).toEqual([['opening', 'openFailed'], 1]);
  });

  test('that is given up by recycleAll() is begun once more for each caller, not again and again', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 3, maxConnecting: 3 });
    resources.behave = behaving({ open: 'slow' });
    const caller = watch(pool.acquire());
    await settled();
    pool.recycleAll();
    await clock.advance(10);
    expect(resources.opensStarted).toBe(2);
    while (resources.finish('open'));
    await clock.advance(10);
    expect(leaseOf(caller).id).toBe(2);
  });

  test('that is slow is given up by resume(), one that is young goes on', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 2, openTimeout: 5000 });
    resources.behave = behaving({ open: 'slow' });
    const callers = [watch(pool.acquire())];
    await clock.advance(400);
    callers.push(watch(pool.acquire()));
    await clock.advance(1);
    pool.resume();
    await clock.advance(1);
    expect(resources.begun.map(({ signal }) => signal.aborted)).toEqual([true, false, false]);
  });

  test('into a black hole holds no place of maxConnecting', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 12, maxConnecting: 2, openTimeout: 5000 });
    // One of three servers behind a balancer.
    resources.behave = (step) => (step === 'open' && resources.opensStarted % 3 === 0 ? 'never' : 'ok');
    const callers = Array.from({ length: 12 }, () => watch(pool.acquire()));
    await clock.advance(4000);
    expect(callers.filter(({ state }) => state === 'fulfilled').length).toBeGreaterThanOrEqual(6);
    expect(pool.statistics().openFailed).toBe(0);
  });

  test('of a server that asks to be left alone is not tried before, though a caller waits', async () => {
    const { pool, clock, resources } = poolUnderTest({}, { probeInterval: 1000, idleProbeInterval: 60_000 });
    Object.assign(resources, { retryAfter: () => 5000 });
    resources.behave = behaving({ open: 'fail' });
    const caller = watch(pool.acquire({ timeout: 30_000 }));
    await clock.advance(4999);
    expect(resources.opensStarted).toBe(1);
    resources.behave = behaving({});
    await clock.advance(2600);
    expect(leaseOf(caller).active).toBe(true);
  });
});

describe('a release', () => {
  test.each(['idleFor', 'isClean', 'answeredAt'] as const)(
    'never throws and loses no place, though %s() does',
    async (hook) => {
      const { pool, clock, resources } = poolUnderTest({ maxConnections: 1 });
      const [lease] = await lent(pool, 1);
      resources[hook] = () => {
        throw new Error(`${hook} threw`);
      };
      lease?.markForRecycling();
      expect(() => lease?.release()).not.toThrow();
      const next = watch(pool.acquire());
      await clock.advance(1000);
      expect(leaseOf(next).id).toBe(2);
    },
  );

  test('never throws and resets the connection, though isClean() throws', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 1 });
    const [lease] = await lent(pool, 1);
    resources.isClean = () => {
      throw new Error('isClean threw');
    };
    expect(() => lease?.release()).not.toThrow();
    await clock.advance(1);
    expect(pool.statistics()).toMatchObject({ resets: 1, idle: 1 });
  });

  test.each(['recycled', 'died', 'uses'] as const)('is told before the closing it causes (%s)', async (cause) => {
    const { pool, clock } = poolUnderTest({ maxConnections: 1, recycleAfterUses: cause === 'uses' ? 1 : 0 });
    const told = listen(pool);
    const [lease] = await lent(pool, 1);
    await clock.advance(1000);
    if (cause === 'recycled') lease?.markForRecycling();
    if (cause === 'died') lease?.resource.die(new Error('gone'));
    lease?.release();
    await settled();
    const names = told.map(({ name }) => name).filter((name) => name === 'released' || name === 'closing');
    expect(names).toEqual(['released', 'closing']);
  });
});

describe('an identity whose steps never end', () => {
  test.each([1, 4, 30])('keeps callers of the own one waiting for nothing (%i callers)', async (callers) => {
    const { pool, clock, resources } = poolUnderTest({
      ...{ minConnections: 4, maxConnections: 4, maxConnecting: 2, warmConnections: true },
      ...{ openTimeout: 5000, resetTimeout: 5000 },
    });
    const open = resources.open.bind(resources);
    const change = resources.change.bind(resources);
    resources.open = (context) => (context.identity.key === 'bad' ? new Promise(() => {}) : open(context));
    resources.change = (resource, identity, signal) =>
      identity.key === 'bad' ? new Promise(() => {}) : change(resource, identity, signal);
    await pool.start(0);
    await clock.advance(10);
    for (let count = 0; count < callers; count++) watch(pool.acquire({ identity: { key: 'bad' } }));
    for (let round = 0; round < 20; round++) {
      const own = watch(pool.acquire());
      await clock.advance(1);
      leaseOf(own).release();
      await clock.advance(1000);
    }
    expect([pool.circuit, pool.readiness.ready]).toEqual(['closed', true]);
    expect(pool.statistics().closedBy['reset-failed']).toBeLessThanOrEqual(4);
  });
});

test.each([1, 3, 5])('a warm pool of %i all of whose probes fail is not ready', async (minConnections) => {
  const { pool, clock, resources } = poolUnderTest({
    ...{ minConnections, maxConnections: 5, warmConnections: true, healthCheckInterval: 1000 },
  });
  await pool.start(0);
  await settled();
  resources.behave = behaving({ probe: 'fail' });
  await clock.advance(60_000);
  expect(pool.readiness.ready).toBe(false);
});

test.each([1, 100, 900])('connections of %i ms serve, whatever fails beside them since', async (age) => {
  const { pool, clock, resources } = poolUnderTest({ maxConnections: 4 }, { backoff: () => 10 });
  const leases = await lent(pool, 2);
  // No call of theirs was answered yet.
  for (const resource of resources.all) resource.answeredAt = Number.NEGATIVE_INFINITY;
  await clock.advance(age);
  resources.behave = behaving({ open: 'fail' });
  pool.acquire({ timeout: 90 }).catch(() => {});
  await clock.advance(90);
  expect(resources.opensStarted).toBeGreaterThan(5);
  expect(pool.readiness).toEqual({ ready: true, obstacle: undefined });
  for (const lease of leases) lease.release();
});

test('a pool is not ready before it had its first connection', async () => {
  const { pool } = poolUnderTest({ maxConnections: 1 });
  expect(pool.readiness).toEqual({ ready: false, obstacle: 'no connection was made yet' });
  await lent(pool, 1);
  expect(pool.readiness.ready).toBe(true);
});

describe('warm()', () => {
  test('resolves when the minimum is open, and not before', async () => {
    const { pool, clock, resources } = poolUnderTest({ minConnections: 2, warmConnections: true });
    resources.behave = behaving({ open: 'slow' });
    await pool.start(0);
    const warmed = watch(pool.warm());
    await settled();
    resources.finish('open');
    await clock.advance(1);
    expect(warmed.state).toBe('pending');
    resources.finish('open');
    await clock.advance(1);
    expect(warmed.state).toBe('fulfilled');
  });

  test('rejects when connections cannot be had for good, and when the pool ends', async () => {
    const { pool, clock, resources } = poolUnderTest({ minConnections: 1, warmConnections: true });
    resources.behave = behaving({ open: 'fatal' });
    await pool.start(0);
    await expect(pool.warm()).rejects.toThrow('failed for good');
    resources.behave = behaving({ open: 'never' });
    const warmed = watch(pool.warm());
    await clock.advance(1);
    void pool.shutdown(0);
    await settled();
    expect(warmed.error).toMatchObject({ code: 'ERR_POOL_SHUTDOWN' });
  });
});

describe('fairness between tenants is kept', () => {
  test.each(['a release', 'a reset', 'a probe', 'an opening', 'a change'])('in the hand-over after %s', async (how) => {
    const settings = { maxConnections: 1, ...(how === 'a probe' ? alwaysProbed : {}) };
    const { pool, clock } = poolUnderTest(settings);
    const identity = how === 'a change' ? { key: 'guest' } : undefined;
    const [lease] = await lent(pool, 1);
    const served: string[] = [];
    const greedy = pool.addTenant('greedy', {});
    const light = pool.addTenant('light', {});
    const waiting = [greedy, greedy, greedy, light].map(async (tenant) => {
      const own = await pool.acquire({ identity, tenant });
      served.push(tenant.name);
      await clock.advance(100);
      if (how === 'a reset') own.resource.dirty = true;
      if (how === 'an opening') own.markForRecycling();
      own.release();
    });
    if (how === 'a reset' && lease !== undefined) lease.resource.dirty = true;
    if (how === 'an opening') lease?.markForRecycling();
    lease?.release();
    await Promise.all(waiting);
    expect(served).toEqual(['greedy', 'light', 'greedy', 'greedy']);
  });
});

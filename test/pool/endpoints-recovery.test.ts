import { describe, expect, test } from 'vitest';
import { many, placesOf, targetAt, usualEndpoint } from '../support/many-endpoints.js';
import { fill, lent, listen, settled, watch } from '../support/pool-under-test.js';

const rebalanced = { rebalanceInterval: 5000, slowStart: 30_000 } as const;
const warm = { warmConnections: true } as const;

describe('an endpoint that is out', () => {
  test('is tried again while the pool is in use, each time after a longer pause, and no caller waits for it', async () => {
    const world = many(['a', 'b'], { settings: { openTimeout: 500 } });
    await fill(world.pool, 4);
    world.at('a', { open: 'never' });
    world.lose('a');
    const waited: number[] = [];
    for (let second = 0; second < 60; second++) {
      const began = world.clock.now();
      const lease = await world.pool.acquire();
      waited.push(world.clock.now() - began);
      await world.clock.advance(500);
      lease.release();
      await world.clock.advance(500);
    }
    expect(Math.max(...waited)).toBe(0);
    expect(world.standings).toBe('out well');
    expect(world.tried('a')).toBeGreaterThan(15);
    expect(world.tried('a')).toBeLessThan(62);
  });

  test('is well again with the first connection that answers, without a caller', async () => {
    const world = many(['a', 'b']);
    await fill(world.pool, 4);
    world.at('a', { open: 'fail' });
    world.lose('a');
    await world.clock.advance(20_000);
    expect(world.standings).toBe('out well');
    world.at('a', {});
    await world.clock.advance(8000);
    expect(world.standings).toBe('well well');
    expect(world.spread[0]).toBeGreaterThan(0);
  });

  test('is not tried while the pool has nothing open and nobody asks', async () => {
    const world = many(['a', 'b']);
    await fill(world.pool, 2);
    for (const url of ['a', 'b']) world.at(url, { open: 'fail' });
    world.lose('a');
    world.lose('b');
    await world.clock.advance(60_000);
    const tries = world.tried('a') + world.tried('b');
    await world.clock.advance(60_000);
    expect(world.tried('a') + world.tried('b')).toBe(tries);
  });

  test('a full pool makes room to try it', async () => {
    const world = many(['a', 'b'], { balancing: rebalanced, settings: { maxConnections: 4 } });
    await fill(world.pool, 4);
    world.at('a', { open: 'fail' });
    world.lose('a');
    for (let second = 0; second < 30; second++) {
      const leases = await lent(world.pool, 4);
      await world.clock.advance(990);
      for (const lease of leases) lease.release();
      await world.clock.advance(10);
    }
    world.at('a', {});
    for (let second = 0; second < 45; second++) {
      const leases = await Promise.all([1, 2, 3, 4].map(() => world.pool.acquire()));
      await world.clock.advance(990);
      for (const lease of leases) lease.release();
      await world.clock.advance(10);
    }
    expect(world.standings).toBe('well well');
    expect(world.spread).toEqual([2, 2]);
  });

  test('a full pool of long leases marks one to make room, not one after the other', async () => {
    const world = many(['a', 'b'], { balancing: rebalanced, settings: { maxConnections: 8 } });
    await fill(world.pool, 8);
    world.at('a', { open: 'fail' });
    world.lose('a');
    const leases = await lent(world.pool, 8);
    expect(placesOf(leases)).toEqual({ b: 8 });
    await world.clock.advance(60_000);
    expect(leases.filter(({ markedForRecycling }) => markedForRecycling)).toHaveLength(1);
  });

  test('a busy one that asks for a long pause is tried within idleProbeInterval, and then counts', async () => {
    const world = many(['a', 'b'], { random: () => 0 });
    world.resources.pauseAsked = 3_600_000;
    world.at('a', { open: 'busy' });
    await fill(world.pool, 2);
    expect([world.standings, world.tried('a')]).toEqual(['out well', 1]);
    expect(world.report('a')).toMatchObject({ circuit: 'closed', nextProbeIn: usualEndpoint.idleProbeInterval });
    world.at('a', {});
    await world.clock.advance(10_000);
    expect(world.tried('a')).toBeLessThan(4);
    expect(world.standings).toBe('well well');
  });

  test('one that says it is shutting down, and still takes connections, is tried once in a while', async () => {
    const world = many(['a', 'b'], { settings: { maxConnections: 6 } });
    await fill(world.pool, 2);
    let failed = 0;
    for (let round = 0; round < 1000; round++) {
      const lease = await world.pool.acquire();
      if (lease.resource.url === 'a') {
        failed++;
        lease.markForRecycling('leaving');
      }
      lease.release();
      await world.clock.advance(10);
    }
    expect(failed).toBeGreaterThan(2);
    expect(failed).toBeLessThanOrEqual(14);
  });

  test('when its old connections still answer, one that is shutting down stays out', async () => {
    const world = many(['a', 'b'], { settings: { maxConnections: 6 } });
    const leases = await lent(world.pool, 4);
    const [one, other] = leases.filter(({ resource }) => resource.url === 'a');
    world.at('a', { open: 'fail' });
    one?.markForRecycling('leaving');
    one?.release();
    await world.clock.advance(900);
    expect(world.standings).toBe('out well');
    await world.clock.advance(1000);
    expect(world.standings).not.toBe('well well');
    other?.release();
  });
});

describe('a connection that gives no answer among others that do', () => {
  test('costs its endpoint one doubt, not one every second', async () => {
    const world = many(['a', 'b'], { settings: { maxConnections: 20 } });
    await fill(world.pool, 8);
    const [frozen] = world.openAt('a');
    const { ping } = world.resources;
    world.resources.ping = (resource) =>
      resource === frozen ? new Promise(() => {}) : ping.call(world.resources, resource);
    await world.clock.advance(30_000);
    expect(world.changes.filter((change) => change.startsWith('a'))).toHaveLength(2);
    expect(world.spread.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(9);
  });

  test('a frozen endpoint stays doubtful, however many connections are asked', async () => {
    const world = many(['a', 'b'], { settings: { maxConnections: 20, openTimeout: 5000 }, failureThreshold: 0 });
    await fill(world.pool, 4);
    world.at('a', { open: 'never', ping: 'never', probe: 'never' });
    for (const one of world.openAt('a')) one.answeredAt = 0;
    await world.clock.advance(2000);
    expect(world.standings).toBe('doubtful well');
    await world.clock.advance(30_000);
    expect(world.standings).toBe('doubtful well');
    expect(world.changes).toEqual(['a: well → doubtful']);
  });
});

describe('after an endpoint came back', () => {
  const returned = async (settings: object, use: boolean) => {
    const world = many(['a', 'b', 'c'], { balancing: rebalanced, settings: { maxConnections: 20, ...settings } });
    await world.pool.start(0);
    await fill(world.pool, 20);
    world.at('a', { open: 'fail' });
    world.lose('a');
    await world.clock.advance(10_000);
    await fill(world.pool, 20);
    expect(world.spread[0]).toBe(0);
    const told = listen(world.pool);
    world.at('a', {});
    const closedPerInterval: number[] = [];
    const limit = 30_000 + (20 / 3) * 5000;
    for (let time = 0; time < limit; time += 1000) {
      const before = told.length;
      const leases = use ? await lent(world.pool, 12) : [];
      await world.clock.advance(900);
      for (const lease of leases) lease.release();
      await world.clock.advance(100);
      const moved = told.slice(before).filter((one) => one.name === 'closing' && one.event.reason === 'rebalance');
      closedPerInterval.push(moved.length);
    }
    return { world, closedPerInterval };
  };

  test.each([
    ['a pool in use', { warmConnections: false }, true],
    ['a warm pool', { minConnections: 20, ...warm }, false],
    ['a pool that had more connections than its minimum', { warmConnections: false }, false],
  ])('%s gives it its share in time, one connection in an interval', async (_name, settings, use) => {
    const { world, closedPerInterval } = await returned(settings, use);
    const total = world.spread.reduce((sum, count) => sum + count);
    expect(total).toBe(20);
    expect(world.spread[0]).toBeGreaterThanOrEqual(5);
    const { length } = closedPerInterval;
    for (let from = 0; from + 4 <= length; from++) {
      expect(closedPerInterval.slice(from, from + 4).reduce((sum, count) => sum + count)).toBeLessThanOrEqual(1);
    }
  });

  test('its share grows slowly', async () => {
    const world = many(['a', 'b'], { balancing: rebalanced });
    await fill(world.pool, 4);
    world.at('a', { open: 'fail' });
    world.lose('a');
    await world.clock.advance(20_000);
    world.at('a', {});
    while (world.report('a').state !== 'well') await world.clock.advance(100);
    const shares: number[] = [];
    for (let time = 0; time < 31; time++) {
      shares.push(world.report('a').share);
      await world.clock.advance(1000);
    }
    expect(shares[0]).toBeLessThan(0.1);
    expect(shares.every((share, index) => index === 0 || share >= (shares[index - 1] ?? 0))).toBe(true);
    expect(shares.at(-1)).toBe(0.5);
  });
});

describe('moving connections', () => {
  test('rebalance() moves all at once, and as many are there as before', async () => {
    const world = many(['a'], { settings: { maxConnections: 20 } });
    await fill(world.pool, 12);
    world.pool.endpoints.add(targetAt('b'));
    expect(world.spread).toEqual([12, 0]);
    expect(world.pool.endpoints.rebalance()).toBe(6);
    await world.clock.advance(3000);
    expect(world.spread).toEqual([6, 6]);
  });

  test('rebalance() moves what is lent at its release, and ends no lease', async () => {
    const world = many(['a'], { settings: { maxConnections: 12 } });
    const leases = await lent(world.pool, 12);
    world.pool.endpoints.add(targetAt('b'));
    expect(world.pool.endpoints.rebalance()).toBe(6);
    await world.clock.advance(60_000);
    expect(leases.every(({ active }) => active)).toBe(true);
    for (const lease of leases) lease.release();
    await world.clock.advance(3000);
    expect(world.spread).toEqual([6, 6]);
  });

  test('a difference within the tolerance stays', async () => {
    const world = many(['a', 'b'], { balancing: { rebalanceInterval: 5000, tolerance: 0.5 } });
    await fill(world.pool, 6);
    world.openAt('a')[0]?.die(new Error('the socket was closed'));
    await world.clock.advance(2000);
    const before = world.spread.join();
    await world.clock.advance(60_000);
    expect(world.spread.join()).toBe(before);
  });

  test('nothing is moved for the sake of one that is not well', async () => {
    const world = many(['a', 'b'], { failureThreshold: 0, balancing: rebalanced, settings: { maxConnections: 8 } });
    await fill(world.pool, 8);
    world.at('a', { open: 'fail' });
    world.lose('a');
    await world.clock.advance(1000);
    await fill(world.pool, 7);
    const told = listen(world.pool);
    await world.clock.advance(120_000);
    expect(told.filter(({ name }) => name === 'closing')).toEqual([]);
  });

  test('nothing is moved with an interval of 0', async () => {
    const world = many(['a'], { settings: { maxConnections: 8 } });
    await fill(world.pool, 8);
    world.pool.endpoints.add(targetAt('b'));
    await world.clock.advance(120_000);
    expect(world.spread).toEqual([8, 0]);
  });

  test('the connections lent longest ago stay, the one lent last is moved', async () => {
    const world = many(['a'], { settings: { maxConnections: 4 }, balancing: rebalanced });
    const leases = [];
    for (let number = 0; number < 4; number++) {
      leases.push(await world.pool.acquire());
      await world.clock.advance(100);
    }
    world.pool.endpoints.add(targetAt('b'));
    await world.clock.advance(30_000);
    expect(leases.map(({ markedForRecycling }) => markedForRecycling)).toEqual([false, false, true, true]);
  });
});

test('endpoints come back to callers who wait for the only one that was left', async () => {
  const world = many(['a', 'b']);
  await fill(world.pool, 2);
  for (const url of ['a', 'b']) world.at(url, { open: 'fail' });
  world.lose('a');
  world.lose('b');
  const caller = watch(world.pool.acquire({ timeout: 0 }));
  await settled();
  world.at('b', {});
  await world.clock.advance(2000);
  expect(caller.state).toBe('fulfilled');
});

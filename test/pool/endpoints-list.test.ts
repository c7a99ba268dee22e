import { describe, expect, test } from 'vitest';
import { type Many, many, placeOf, placesOf, targetAt } from '../support/many-endpoints.js';
import { fill, lent, settled, watch } from '../support/pool-under-test.js';

describe('an endpoint that is added', () => {
  test('gets the next connections, and is told', async () => {
    const world = many(['a']);
    const told: string[] = [];
    world.pool.events.subscribe('endpointAdded', ({ endpoint }) => told.push(endpoint));
    await fill(world.pool, 2);
    world.pool.endpoints.add(targetAt('b'));
    const leases = await lent(world.pool, 4);
    expect([placesOf(leases), told]).toEqual([{ a: 2, b: 2 }, ['b']]);
  });

  test('serves waiters at once, when the others are down', async () => {
    const world = many(['a']);
    world.at('a', { open: 'fail' });
    const caller = watch(world.pool.acquire());
    await world.clock.advance(50);
    world.pool.endpoints.add(targetAt('b'));
    await settled();
    expect(caller.value?.resource.url).toBe('b');
  });

  test('with the address of one that is there changes its weight', async () => {
    const world = many(['a', 'b'], { settings: { maxConnections: 8 } });
    world.pool.endpoints.add(targetAt('a', { weight: 3 }));
    expect(world.pool.endpoints.reports.map(({ url, share }) => [url, share])).toEqual([
      ['a', 0.75],
      ['b', 0.25],
    ]);
  });
});

describe('an endpoint that is drained', () => {
  test('has its idle connections closed, finishes its leases, and gets nothing more', async () => {
    const world = many(['a', 'b']);
    const leases = await lent(world.pool, 6);
    for (const lease of leases.slice(0, 4)) lease.release();
    world.pool.endpoints.drain('a');
    await settled();
    const held = leases.slice(4).filter((lease) => placeOf(lease) === 'a');
    expect(world.report('a')).toMatchObject({
      state: 'draining',
      share: 0,
      connections: held.length,
      inUse: held.length,
    });
    expect(placesOf(await lent(world.pool, 4))).toEqual({ b: 4 });
    for (const lease of leases.slice(4)) lease.release();
    await settled();
    expect(world.report('a')).toMatchObject({ state: 'draining', connections: 0, inUse: 0 });
  });

  test('closes what was being opened, probed or reset there when it is ready', async () => {
    const world = many(['a', 'b'], { settings: { openTimeout: 5000, resetTimeout: 5000 } });
    const leases = await lent(world.pool, 4);
    for (const url of ['a', 'b']) world.at(url, { open: 'slow', reset: 'slow' });
    for (let caller = 0; caller < 2; caller++) void watch(world.pool.acquire());
    await settled();
    for (const lease of leases) {
      lease.resource.dirty = true;
      lease.release();
    }
    await settled();
    world.pool.endpoints.drain('a');
    while (world.resources.finish('reset') || world.resources.finish('open')) await settled();
    expect(world.report('a')).toMatchObject({ connections: 0, opening: 0 });
  });

  test('stays so when the discovery lists it, until it is added again', async () => {
    const world = many(['a', 'b']);
    world.pool.endpoints.drain('a');
    world.pool.endpoints.replace([targetAt('a'), targetAt('b')]);
    expect(world.standings).toBe('draining well');
    world.pool.endpoints.add(targetAt('a'));
    expect(world.standings).toBe('well well');
    expect(placesOf(await lent(world.pool, 4))).toEqual({ a: 2, b: 2 });
  });
});

describe('an endpoint that is taken back', () => {
  const listed = targetAt('a', { weight: 3, zone: 'eu-1', priority: 1, servername: 'surreal.internal' });
  const targetOfA = (world: Many): unknown => world.pool.endpoints.targets.find(({ url }) => url === 'a');

  test('by its address alone is what it was', () => {
    const world = many([listed, 'b']);
    world.pool.endpoints.drain('a');
    world.pool.endpoints.add(targetAt('a'), true);
    expect(targetOfA(world)).toEqual(listed);
  });

  test('with another weight is still the host of that name', () => {
    const world = many([listed, 'b']);
    world.pool.endpoints.drain('a');
    world.pool.endpoints.add(targetAt('a', { weight: 5 }));
    expect(targetOfA(world)).toEqual(targetAt('a', { weight: 5, servername: 'surreal.internal' }));
  });

  test('after it was removed is what the discovery lists, and leaves with it', async () => {
    const world = many(['b']);
    world.pool.endpoints.replace([listed, targetAt('b')]);
    await world.pool.endpoints.remove('a', undefined);
    expect(world.standings).toBe('well');
    world.pool.endpoints.add(targetAt('a'), true);
    expect(targetOfA(world)).toEqual(listed);
    world.pool.endpoints.replace([targetAt('b')]);
    await settled();
    expect(world.pool.endpoints.reports.map(({ url }) => url)).toEqual(['b']);
  });
});

describe('an endpoint that is removed', () => {
  test('leaves the list when its last connection is closed', async () => {
    const world = many(['a', 'b']);
    const leases = await lent(world.pool, 4);
    const removed = watch(world.pool.endpoints.remove('a', undefined));
    await world.clock.advance(60_000);
    expect([removed.state, world.standings]).toEqual(['pending', 'draining well']);
    for (const lease of leases) lease.release();
    await settled();
    expect([removed.state, world.standings]).toEqual(['fulfilled', 'well']);
  });

  test('leaves at once when nothing is open there', async () => {
    const world = many(['a', 'b']);
    await world.pool.endpoints.remove('a', 1000);
    expect(world.standings).toBe('well');
  });

  test('waits for an opening that hangs', async () => {
    const world = many(['a', 'b'], { random: () => 0, settings: { openTimeout: 5000 } });
    world.at('a', { open: 'never' });
    void watch(world.pool.acquire());
    await settled();
    const removed = watch(world.pool.endpoints.remove('a', undefined));
    await world.clock.advance(4999);
    expect(removed.state).toBe('pending');
    await world.clock.advance(1);
    expect(removed.state).toBe('fulfilled');
  });

  test('has its leases ended when the time is over, and the error of their holders says so', async () => {
    const world = many(['a', 'b']);
    const leases = await lent(world.pool, 3);
    const [call] = await Promise.all([world.pool.acquire({ shared: { joins: false } })]);
    const removed = watch(world.pool.endpoints.remove('a', 1000));
    await world.clock.advance(999);
    expect(leases.every(({ active }) => active)).toBe(true);
    await world.clock.advance(1);
    expect(removed.state).toBe('fulfilled');
    const ended = [...leases, call].filter((lease) => !lease.active);
    expect(ended).toHaveLength(2);
    for (const lease of ended) {
      expect(() => lease.resource).toThrow(/its server a was removed, and the time to drain it is over/);
      lease.release();
    }
    expect(world.pool.statistics().releasedTwice).toBe(0);
  });

  test('a second time with less time ends the leases earlier', async () => {
    const world = many(['a', 'b']);
    await lent(world.pool, 2);
    const first = world.pool.endpoints.remove('a', 60_000);
    expect(world.pool.endpoints.remove('a', 100)).toBe(first);
    await world.clock.advance(100);
    await first;
    expect(world.standings).toBe('well');
  });

  test('is not removed after all, when it is added again meanwhile', async () => {
    const world = many(['a', 'b']);
    const leases = await lent(world.pool, 2);
    const removed = watch(world.pool.endpoints.remove('a', 1000));
    world.pool.endpoints.add(targetAt('a'));
    await world.clock.advance(5000);
    expect([removed.state, world.standings]).toEqual(['fulfilled', 'well well']);
    expect(leases.every(({ active }) => active)).toBe(true);
  });

  test('its place in lists is taken by the next one that comes', async () => {
    const world = many(['a', 'b', 'c']);
    await fill(world.pool, 6);
    for (const [gone, next] of ['bd', 'de', 'ef'].map((pair) => [...pair] as [string, string])) {
      await world.pool.endpoints.remove(gone, undefined);
      world.pool.endpoints.add(targetAt(next));
      const leases = await lent(world.pool, 6);
      expect(placesOf(leases)).toEqual({ a: 2, c: 2, [next]: 2 });
      for (const lease of leases) lease.release();
    }
  });
});

describe('the last endpoint', () => {
  test.each(['drain', 'remove'] as const)('%s refuses it', async (how) => {
    const world = many(['a', 'b']);
    world.pool.endpoints.drain('b');
    const take = async (): Promise<void> => {
      await (how === 'drain' ? world.pool.endpoints.drain('a') : world.pool.endpoints.remove('a', 0));
    };
    await expect(take()).rejects.toThrow(/a is the only server/);
    expect(world.standings).toBe('well draining');
    await world.pool.acquire();
  });

  test('an address that is not in the list is refused, with those that are', () => {
    const world = many(['a', 'b']);
    expect(() => world.pool.endpoints.drain('x')).toThrow(/no server with this address; it has a, b/);
  });

  test('a discovery that finds nothing takes none away', async () => {
    const world = many(['a', 'b']);
    world.pool.endpoints.replace([]);
    expect(world.standings).toBe('well well');
  });

  test('a discovery that finds only what the operator drains takes away none that serves', async () => {
    const world = many(['a', 'b', 'c']);
    world.pool.endpoints.drain('a');
    world.pool.endpoints.replace([targetAt('a')]);
    expect(world.standings).toBe('draining well well');
    await world.pool.acquire();
    world.pool.endpoints.replace([targetAt('a'), targetAt('d')]);
    await settled();
    expect(world.pool.endpoints.targets.map(({ url }) => url)).toEqual(['d']);
    await world.pool.acquire();
  });

  test('a discovery that finds only what the operator removed takes away none that serves', async () => {
    const world = many(['a', 'b']);
    await world.pool.endpoints.remove('a', undefined);
    world.pool.endpoints.replace([targetAt('a')]);
    expect(world.standings).toBe('well');
    await world.pool.acquire();
  });
});

describe('what the discovery finds', () => {
  test('replaces the list: new ones come, old ones finish and go, in-use connections go on', async () => {
    const world = many(['a', 'b']);
    const leases = await lent(world.pool, 4);
    world.pool.endpoints.replace([targetAt('b', { weight: 2 }), targetAt('c')]);
    expect(world.pool.endpoints.reports.map(({ url, state, weight }) => [url, state, weight])).toEqual([
      ['a', 'draining', 1],
      ['b', 'well', 2],
      ['c', 'well', 1],
    ]);
    expect(leases.every(({ active }) => active)).toBe(true);
    for (const lease of leases) lease.release();
    await settled();
    expect(world.standings).toBe('well well');
  });

  test('takes back one that left before it was gone', async () => {
    const world = many(['a', 'b']);
    const leases = await lent(world.pool, 4);
    world.pool.endpoints.replace([targetAt('b')]);
    world.pool.endpoints.replace([targetAt('a'), targetAt('b')]);
    for (const lease of leases) lease.release();
    await settled();
    expect([world.standings, world.spread]).toEqual(['well well', [2, 2]]);
  });

  test('what the operator added stays, and what was removed stays away', async () => {
    const world = many(['a', 'b']);
    world.pool.endpoints.add(targetAt('mine'));
    await world.pool.endpoints.remove('a', undefined);
    world.pool.endpoints.replace([targetAt('a'), targetAt('c')]);
    await settled();
    expect(world.pool.endpoints.targets.map(({ url }) => url).sort()).toEqual(['c', 'mine']);
  });
});

describe('a shutdown in the middle', () => {
  test.each([0, 500])('of a removal, with %i ms of grace: both end', async (grace) => {
    const world = many(['a', 'b']);
    await lent(world.pool, 4);
    const removed = watch(world.pool.endpoints.remove('a', 60_000));
    const report = watch(world.pool.shutdown(grace));
    await world.clock.advance(grace);
    expect([removed.state, report.state]).toEqual(['fulfilled', 'fulfilled']);
    expect(world.clock.pending).toBe(0);
  });

  test('of a drain, a move and an attempt at one that is out', async () => {
    const world = many(['a', 'b', 'c'], { settings: { openTimeout: 5000 } });
    await fill(world.pool, 6);
    world.at('c', { open: 'never' });
    world.lose('c');
    await settled();
    world.pool.endpoints.drain('a');
    world.pool.endpoints.rebalance();
    const report = watch(world.pool.shutdown(0));
    await world.clock.advance(1000);
    expect(report.state).toBe('fulfilled');
  });

  test('what is said to the list afterwards does nothing, and ends', async () => {
    const world = many(['a', 'b']);
    await lent(world.pool, 2);
    const report = world.pool.shutdown(1000);
    const removed = watch(world.pool.endpoints.remove('a', 60_000));
    world.pool.endpoints.add(targetAt('c'));
    world.pool.endpoints.replace([targetAt('d')]);
    await world.clock.advance(1000);
    await report;
    expect([removed.state, world.clock.pending]).toEqual(['fulfilled', 0]);
  });
});

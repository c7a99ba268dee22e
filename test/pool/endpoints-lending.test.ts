import { describe, expect, test } from 'vitest';
import type { LoadBalancing } from '../../src/config/endpoint-options.js';
import { many, placeOf, placesOf, targetAt } from '../support/many-endpoints.js';
import { alwaysProbed, fill, leaseOf, lent, settled, watch } from '../support/pool-under-test.js';

const strategies: readonly LoadBalancing[] = ['round-robin', 'least-connections', 'random', 'health-based', 'latency'];

describe.each(strategies)('with %s', (loadBalancing) => {
  test('callers one after the other get connections of all', async () => {
    let drawn = 0;
    const random = (): number => (drawn = (drawn + 0.381966) % 1);
    const world = many(['a', 'b', 'c'], { loadBalancing, random });
    await fill(world.pool, 6);
    const counts: Record<string, number> = {};
    for (let call = 0; call < 300; call++) {
      const lease = await world.pool.acquire();
      counts[placeOf(lease)] = (counts[placeOf(lease)] ?? 0) + 1;
      lease.release();
    }
    for (const url of ['a', 'b', 'c']) expect(counts[url]).toBeGreaterThan(40);
  });

  test('a doubtful one is lent last, and nothing where it is out or drained', async () => {
    const world = many(['a', 'b', 'c', 'd'], {
      ...{ loadBalancing, settings: { maxConnections: 8 }, balancing: { panicBelow: 0 } },
    });
    await fill(world.pool, 8);
    // One is lost, so its endpoint is in doubt until an answer.
    for (const one of world.openAt('a')) one.answeredAt = 0;
    world.at('a', { open: 'never' });
    world.at('b', { open: 'fail' });
    world.openAt('a')[0]?.die(new Error('the socket was closed'));
    world.lose('b');
    world.pool.endpoints.drain('c');
    await settled();
    expect(world.report('a').state).toBe('doubtful');
    const leases = [await world.pool.acquire(), await world.pool.acquire(), await world.pool.acquire()];
    expect(leases.map(placeOf)).toEqual(['d', 'd', 'a']);
  });
});

test('after a pause, when connections must be probed first, callers still get connections of all', async () => {
  const settings = { validateOnCheckout: true, validationInterval: 1000, healthCheckInterval: 0, idleTimeout: 0 };
  const world = many(['a', 'b', 'c', 'd'], { settings, random: () => 0.4 });
  await fill(world.pool, 4);
  await world.clock.advance(1500);
  const counts: Record<string, number> = {};
  for (let call = 0; call < 200; call++) {
    const lease = await world.pool.acquire();
    counts[placeOf(lease)] = (counts[placeOf(lease)] ?? 0) + 1;
    lease.release();
  }
  for (const url of ['a', 'b', 'c', 'd']) expect(counts[url]).toBeGreaterThan(40);
});

test('within one endpoint the connection used last is lent first', async () => {
  const world = many(['a', 'b'], { random: () => 0 });
  const leases = await lent(world.pool, 6);
  for (const lease of leases) {
    await world.clock.advance(1);
    lease.release();
  }
  const last = (url: string): number[] =>
    leases.filter((lease) => world.resources.all[lease.id - 1]?.url === url).map(({ id }) => id);
  const again = await lent(world.pool, 6);
  for (const url of ['a', 'b']) {
    expect(again.filter((lease) => placeOf(lease) === url).map(({ id }) => id)).toEqual(last(url).reverse());
  }
});

test('by weight, with turns', async () => {
  const world = many([targetAt('a', { weight: 3 }), 'b']);
  await fill(world.pool, 8);
  const counts: Record<string, number> = { a: 0, b: 0 };
  for (let call = 0; call < 400; call++) {
    const lease = await world.pool.acquire();
    counts[placeOf(lease)] = (counts[placeOf(lease)] ?? 0) + 1;
    lease.release();
  }
  expect(counts).toEqual({ a: 300, b: 100 });
});

test('only endpoints with an idle connection of the identity are chosen from', async () => {
  const world = many(['a', 'b', 'c']);
  await fill(world.pool, 3);
  const guest = { identity: { key: 'guest' } };
  const first = await world.pool.acquire(guest);
  const place = placeOf(first);
  first.release();
  for (let call = 0; call < 5; call++) {
    const lease = await world.pool.acquire(guest);
    expect([placeOf(lease), lease.resource.identity]).toEqual([place, 'guest']);
    lease.release();
  }
});

test('single calls take further seats only where all is well, if that is anywhere', async () => {
  const world = many(['a', 'b'], { settings: { maxConnections: 2 } });
  await fill(world.pool, 2);
  const call = { shared: { joins: false } };
  const both = [await world.pool.acquire(call), await world.pool.acquire(call)];
  expect(both.map(placeOf).sort()).toEqual(['a', 'b']);
  for (const one of world.openAt('a')) one.answeredAt = 0;
  world.at('a', { ping: 'never', open: 'never', probe: 'never' });
  await world.clock.advance(2000);
  expect(world.standings).toBe('doubtful well');
  const further = [await world.pool.acquire(call), await world.pool.acquire(call)];
  expect(further.map(placeOf)).toEqual(['b', 'b']);
});

test('single calls take further seats at one in doubt, when none is well', async () => {
  const world = many(['a', 'b'], { settings: { maxConnections: 2 } });
  await fill(world.pool, 2);
  const call = { shared: { joins: false } };
  for (const url of ['a', 'b']) {
    for (const one of world.openAt(url)) one.answeredAt = 0;
    world.at(url, { ping: 'never', open: 'never', probe: 'never' });
  }
  await world.clock.advance(2000);
  expect(world.standings).toBe('doubtful doubtful');
  const calls = Array.from({ length: 6 }, () => watch(world.pool.acquire(call)));
  await settled();
  expect(calls.map(({ state }) => state)).toEqual(calls.map(() => 'fulfilled'));
});

describe('probes before lending', () => {
  test('one that hangs holds up the waiter for 250 ms, when another endpoint has one', async () => {
    const world = many(['a', 'b'], { settings: { ...alwaysProbed, probeTimeout: 5000 } });
    await fill(world.pool, 2);
    world.at('a', { probe: 'never', open: 'never' });
    const callers = [watch(world.pool.acquire()), watch(world.pool.acquire())];
    await world.clock.advance(250);
    expect(callers.map((caller) => placeOf(leaseOf(caller)))).toEqual(['b', 'b']);
  });

  test('a lone waiter that met the one that hangs gets the other one', async () => {
    for (const frozen of ['a', 'b']) {
      const world = many(['a', 'b'], { settings: { ...alwaysProbed, probeTimeout: 5000 } });
      await fill(world.pool, 2);
      world.at(frozen, { probe: 'never', open: 'never' });
      const caller = watch(world.pool.acquire());
      await world.clock.advance(250);
      expect(placeOf(leaseOf(caller))).not.toBe(frozen);
    }
  });
});

test('leases are counted where they are, whole ones and single calls', async () => {
  const world = many(['a', 'b'], { settings: { maxConnections: 2 } });
  await fill(world.pool, 2);
  const whole = await world.pool.acquire();
  const calls = [];
  for (let call = 0; call < 3; call++) calls.push(await world.pool.acquire({ shared: { joins: false } }));
  const other = placeOf(whole) === 'a' ? 'b' : 'a';
  expect(placesOf(calls)).toEqual({ [other]: 3 });
  expect([world.report(placeOf(whole)).inUse, world.report(other).inUse]).toEqual([1, 3]);
  calls[0]?.expire('it took too long');
  calls[0]?.release();
  for (const lease of [whole, ...calls.slice(1)]) lease.release();
  expect(['a', 'b'].map((url) => world.report(url).inUse)).toEqual([0, 0]);
});

test('leases that a shutdown ended are not counted any more', async () => {
  const world = many(['a', 'b'], { settings: { maxConnections: 2 } });
  await lent(world.pool, 2);
  void world.pool.shutdown(0);
  await world.clock.advance(1000);
  expect(['a', 'b'].map((url) => world.report(url).inUse)).toEqual([0, 0]);
});

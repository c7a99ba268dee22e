import { describe, expect, test } from 'vitest';
import { many, placeOf, placesOf, targetAt } from '../support/many-endpoints.js';
import { fill, leaseOf, lent, settled, watch } from '../support/pool-under-test.js';

describe('where connections are opened', () => {
  test('as many at each, when all have the same share', async () => {
    const world = many(['a', 'b', 'c'], { settings: { maxConnections: 9 } });
    const leases = await lent(world.pool, 9);
    expect(placesOf(leases)).toEqual({ a: 3, b: 3, c: 3 });
    expect(world.spread).toEqual([3, 3, 3]);
  });

  test('by weight', async () => {
    const { pool } = many([targetAt('a', { weight: 3 }), 'b'], { settings: { maxConnections: 8 } });
    expect(placesOf(await lent(pool, 8))).toEqual({ a: 6, b: 2 });
  });

  test('only at the first priority, while that is well', async () => {
    const world = many([targetAt('a', { priority: 1 }), 'b', 'c'], { settings: { maxConnections: 6 } });
    expect(placesOf(await lent(world.pool, 6))).toEqual({ b: 3, c: 3 });
  });

  test('at the next priority, when nothing can be opened at the first', async () => {
    const world = many(['a', targetAt('b', { priority: 1 })], { settings: { maxConnections: 4 } });
    world.at('a', { open: 'fail' });
    expect(placesOf(await lent(world.pool, 4))).toEqual({ b: 4 });
  });

  test('in the own zone, while that is well', async () => {
    const targets = [targetAt('a', { zone: 'far' }), targetAt('b', { zone: 'near' }), targetAt('c', { zone: 'near' })];
    const world = many(targets, { balancing: { zone: 'near' }, settings: { maxConnections: 6 } });
    expect(placesOf(await lent(world.pool, 6))).toEqual({ b: 3, c: 3 });
  });

  test('where there are fewest, whatever happened to the others', async () => {
    const world = many(['a', 'b', 'c'], { settings: { maxConnections: 9 } });
    await fill(world.pool, 6);
    await world.clock.advance(2000);
    world.lose('b');
    await world.clock.advance(2000);
    await fill(world.pool, 9);
    expect(world.spread).toEqual([3, 3, 3]);
  });

  test('no more at once at each endpoint than maxConnecting', async () => {
    const world = many(['a', 'b', 'c'], { settings: { maxConnections: 12, maxConnecting: 2 } });
    for (const url of ['a', 'b', 'c']) world.at(url, { open: 'slow' });
    for (let caller = 0; caller < 12; caller++) void watch(world.pool.acquire());
    await settled();
    expect(world.pool.endpoints.reports.map(({ opening }) => opening)).toEqual([2, 2, 2]);
  });

  test('a pool that starts together with others does not begin at the same endpoint', async () => {
    const first = async (draw: number): Promise<string> => {
      const { pool } = many(['a', 'b', 'c'], { random: () => draw });
      return placeOf(await pool.acquire());
    };
    expect([await first(0), await first(0.4), await first(0.9)]).toEqual(['a', 'b', 'c']);
  });
});

describe('an opening that hangs or fails', () => {
  test('one that hangs holds up no waiter for longer than it takes to be slow', async () => {
    const world = many(['a', 'b'], { random: () => 0, settings: { openTimeout: 5000 } });
    world.at('a', { open: 'never' });
    const caller = watch(world.pool.acquire());
    await world.clock.advance(999);
    expect(caller.state).toBe('pending');
    await world.clock.advance(1);
    expect(placeOf(leaseOf(caller))).toBe('b');
  });

  test('one that hangs at the only place is given up for one at another endpoint', async () => {
    const world = many(['a', 'b'], { random: () => 0, settings: { maxConnections: 1, openTimeout: 5000 } });
    world.at('a', { open: 'never' });
    const caller = watch(world.pool.acquire());
    await world.clock.advance(1000);
    expect(placeOf(leaseOf(caller))).toBe('b');
    expect(world.report('a').state).toBe('doubtful');
  });

  test('when the usual time is known, four times that is slow', async () => {
    const world = many(['a', 'b'], { random: () => 0, settings: { openTimeout: 5000 } });
    await lent(world.pool, 2);
    world.at('a', { open: 'never' });
    world.at('b', { open: 'never' });
    const caller = watch(world.pool.acquire());
    await world.clock.advance(249);
    world.at('b', {});
    expect(caller.state).toBe('pending');
    await world.clock.advance(1);
    expect(placeOf(leaseOf(caller))).toBe('b');
  });

  test('while an opening there is slow, no other is begun there', async () => {
    const world = many(['a', 'b'], { random: () => 0, settings: { openTimeout: 5000 } });
    world.at('a', { open: 'never' });
    const callers = Array.from({ length: 6 }, () => watch(world.pool.acquire()));
    await world.clock.advance(1000);
    const triedThen = world.tried('a');
    await world.clock.advance(1000);
    expect(callers.map(({ state }) => state)).toEqual(callers.map(() => 'fulfilled'));
    expect(world.tried('a')).toBe(triedThen);
  });

  test('when openings are slow everywhere, others take their places, as with one endpoint', async () => {
    const world = many(['a', 'b'], { settings: { openTimeout: 20_000, connectionTimeout: 30_000 } });
    for (const url of ['a', 'b']) world.at(url, { open: 'never' });
    const callers = [watch(world.pool.acquire()), watch(world.pool.acquire())];
    await world.clock.advance(1100);
    for (const url of ['a', 'b']) world.at(url, {});
    await world.clock.advance(1500);
    expect(callers.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled']);
  });

  test('a slow opening of one waiter does not delay the hedge of another', async () => {
    // The waiter of a wants a second opening, which may be begun nowhere; the other one still looks again in time.
    const world = many(['a', 'b'], { random: () => 0, settings: { openTimeout: 20_000, maxConnecting: 1 } });
    for (const url of ['a', 'b']) world.at(url, { open: 'never' });
    const first = watch(world.pool.acquire());
    await world.clock.advance(500);
    const second = watch(world.pool.acquire());
    await world.clock.advance(400);
    for (const url of ['a', 'b']) world.at(url, {});
    await world.clock.advance(1200);
    expect([first.state, second.state]).toEqual(['fulfilled', 'fulfilled']);
  });

  test('one that fails goes elsewhere at once', async () => {
    const world = many(['a', 'b'], { random: () => 0 });
    world.at('a', { open: 'fail' });
    const lease = await world.pool.acquire();
    expect([placeOf(lease), world.clock.now()]).toEqual(['b', 0]);
  });

  test('two that fail go elsewhere at once', async () => {
    const world = many(['a', 'b', 'c'], { random: () => 0 });
    for (const url of ['a', 'b']) world.at(url, { open: 'fail' });
    const leases = await lent(world.pool, 3);
    expect([placesOf(leases), world.clock.now()]).toEqual([{ c: 3 }, 0]);
  });

  test('an endpoint that hangs does not use up a full pool for the waiter of another identity', async () => {
    const world = many(['a', 'b'], { random: () => 0, settings: { openTimeout: 5000 } });
    world.at('a', { open: 'never' });
    const caller = watch(world.pool.acquire({ identity: { key: 'guest' } }));
    await world.clock.advance(1000);
    expect(placeOf(leaseOf(caller))).toBe('b');
  });

  test('the only place is not taken by an attempt at an endpoint that is not well', async () => {
    const world = many(['a', 'b'], { random: () => 0, settings: { maxConnections: 1, openTimeout: 5000 } });
    const first = await world.pool.acquire();
    world.at(placeOf(first), { open: 'never' });
    first.resource.die(new Error('the socket was closed'));
    first.release();
    const next = watch(world.pool.acquire());
    await settled();
    expect(leaseOf(next).resource.url).not.toBe('a');
  });
});

describe('the start', () => {
  const warm = { minConnections: 3, warmConnections: true } as const;

  test('one of three is down: it starts at once, and the minimum is opened at the others', async () => {
    const world = many(['a', 'b', 'c'], { settings: warm, random: () => 0 });
    world.at('a', { open: 'fail' });
    await world.pool.start(3);
    await world.clock.advance(0);
    expect([world.spread, world.clock.now()]).toEqual([[0, 2, 1], 0]);
  });

  test('two of three are down: the same', async () => {
    const world = many(['a', 'b', 'c'], { settings: warm, random: () => 0 });
    for (const url of ['a', 'b']) world.at(url, { open: 'fail' });
    await world.pool.start(3);
    await world.clock.advance(0);
    expect([world.spread[2], world.clock.now()]).toEqual([3, 0]);
  });

  test('one of three hangs: it starts with the others', async () => {
    const world = many(['a', 'b', 'c'], { settings: { ...warm, openTimeout: 5000 }, random: () => 0 });
    world.at('a', { open: 'never' });
    const started = watch(world.pool.start(3));
    await world.clock.advance(1000);
    expect(started.state).toBe('fulfilled');
  });

  test('all are down: it fails with the error of the last attempt, after so many attempts at each', async () => {
    const world = many(['a', 'b', 'c'], { settings: warm });
    for (const url of ['a', 'b', 'c']) world.at(url, { open: 'fail' });
    const started = watch(world.pool.start(3));
    await world.clock.advance(20_000);
    expect(started.error).toEqual(new Error('open failed'));
    for (const url of ['a', 'b', 'c']) expect(world.tried(url)).toBeGreaterThanOrEqual(2);
  });

  test('all refuse the credentials: it fails after one attempt at each', async () => {
    const world = many(['a', 'b', 'c'], { settings: { ...warm, minConnections: 1 } });
    for (const url of ['a', 'b', 'c']) world.at(url, { open: 'fatal' });
    const started = watch(world.pool.start(3));
    await settled();
    expect(started.error).toEqual(new Error('open failed for good'));
    expect(['a', 'b', 'c'].map((url) => world.tried(url))).toEqual([1, 1, 1]);
    await world.clock.advance(60_000);
    expect(['a', 'b', 'c'].map((url) => world.tried(url))).toEqual([1, 1, 1]);
  });

  test('one refuses the credentials: that one is out, and the others serve', async () => {
    const world = many(['a', 'b', 'c'], { settings: warm, random: () => 0 });
    world.at('a', { open: 'fatal' });
    await world.pool.start(3);
    await world.clock.advance(0);
    expect([world.standings, world.spread]).toEqual(['out well well', [0, 2, 1]]);
    await fill(world.pool, 6);
    expect(world.spread[0]).toBe(0);
  });
});

describe('credentials that are refused while the pool runs', () => {
  test.each([[1], [2]])(
    'everywhere, with %i of the connections in use: each caller costs one attempt at each',
    async (held) => {
      const world = many(['a', 'b'], { settings: { connectionTimeout: 1000 } });
      await lent(world.pool, held);
      for (const url of ['a', 'b']) world.at(url, { open: 'fatal' });
      const before = world.resources.opensStarted;
      const refused = watch(world.pool.acquire());
      await world.clock.advance(0);
      expect(refused.error).toMatchObject({ name: 'AcquireFailedError' });
      await world.clock.advance(60_000);
      expect(world.resources.opensStarted - before).toBeLessThanOrEqual(4);
    },
  );

  test('at one only: it is tried again now and then, and comes back', async () => {
    const world = many(['a', 'b'], { random: () => 0 });
    world.at('a', { open: 'fatal' });
    await fill(world.pool, 2);
    await world.clock.advance(60_000);
    const tries = world.tried('a');
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(40);
    world.at('a', {});
    await world.clock.advance(6000);
    expect(world.standings).toBe('well well');
  });
});

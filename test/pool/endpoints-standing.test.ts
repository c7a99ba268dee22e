import { describe, expect, test } from 'vitest';
import { AcquireTimeoutError, CircuitOpenError } from '../../src/errors/acquire.js';
import { many, placeOf, placesOf } from '../support/many-endpoints.js';
import { fill, lent, listen, poolUnderTest, settled, watch } from '../support/pool-under-test.js';

/** Nothing answers by itself: only what the test has answered disproves a doubt. */
const mute = (world: ReturnType<typeof many>, url: string): void => {
  for (const one of world.openAt(url)) one.answeredAt = 0;
};

describe('the standing of an endpoint', () => {
  test('well → doubtful with a lost connection → well with the next answer', async () => {
    const world = many(['a', 'b'], { settings: { openTimeout: 5000 } });
    await fill(world.pool, 4);
    await world.clock.advance(2000);
    mute(world, 'a');
    world.at('a', { open: 'never', ping: 'slow' });
    world.openAt('a')[0]?.die(new Error('the socket was closed'));
    expect(world.standings).toBe('doubtful well');
    await world.clock.advance(1000);
    expect(world.standings).toBe('doubtful well');
    world.resources.finish('ping');
    await settled();
    expect(world.changes).toEqual(['a: well → doubtful', 'a: doubtful → well']);
  });

  test('doubtful → out when attempts fail, → well when one succeeds', async () => {
    const world = many(['a', 'b']);
    await fill(world.pool, 4);
    await world.clock.advance(2000);
    world.at('a', { open: 'fail' });
    world.lose('a');
    await world.clock.advance(10_000);
    expect(world.standings).toBe('out well');
    world.at('a', {});
    await world.clock.advance(5000);
    const until = ['a: well → doubtful', 'a: doubtful → out'];
    expect(world.changes).toEqual([...until, 'a: out → doubtful', 'a: doubtful → well']);
    expect(world.report('a').lastError).toBeUndefined();
  });

  test('→ out at once with an error that says it is shutting down', async () => {
    const world = many(['a', 'b']);
    const leases = await lent(world.pool, 4);
    const lease = leases.find((one) => placeOf(one) === 'a');
    world.at('a', { open: 'fail' });
    lease?.markForRecycling('leaving');
    lease?.release();
    for (const one of leases.filter((other) => other !== lease)) one.release();
    expect(world.standings).toBe('out well');
    expect(world.report('a').lastError).toMatch(/shutting down, or has no room/);
    await settled();
    expect(world.changes).toEqual(['a: well → out']);
    expect(world.spread).toEqual([0, 2]);
    expect(placesOf(await lent(world.pool, 4))).toEqual({ b: 4 });
  });

  test('→ out at once when it asks for a pause, or says so when a connection is opened or lost', async () => {
    for (const how of ['busy', 'leaving'] as const) {
      const world = many(['a', 'b'], { random: () => 0 });
      const told: unknown[] = [];
      world.pool.events.subscribe('endpointChanged', ({ error }) => told.push(error));
      world.at('a', { open: how });
      expect(placesOf(await lent(world.pool, 4))).toEqual({ b: 4 });
      expect([world.standings, world.clock.now()]).toEqual(['out well', 0]);
      expect(world.report('a').lastError).toBeTypeOf('string');
      expect(told).toEqual([expect.any(Error)]);
    }
  });

  test('→ doubtful when a ping is not answered until the next one is due', async () => {
    const world = many(['a', 'b']);
    await fill(world.pool, 4);
    world.at('a', { ping: 'never', open: 'never' });
    mute(world, 'a');
    await world.clock.advance(1000);
    expect(world.standings).toBe('well well');
    await world.clock.advance(1000);
    expect(world.standings).toBe('doubtful well');
    expect(world.report('a').lastError).toBe('a ping got no answer for a second');
  });

  test('→ out when probes or calls of several connections get no answer', async () => {
    const world = many(['a', 'b']);
    const leases = await lent(world.pool, 8);
    world.at('a', { open: 'never' });
    for (const lease of leases.filter((one) => placeOf(one) === 'a').slice(0, 3)) {
      lease.resource.answeredAt = 0;
      lease.markForRecycling('unanswered');
      lease.release();
    }
    expect(world.standings).toBe('out well');
  });

  test('→ draining → what is known of it', async () => {
    const world = many(['a', 'b']);
    world.pool.endpoints.drain('a');
    world.pool.endpoints.add({ url: 'a', weight: 1, zone: undefined, priority: 0 });
    await settled();
    expect(world.changes).toEqual(['a: well → draining', 'a: draining → well']);
  });

  test('idle connections of one that is out are closed, and leases end when they end', async () => {
    const world = many(['a', 'b']);
    const leases = await lent(world.pool, 6);
    const there = leases.filter((lease) => placeOf(lease) === 'a');
    const told = listen(world.pool);
    there[0]?.markForRecycling('leaving');
    world.at('a', { open: 'fail' });
    there[1]?.release();
    there[0]?.release();
    await settled();
    expect(there[2]?.active).toBe(true);
    there[2]?.release();
    await settled();
    const reasons = told.flatMap((one) => (one.name === 'closing' ? [one.event.reason] : []));
    expect(reasons.sort()).toEqual(['endpoint-out', 'endpoint-out', 'leaving']);
  });
});

describe('when several fail', () => {
  test('at most all but one are out', async () => {
    const world = many(['a', 'b', 'c']);
    await fill(world.pool, 6);
    for (const url of ['a', 'b', 'c']) world.at(url, { open: 'fail' });
    for (const url of ['a', 'b', 'c']) world.lose(url);
    const seen = new Set<string>();
    for (let step = 0; step < 300; step++) {
      if (step % 30 === 0) watch(world.pool.acquire({ timeout: 500 }));
      await world.clock.advance(100);
      const { standings } = world;
      seen.add(standings);
      expect(standings).not.toBe('out out out');
    }
    expect(seen).toContain('doubtful doubtful doubtful');
  });

  test('what is left over serves: one of three, then again all', async () => {
    const world = many(['a', 'b', 'c'], { settings: { maxConnections: 9 } });
    await fill(world.pool, 9);
    for (const url of ['a', 'b']) world.at(url, { open: 'fail' });
    for (const url of ['a', 'b']) world.lose(url);
    expect(placesOf(await lent(world.pool, 9))).toEqual({ c: 9 });
  });

  test('panic is counted when fewer than panicBelow are well', async () => {
    const lost = async (panicBelow: number): Promise<number> => {
      const world = many(['a', 'b', 'c'], { balancing: { panicBelow } });
      await fill(world.pool, 6);
      for (const url of ['a', 'b']) {
        mute(world, url);
        world.at(url, { open: 'never', ping: 'never' });
        world.openAt(url)[0]?.die(new Error('the socket was closed'));
      }
      return world.pool.statistics().panics;
    };
    expect([await lost(0), await lost(0.5)]).toEqual([0, 1]);
  });
});

describe('what callers and operators are told', () => {
  test('an open circuit names every endpoint, with its error and when it is tried next', async () => {
    const world = many(['a', 'b']);
    for (const url of ['a', 'b']) world.at(url, { open: 'fail' });
    const waiting = watch(world.pool.acquire({ timeout: 0 }));
    await world.clock.advance(5000);
    expect(waiting.error).toBeInstanceOf(CircuitOpenError);
    const { endpoints, nextProbeIn, message } = waiting.error as CircuitOpenError;
    expect(endpoints?.map(({ url, state, lastError }) => [url, state, lastError])).toEqual([
      ['a', 'open', 'open failed'],
      ['b', 'open', 'open failed'],
    ]);
    expect(nextProbeIn).toBe(Math.min(...(endpoints ?? []).map((one) => one.nextProbeIn)));
    expect(message).toMatch(/a: open failed; b: open failed/);
  });

  test('a timeout while some are down says that the pool is busy, not that nothing can be opened', async () => {
    const world = many(['a', 'b'], { settings: { maxConnections: 2 } });
    world.at('a', { open: 'fail' });
    await lent(world.pool, 2);
    const caller = watch(world.pool.acquire({ timeout: 100 }));
    await world.clock.advance(100);
    expect(caller.error).toBeInstanceOf(AcquireTimeoutError);
    expect((caller.error as Error).message).toMatch(/the pool is busy/);
  });

  test('the pool is ready while one serves, and not when none does', async () => {
    const world = many(['a', 'b', 'c']);
    await fill(world.pool, 6);
    for (const url of ['a', 'b']) world.at(url, { open: 'fail' });
    for (const url of ['a', 'b']) world.lose(url);
    await world.clock.advance(20_000);
    expect(world.pool.readiness).toEqual({ ready: true, obstacle: undefined });
    world.at('c', { open: 'fail' });
    world.lose('c');
    watch(world.pool.acquire({ timeout: 10_000 }));
    await world.clock.advance(20_000);
    expect(world.pool.readiness).toMatchObject({ ready: false, obstacle: /cannot open connections/ });
    world.at('b', {});
    watch(world.pool.acquire({ timeout: 10_000 }));
    await world.clock.advance(10_000);
    expect(world.pool.readiness.ready).toBe(true);
  });

  test('before any is found: that, and why none was', async () => {
    const world = many([]);
    const caller = watch(world.pool.acquire({ timeout: 100 }));
    await world.clock.advance(100);
    expect((caller.error as Error).message).toMatch(/no server is known yet/);
    world.pool.endpoints.notFound(new Error('the register is down'));
    expect(world.pool.readiness.obstacle).toBe('cannot open connections: the register is down');
  });

  test('a report of an endpoint that fails says why, how often and when it is tried next', async () => {
    const world = many(['a', 'b']);
    await fill(world.pool, 2);
    world.at('a', { open: 'fail' });
    world.lose('a');
    await world.clock.advance(20_000);
    const { state, circuit, share, connections, lastError, failures, nextProbeIn } = world.report('a');
    expect({ state, circuit, share, connections, lastError }).toEqual({
      ...{ state: 'out', circuit: 'open', share: 0, connections: 0, lastError: 'open failed' },
    });
    expect(failures).toBeGreaterThanOrEqual(3);
    expect(nextProbeIn).toBeLessThanOrEqual(1000);
  });
});

describe('another identity than the pool’s own', () => {
  test('that gets no answer at one endpoint is not paused elsewhere', async () => {
    const world = many(['a', 'b'], { random: () => 0, settings: { openTimeout: 500 } });
    world.at('a', { open: 'never' });
    const guest = { identity: { key: 'guest' } };
    const first = watch(world.pool.acquire(guest));
    await world.clock.advance(600);
    expect(first.state).toBe('fulfilled');
    const second = watch(world.pool.acquire(guest));
    await settled();
    expect(second.state).toBe('fulfilled');
  });

  test('that gets no answer at two endpoints is paused, and others are not', async () => {
    const world = many(['a', 'b'], { settings: { openTimeout: 500, maxConnections: 6 } });
    for (const url of ['a', 'b']) world.at(url, { open: 'never' });
    const guest = watch(world.pool.acquire({ identity: { key: 'guest' }, timeout: 0 }));
    await world.clock.advance(1100);
    for (const url of ['a', 'b']) world.at(url, {});
    const own = watch(world.pool.acquire());
    await world.clock.advance(1000);
    expect(own.state).toBe('fulfilled');
    await world.clock.advance(5000);
    expect(guest.state).toBe('fulfilled');
  });

  test('that is refused for good fails its callers after one attempt, and no endpoint is out for it', async () => {
    const world = many(['a', 'b']);
    await fill(world.pool, 2);
    for (const url of ['a', 'b']) world.at(url, { open: 'fatal', change: 'fatal' });
    const caller = watch(world.pool.acquire({ identity: { key: 'guest' } }));
    await settled();
    expect(caller.error).toMatchObject({ name: 'AcquireFailedError' });
    expect(world.standings).toBe('well well');
  });
});

describe('a pool of one endpoint', () => {
  test('asks for no ping, tells no change of an endpoint, and draws and arms nothing more', async () => {
    let drawn = 0;
    const random = (): number => {
      drawn++;
      return 0.5;
    };
    const world = poolUnderTest({ maxConnections: 4 }, { random });
    const changed: unknown[] = [];
    world.pool.events.subscribe('endpointChanged', (event) => changed.push(event));
    await fill(world.pool, 4);
    await world.clock.advance(60_000);
    world.resources.all[0]?.die(new Error('the socket was closed'));
    world.resources.behave = (step) => (step === 'open' ? 'fail' : 'ok');
    await world.clock.advance(10_000);
    const drawnThen = drawn;
    for (let call = 0; call < 100; call++) (await world.pool.acquire()).release();
    expect([world.resources.count('ping'), changed, drawn, world.clock.pending]).toEqual([0, [], drawnThen, 1]);
    expect(drawn).toBe(0);
    expect(() => world.pool.endpoints.rebalance()).not.toThrow();
    expect(world.pool.statistics().total).toBe(3);
  });

  test('stays one when nothing was found besides it, and never is out', async () => {
    const world = many(['a'], { settings: { maxConnections: 3 } });
    await fill(world.pool, 3);
    world.at('a', { open: 'fail' });
    world.lose('a');
    watch(world.pool.acquire({ timeout: 0 }));
    await world.clock.advance(10_000);
    expect([world.standings, world.changes]).toEqual(['doubtful', []]);
  });

  test('that becomes one of several, and is the only one again', async () => {
    const world = many(['a']);
    await fill(world.pool, 4);
    world.pool.endpoints.add({ url: 'b', weight: 1, zone: undefined, priority: 0 });
    await fill(world.pool, 8);
    await world.pool.endpoints.remove('a', undefined);
    const { length } = world.resources.begun;
    await world.clock.advance(10_000);
    expect(world.resources.begun.length).toBe(length);
    expect(placesOf(await lent(world.pool, 6))).toEqual({ b: 6 });
  });
});

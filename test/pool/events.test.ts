import { afterEach, describe, expect, test, vi } from 'vitest';
import { Emitter } from '../../src/pool/emitter.js';
import type { PoolEvents } from '../../src/pool/events.js';
import { oneEndpoint } from '../../src/pool/one-endpoint.js';
import {
  alwaysProbed,
  behaving,
  eventNames,
  fill,
  lent,
  listen,
  poolUnderTest,
  type Told,
} from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

afterEach(() => {
  vi.restoreAllMocks();
});

interface Sample {
  happened: { value: number };
  other: { value: number };
}

describe('the emitter', () => {
  test('calls every listener of that event, in the order they came, with the same event', async () => {
    const emitter = new Emitter<Sample>();
    const heard: [string, unknown][] = [];
    emitter.subscribe('happened', (event) => heard.push(['first', event]));
    emitter.subscribe('other', (event) => heard.push(['other', event]));
    emitter.subscribe('happened', (event) => heard.push(['second', event]));
    const event = { value: 1 };
    emitter.emit('happened', event);
    expect(heard, 'not in the middle of what is going on').toEqual([]);
    await settled();
    expect(heard).toEqual([
      ['first', event],
      ['second', event],
    ]);
  });

  test('lets the same function be subscribed twice, and each be ended alone and only once', async () => {
    const emitter = new Emitter<Sample>();
    const listener = vi.fn();
    const endFirst = emitter.subscribe('happened', listener);
    const endSecond = emitter.subscribe('happened', listener);
    emitter.emit('happened', { value: 1 });
    await settled();
    expect(listener).toHaveBeenCalledTimes(2);
    endFirst();
    endFirst();
    expect(emitter.has('happened')).toBe(true);
    emitter.emit('happened', { value: 2 });
    await settled();
    expect(listener).toHaveBeenCalledTimes(3);
    endSecond();
    expect(emitter.has('happened')).toBe(false);
  });

  test('knows for each event whether anybody listens', async () => {
    const emitter = new Emitter<Sample>();
    expect(emitter.has('happened')).toBe(false);
    const end = emitter.subscribe('other', () => {});
    expect([emitter.has('happened'), emitter.has('other')]).toEqual([false, true]);
    end();
    expect(emitter.has('other')).toBe(false);
  });

  test('may be left by a listener while it calls it, or by that one for another', async () => {
    const emitter = new Emitter<Sample>();
    const heard: string[] = [];
    const endFirst = emitter.subscribe('happened', () => {
      heard.push('first');
      endFirst();
      endSecond();
    });
    const endSecond = emitter.subscribe('happened', () => heard.push('second'));
    emitter.subscribe('happened', () => heard.push('third'));
    emitter.emit('happened', { value: 1 });
    emitter.emit('happened', { value: 2 });
    await settled();
    expect(heard).toEqual(['first', 'third', 'third']);
  });

  test('reports a listener that throws as a process warning, and calls the others', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const emitter = new Emitter<Sample>();
    const second = vi.fn();
    emitter.subscribe('happened', () => {
      throw new Error('a mistake');
    });
    emitter.subscribe('happened', second);
    emitter.emit('happened', { value: 1 });
    await settled();
    expect(second).toHaveBeenCalledTimes(1);
    expect(warning).toHaveBeenCalledWith('a listener for the event "happened" threw: a mistake', 'SurrealPoolWarning');
  });

  test('calls the others too when what is thrown cannot even be made into a string', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const emitter = new Emitter<Sample>();
    const second = vi.fn();
    emitter.subscribe('happened', () => {
      throw Object.create(null);
    });
    emitter.subscribe('happened', second);
    expect(() => emitter.emit('happened', { value: 1 })).not.toThrow();
    await settled();
    expect(second).toHaveBeenCalledTimes(1);
  });
});

/** A life with everything in it: every kind of event, and every end an acquire can have. */
async function wholeLife(prepare: (world: ReturnType<typeof poolUnderTest>) => void = () => {}): Promise<void> {
  const world = poolUnderTest({
    ...alwaysProbed,
    maxConnections: 2,
    maxWaiters: 2,
    maxLifetime: 60_000,
    unhealthyThreshold: 1,
    idleLeaseThreshold: 5_000,
  });
  const { pool, clock, resources } = world;
  prepare(world);
  const ignore = (): void => {};
  resources.behave = behaving({ open: 'fail' });
  const healed = pool.acquire();
  await settled();
  resources.behave = behaving({});
  await clock.advance(100);
  const first = await healed;
  const second = await pool.acquire();
  const abort = new AbortController();
  pool.acquire({ timeout: 50 }).catch(ignore);
  pool.acquire({ signal: abort.signal }).catch(ignore);
  pool.acquire().catch(ignore);
  abort.abort();
  await clock.advance(50);
  first.resource.dirty = true;
  first.release();
  first.release();
  await settled();
  resources.behave = behaving({ reset: 'fail' });
  second.resource.dirty = true;
  second.release();
  await fill(pool, 1);
  resources.behave = behaving({ probe: 'fail', open: 'fatal' });
  pool.acquire().catch(ignore);
  await settled();
  resources.behave = behaving({});
  await fill(pool, 2);
  (await pool.acquire({ identity: { key: 'guest' } })).release();
  resources.behave = behaving({ change: 'fail' });
  (await pool.acquire({ identity: { key: 'visitor' } })).release();
  resources.behave = behaving({});
  await fill(pool, 2);
  resources.all.at(-1)?.die(new Error('gone'));
  pool.pause();
  pool.resume();
  pool.resize({ maxConnections: 3 });
  pool.recycleAll();
  await clock.leap(10_000);
  const [idle] = await lent(pool, 1);
  if (idle !== undefined) idle.resource.idleFor = 6_000;
  await clock.advance(6_000);
  const shutdown = pool.shutdown(10);
  pool.acquire().catch(ignore);
  await clock.advance(10);
  await shutdown;
}

describe('the events of a pool', () => {
  test('tell the life of a connection step by step', async () => {
    const endpoint = 'ws://a/rpc';
    const targets = [{ url: endpoint, weight: 1, zone: undefined, priority: 0 }];
    const { pool, clock, resources } = poolUnderTest({}, { endpoints: { ...oneEndpoint, targets } });
    const told = listen(pool);
    resources.behave = behaving({ open: 'slow', close: 'slow' });
    const acquire = pool.acquire();
    await clock.advance(30);
    resources.finish('open');
    const lease = await acquire;
    await clock.advance(200);
    lease.markForRecycling();
    lease.release();
    await clock.advance(5);
    resources.finish('close');
    await settled();
    const fate = { connection: 1, endpoint, reason: 'recycled', age: 200, uses: 1 };
    expect(told).toEqual([
      { name: 'acquireStarted', event: { acquire: 1 } },
      { name: 'opening', event: { connection: 1, endpoint } },
      { name: 'opened', event: { connection: 1, endpoint, duration: 30 } },
      { name: 'acquired', event: { acquire: 1, connection: 1, waited: 30, reused: false } },
      { name: 'released', event: { connection: 1, held: 200, uses: 1 } },
      { name: 'closing', event: fate },
      { name: 'closed', event: { ...fate, duration: 5 } },
    ]);
  });

  test('come after what they tell of, never in the middle of it, and in its order', async () => {
    const { pool } = poolUnderTest({ maxConnections: 3 });
    await fill(pool, 3);
    await settled();
    const told = listen(pool);
    const idle: number[] = [];
    pool.events.subscribe('closing', () => idle.push(pool.statistics().idle));
    pool.recycleAll();
    expect(told).toEqual([]);
    await settled();
    expect(told.slice(0, 4).map(({ name }) => name)).toEqual(['recycledAll', 'closing', 'closing', 'closing']);
    expect(idle).toEqual([0, 0, 0]);
  });

  test('of a lease and of the end of a shutdown are told before its caller goes on', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const told = listen(pool);
    for (const found of ['nothing', 'something idle']) {
      const lease = await pool.acquire();
      expect(told.at(-1)?.name, `with ${found}`).toBe('acquired');
      lease.release();
    }
    await pool.shutdown(0);
    expect(told.at(-1)?.name).toBe('shutdownFinished');
  });

  test('are not told any more to a listener that was ended, not even those that had happened by then', async () => {
    const { pool } = poolUnderTest();
    const listener = vi.fn();
    const end = pool.events.subscribe('paused', listener);
    pool.pause();
    end();
    await settled();
    expect(listener).not.toHaveBeenCalled();
  });

  test('end every acquire exactly once, however it ended', async () => {
    let told: Told[] = [];
    await wholeLife(({ pool }) => {
      told = listen(pool);
    });
    const ends = new Set<string>([
      'acquired',
      'acquireTimedOut',
      'acquireAborted',
      'acquireRefused',
      'acquireFailed',
    ] satisfies (keyof PoolEvents)[]);
    const started = told.flatMap(({ name, event }) => (name === 'acquireStarted' ? [event.acquire] : []));
    const ended = told.flatMap(({ name, event }) => (ends.has(name) && 'acquire' in event ? [event.acquire] : []));
    expect(ended.toSorted((one, other) => one - other)).toEqual(started);
    const names = new Set<string>(told.map(({ name }) => name));
    expect([...ends].filter((name) => !names.has(name))).toEqual([]);
  });

  test('close every connection that was opened exactly once', async () => {
    let told: Told[] = [];
    await wholeLife(({ pool }) => {
      told = listen(pool);
    });
    const connections = (wanted: keyof PoolEvents): number[] =>
      told
        .flatMap(({ name, event }) => (name === wanted && 'connection' in event ? [event.connection] : []))
        .toSorted();
    expect(connections('closing')).toEqual(connections('opened'));
    expect(connections('closed')).toEqual(connections('opened'));
    expect(connections('opening')).toEqual([...connections('opened'), ...connections('openFailed')].toSorted());
  });

  test('are not even made when nobody listens', async () => {
    const emit = vi.spyOn(Emitter.prototype, 'emit');
    await wholeLife();
    expect(emit).not.toHaveBeenCalled();
  });

  test('are made only of the kind that somebody listens to', async () => {
    const emit = vi.spyOn(Emitter.prototype, 'emit');
    await wholeLife(({ pool }) => {
      pool.events.subscribe('closed', () => {});
    });
    expect(new Set(emit.mock.calls.map(([name]) => name))).toEqual(new Set(['closed']));
  });

  test('may be listened to by somebody who always throws: the pool lives the same life', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const lives: Told[][] = [];
    for (const throws of [false, true]) {
      await wholeLife(({ pool }) => {
        const refuse = (): void => {
          if (throws) throw new Error('a mistake');
        };
        for (const name of eventNames) pool.events.subscribe(name, refuse);
        lives.push(listen(pool));
      });
    }
    expect(warning).toHaveBeenCalled();
    expect(lives[1]).toEqual(lives[0]);
    expect(lives[0]?.length).toBeGreaterThan(40);
  });

  test('cover every kind there is in the life these tests live', async () => {
    let told: Told[] = [];
    await wholeLife(({ pool }) => {
      told = listen(pool);
    });
    expect([...new Set(told.map(({ name }) => name))].toSorted()).toEqual(eventNames.toSorted());
  });
});

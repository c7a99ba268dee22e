import { AsyncLocalStorage } from 'node:async_hooks';
import { Table } from 'surrealdb';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ConnectionManager, createPool } from '../../src/index.js';
import { collected } from '../support/garbage.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const storage = new AsyncLocalStorage<object>();
const place = { namespace: 'test', database: 'test' };

/** Serves a request that has a store of its own, and tells of that store without keeping it. */
async function serve(request: () => Promise<unknown>): Promise<WeakRef<object>> {
  const store = { body: new Uint8Array(1_000) };
  const seen = new WeakRef<object>(store);
  await storage.run(store, request);
  return seen;
}

/** So many requests at the same time, each with a connection of its own. */
async function serveTogether(pool: ConnectionManager, count: number): Promise<WeakRef<object>[]> {
  let leave = (): void => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const requests = Array.from({ length: count }, () => serve(() => pool.withConnection(() => left)));
  await vi.waitFor(() => expect(pool.poolStats().leased).toBe(count), 5_000);
  leave();
  return await Promise.all(requests);
}

describe('what a pool keeps', () => {
  test('of the requests that had connections opened is nothing', async () => {
    const front = await own.listen({ auth: true });
    const pool = await own.connect(front, {
      maxConnections: 5,
      queryTimeout: 60_000,
      credentials: { username: 'root', password: 'secret' },
    });
    const stores = await serveTogether(pool, 5);
    stores.push(await serve(() => pool.query('RETURN 1')));
    stores.push(await serve(() => pool.withTransaction((transaction) => transaction.query('RETURN 1'))));
    await own.engine.query('RETURN 1');
    for (const store of stores) await collected(store);
    expect(pool.poolStats()).toMatchObject({ idle: 5 });
  });

  test('of the request that had its database prepared is nothing', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { onFirstUse: (_name, connection) => connection.query('RETURN 1') });
    const tenant = { namespace: 'test', database: 'tenant' };
    await collected(await serve(() => pool.withConnection(async () => {}, tenant)));
  });
});

describe('a listener', () => {
  test('runs in the context of its subscriber, whatever request the event comes of', async () => {
    const pool = await own.connect(await own.listen());
    const subscriber = {};
    const seen: unknown[] = [];
    storage.run(subscriber, () => pool.subscribe('released', () => seen.push(storage.getStore())));
    await storage.run({}, () => pool.withConnection(async () => {}));
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    expect(seen[0]).toBe(subscriber);
  });

  test('of a live query runs in the context of its subscriber, and is not kept when the lease is over', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const seen: unknown[] = [];
    const subscriber = await serve(async () => {
      await using connection = await pool.acquire();
      const live = await storage.run({ opened: true }, () => connection.live(new Table('thing')));
      live.subscribe(() => seen.push('body' in (storage.getStore() ?? {})));
      await own.engine.query('CREATE thing', place);
      await vi.waitFor(() => expect(seen.length).toBeGreaterThan(0), 5_000);
    });
    expect(seen[0]).toBe(true);
    await collected(subscriber);
    expect(pool.poolStats()).toMatchObject({ closed: 0 });
  });

  test('of the first use of a database runs in the context in which the pool was made', async () => {
    const front = await own.listen();
    const seen: unknown[] = [];
    const maker = { is: 'the maker of the pool' };
    const pool = await storage.run(maker, () =>
      own.connect(front, { onFirstUse: () => void seen.push(storage.getStore()) }),
    );
    await storage.run({}, () => pool.withConnection(async () => {}, { namespace: 'test', database: 'another' }));
    expect(seen).toEqual([maker, maker]);
  });
});

describe('timers that a test has replaced', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('do not stop the pools of the process', async () => {
    const pool = await createPool('mem://', { ...place, maxConnections: 1 });
    vi.useFakeTimers();
    (await pool.acquire()).release();
    await pool.query('RETURN 1');
    vi.useRealTimers();
    const held = await pool.acquire();
    await expect(pool.acquire({ timeout: 10 })).rejects.toMatchObject({ name: 'AcquireTimeoutError' });
    held.release();
    await pool.shutdown({ gracePeriod: 0 });
  });

  test('do not stop a call that is under way, nor its limit', async () => {
    const pool = await own.connect(await own.listen(), { queryTimeout: 100, maxConnections: 1 });
    vi.useFakeTimers();
    const call = pool.query('SLEEP 20ms; RETURN 1').collect();
    const slow = expect(pool.query('SLEEP 60s').collect()).rejects.toMatchObject({ name: 'QueryTimeoutError' });
    expect(await call).toEqual([undefined, 1]);
    await slow;
    vi.useRealTimers();
  });
});

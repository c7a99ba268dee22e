import type { SurrealQueryable } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import { AcquireAbortedError, AcquireFailedError, AcquireTimeoutError, type OnFirstUse } from '../../src/index.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();

/** A hook that ends when it is told to, and what it was called for. */
function slowHook(): { hook: OnFirstUse; calls: string[]; end: (failure?: Error) => void } {
  const calls: string[] = [];
  const ends: ((failure?: Error) => void)[] = [];
  return {
    calls,
    hook: ({ namespace, database }) => {
      calls.push(`${namespace}/${database}`);
      return new Promise<void>((resolve, reject) => {
        ends.push((failure) => (failure === undefined ? resolve() : reject(failure)));
      });
    },
    end: (failure) => ends.shift()?.(failure),
  };
}

const elsewhere = { namespace: 'other', database: 'place' };

describe('onFirstUse', () => {
  test('prepares the database of the pool before the pool is there', async () => {
    const onFirstUse = async (_name: unknown, connection: SurrealQueryable): Promise<void> => {
      await connection.query('DEFINE TABLE ready SCHEMALESS; CREATE ready:1');
    };
    const pool = await own.pool('mem://', { onFirstUse });
    expect(await pool.query('SELECT VALUE id FROM ready')).toHaveLength(1);
    expect(pool.poolStats().served, 'its connection is none of the pool').toBe(1);
  });

  test('is called once for each database, by however many it is wanted at the same time', async () => {
    const calls: string[] = [];
    const onFirstUse: OnFirstUse = async ({ namespace, database }, connection) => {
      calls.push(`${namespace}/${database}`);
      await connection.query('DEFINE TABLE IF NOT EXISTS ready; UPSERT ready:1');
    };
    const pool = await own.connect(await own.listen(), { onFirstUse, maxConnections: 2 });
    const read = (): Promise<unknown> =>
      pool.withConnection((connection) => connection.query('SELECT VALUE id FROM ready').collect(), elsewhere);
    const found = await Promise.all(Array.from({ length: 8 }, read));
    expect(new Set(found.map(String)).size).toBe(1);
    expect(calls).toEqual(['test/test', 'other/place']);
  });

  test('has a connection although all those of the pool are in use, and holds nobody up elsewhere', async () => {
    const { hook, calls, end } = slowHook();
    const making = own.pool('mem://', { onFirstUse: hook, maxConnections: 1 });
    while (calls.length === 0) await new Promise((turn) => setImmediate(turn));
    end();
    const pool = await making;
    const there = pool.acquire(elsewhere);
    while (calls.length === 1) await new Promise((turn) => setImmediate(turn));
    const here = await pool.acquire();
    here.release();
    end();
    (await there).release();
    expect(calls).toEqual(['test/test', 'other/place']);
  });

  test('that fails fails those who wait for it with its error as the cause, and is called again for the next', async () => {
    const { hook, calls, end } = slowHook();
    const pool = await own.pool('mem://', { onFirstUse: hook, failFast: false });
    const refused = [pool.acquire(), pool.acquire()].map((acquire) => acquire.catch((error: unknown) => error));
    while (calls.length === 0) await new Promise((turn) => setImmediate(turn));
    end(new Error('the migration is wrong'));
    for (const error of await Promise.all(refused)) {
      expect(error).toBeInstanceOf(AcquireFailedError);
      expect(error).toMatchObject({ message: 'onFirstUse failed: the migration is wrong' });
    }
    const served = pool.acquire();
    while (calls.length === 1) await new Promise((turn) => setImmediate(turn));
    end();
    (await served).release();
  });

  test('that takes long lets each caller wait no longer than it said, and goes on', async () => {
    const { hook, calls, end } = slowHook();
    const pool = await own.pool('mem://', { onFirstUse: hook, failFast: false });
    await expect(pool.acquire({ timeout: 20 })).rejects.toBeInstanceOf(AcquireTimeoutError);
    await expect(pool.acquire({ timeout: 20 })).rejects.toThrow(/onFirstUse is still under way/);
    const abort = new AbortController();
    const aborted = pool.acquire({ signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toBeInstanceOf(AcquireAbortedError);
    const patient = pool.acquire();
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    end();
    (await patient).release();
  });

  test('that is under way at a shutdown holds nobody up', async () => {
    const { hook, calls } = slowHook();
    const pool = await own.pool('mem://', { onFirstUse: hook, failFast: false });
    const waiting = pool.acquire();
    while (calls.length === 0) await new Promise((turn) => setImmediate(turn));
    const refused = expect(waiting).rejects.toMatchObject({ code: 'ERR_POOL_SHUTDOWN' });
    await pool.shutdown({ gracePeriod: 10 });
    await refused;
  });

  test('that is under way at a shutdown has the time of a lease to end', async () => {
    let asked: ((answer: unknown) => void) | undefined;
    const answered = new Promise((resolve) => {
      asked = resolve;
    });
    const { hook, calls, end } = slowHook();
    const onFirstUse: OnFirstUse = async (name, connection) => {
      await hook(name, connection);
      asked?.(await connection.query('RETURN 1').collect());
    };
    const pool = await own.connect(await own.listen(), { onFirstUse, failFast: false });
    const waiting = expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_POOL_SHUTDOWN' });
    while (calls.length === 0) await new Promise((turn) => setImmediate(turn));
    const shutdown = pool.shutdown({ gracePeriod: 10_000 });
    await waiting;
    end();
    await shutdown;
    expect(await answered).toEqual([1]);
  });

  test('that a lease waits for is waited for no longer than the lease goes on', async () => {
    const { hook, calls } = slowHook();
    const onFirstUse: OnFirstUse = (name, connection) =>
      name.namespace === 'other' ? hook(name, connection) : undefined;
    const front = await own.listen();
    const pool = await own.connect(front, { onFirstUse });
    const abort = new AbortController();
    const aborted = await pool.acquire({ signal: abort.signal });
    const given = expect(aborted.use(elsewhere)).rejects.toMatchObject({ code: 'ERR_POOL_CALL_ABORTED' });
    abort.abort();
    await given;
    aborted.release();
    const connection = await pool.acquire();
    const over = expect(connection.use(elsewhere)).rejects.toMatchObject({ code: 'ERR_POOL_LEASE_RELEASED' });
    connection.release();
    await over;
    await expect(connection.use({ namespace: 'other', database: 'more' })).rejects.toThrow(/was released/);
    await vi.waitFor(() => expect(calls).toEqual(['other/place']));
    await pool.shutdown({ gracePeriod: 10 });
    await vi.waitFor(() => expect(front.connections).toBe(0));
  });

  test('is called before a lease moves to another database', async () => {
    const calls: string[] = [];
    const onFirstUse: OnFirstUse = ({ namespace, database }) => calls.push(`${namespace}/${database}`);
    const pool = await own.pool('mem://', { onFirstUse });
    await pool.withConnection(async (connection) => {
      await connection.use(elsewhere);
      await connection.use(place);
    });
    expect(calls).toEqual(['test/test', 'other/place']);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { NestedAcquireError, type PoolEvents } from '../../src/index.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

describe('an acquire by work that holds a connection already', () => {
  test('fails at once when all are in use, with both stacks, instead of waiting for itself', async () => {
    const pool = await own.pool('mem://', { maxConnections: 2, nestedAcquire: 'error' });
    const both = [1, 2].map(() =>
      pool.withConnection(async (connection) => {
        await connection.query('SLEEP 20ms');
        return await pool.query('RETURN 1');
      }),
    );
    const outcomes = await Promise.allSettled(both);
    const [failure] = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failure?.reason).toBeInstanceOf(NestedAcquireError);
    expect(failure?.reason).toMatchObject({
      code: 'ERR_POOL_NESTED_ACQUIRE',
      holder: expect.stringContaining('nested-acquire-guard.test.ts'),
      snapshot: { leased: 2, maxConnections: 2 },
    });
    expect(pool.poolStats()).toMatchObject({ leased: 0, waiting: 0 });
  });

  test('is found also when it is made by a query that is returned and not awaited', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1, nestedAcquire: 'error', connectionTimeout: 100 });
    await expect(pool.withConnection(() => pool.query('RETURN 1'))).rejects.toBeInstanceOf(NestedAcquireError);
  });

  test('is only told of with "warn"', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1, nestedAcquire: 'warn' });
    const told: PoolEvents['nestedAcquire'][] = [];
    pool.subscribe('nestedAcquire', (event) => told.push(event));
    await pool.withConnection(async () => {
      await expect(pool.acquire({ timeout: 10 })).rejects.toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
    });
    expect(told.map(({ error }) => error)).toEqual([expect.any(NestedAcquireError)]);
  });

  test('is no mistake while there is room, after the holder gave back, or beside it', async () => {
    const pool = await own.pool('mem://', { maxConnections: 2, nestedAcquire: 'error' });
    await pool.withConnection(() => pool.query('RETURN 1'));
    let later: Promise<unknown> | undefined;
    await pool.withConnection(() => {
      later = sleep(20).then(() => pool.query('RETURN 1'));
    });
    const others = [await pool.acquire(), await pool.acquire()];
    const beside = pool.query('RETURN 2').collect();
    const released = sleep(30).then(() => others.map((other) => other.release()));
    expect(await later).toEqual([1]);
    expect(await beside).toEqual([2]);
    await released;
  });
});

import { Table } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import type { ConnectionManager, PoolEvents, PooledConnection } from '../../src/index.js';
import { collectGarbage } from '../support/garbage.js';
import { surroundings } from '../support/surroundings.js';
import { settled } from '../support/virtual-clock.js';

const own = surroundings();

async function carelessHelper(pool: ConnectionManager): Promise<void> {
  const connection = await pool.acquire();
  await connection.query('RETURN 1');
}

/** Keeps the connection where the function that acquired it sees it, and is then dropped with it. */
async function rememberingHelper(pool: ConnectionManager): Promise<void> {
  let kept: unknown;
  const remember = async () => {
    kept = await pool.acquire();
  };
  await remember();
  expect(kept).toBeDefined();
}

describe('a lease that is not given back', () => {
  test('is reported once, with where it was acquired, while it is held for long', async () => {
    const pool = await own.pool('mem://', { leakDetectionThreshold: 1 });
    const reports: PoolEvents['leaseOverdue'][] = [];
    pool.subscribe('leaseOverdue', (report) => reports.push(report));
    const connection = await pool.acquire();
    await vi.waitFor(() => expect(reports).toHaveLength(1), { timeout: 20_000 });
    expect(reports[0]).toMatchObject({ connection: connection.id, origin: expect.stringContaining('leaks.test.ts') });
    expect(reports[0]?.origin).not.toMatch(/src.manager/);
    const { aborted } = await pool.shutdown({ gracePeriod: 0 });
    expect(aborted).toMatchObject([{ connection: connection.id, origin: reports[0]?.origin }]);
    expect(reports).toHaveLength(1);
  });

  test('and that nobody holds any more is taken back', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1, leakDetectionThreshold: '10s' });
    const reclaimed: PoolEvents['leaseReclaimed'][] = [];
    pool.subscribe('leaseReclaimed', (report) => reclaimed.push(report));
    await carelessHelper(pool);
    const waiter = pool.acquire();
    await vi.waitFor(async () => {
      collectGarbage();
      await settled();
      expect(reclaimed).toHaveLength(1);
    });
    expect(reclaimed[0]?.origin).toContain('carelessHelper');
    const connection = await waiter;
    expect(await connection.query('RETURN 2')).toEqual([2]);
    connection.release();
    expect(pool.poolStats()).toMatchObject({ reclaimed: 1, leased: 0 });
  });

  test('is taken back although the functions of its caller hold the connection: their stack is kept for a second', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1, leakDetectionThreshold: '10s' });
    const reclaimed: PoolEvents['leaseReclaimed'][] = [];
    pool.subscribe('leaseReclaimed', (report) => reclaimed.push(report));
    await rememberingHelper(pool);
    await vi.waitFor(
      async () => {
        collectGarbage();
        await settled();
        expect(reclaimed).toHaveLength(1);
      },
      { timeout: 20_000 },
    );
    expect(reclaimed[0]?.origin).toContain('remember');
  });

  test('is reported without a stack where the process cannot write one', async () => {
    const pool = await own.pool('mem://', { maxConnections: 3, leakDetectionThreshold: '10s' });
    const { prepareStackTrace, stackTraceLimit } = Error;
    try {
      Error.prepareStackTrace = (_error, frames) => frames;
      await pool.acquire();
      Error.stackTraceLimit = 0;
      await pool.acquire();
      Error.prepareStackTrace = () => {
        throw new Error('not today');
      };
      Error.stackTraceLimit = stackTraceLimit;
      await pool.acquire();
      const { aborted } = await pool.shutdown({ gracePeriod: 0 });
      expect(aborted.map(({ origin }) => origin)).toEqual(['', '', '']);
    } finally {
      Object.assign(Error, { prepareStackTrace, stackTraceLimit });
    }
  });

  const leftBehind: [string, (connection: PooledConnection) => Promise<unknown>][] = [
    [
      'with an open transaction',
      async (connection) => {
        const transaction = await connection.beginTransaction();
        await transaction.query('CREATE thing:left');
      },
    ],
    [
      'with an open transaction that has a time and a signal',
      async (connection) => {
        const { signal } = new AbortController();
        const transaction = await connection.beginTransaction({ timeout: '1h', signal });
        await transaction.query('CREATE thing:left');
      },
    ],
    [
      'with a transaction that refused a statement',
      async (connection) => {
        const transaction = await connection.beginTransaction();
        await transaction.query('THROW "no"').responses();
      },
    ],
    ['with a live query', (connection) => connection.query('LIVE SELECT * FROM thing').collect()],
    ['with another database', (connection) => connection.use({ namespace: 'test', database: 'other' })],
  ];
  test.each(leftBehind)('is taken back %s', async (_what, leave) => {
    const pool = await own.pool('mem://', { maxConnections: 1, leakDetectionThreshold: '10s' });
    await pool.query('DEFINE TABLE thing');
    const forget = async (): Promise<void> => {
      await leave(await pool.acquire());
    };
    await forget();
    await vi.waitFor(
      async () => {
        collectGarbage();
        await settled();
        expect(pool.poolStats()).toMatchObject({ reclaimed: 1, leased: 0 });
      },
      { timeout: 10_000 },
    );
    expect(await pool.query('SELECT * FROM thing; RETURN session::db()')).toEqual([[], 'test']);
  });

  test('is left alone while anything of it can still be used: a query under way, a builder, a live loop', async () => {
    const pool = await own.pool('mem://', { maxConnections: 3, leakDetectionThreshold: '10s' });
    await pool.query('DEFINE TABLE thing');
    const slow = pool.acquire().then((connection) => connection.query('SLEEP 30s').collect());
    slow.catch(() => {});
    const builder = await pool.acquire().then((connection) => ({ select: connection.select(new Table('thing')) }));
    const loop = await pool.acquire().then(async (connection) => ({ live: await connection.live(new Table('thing')) }));
    for (let round = 0; round < 10; round++) {
      collectGarbage();
      await settled();
    }
    expect(pool.poolStats()).toMatchObject({ leased: 3, reclaimed: 0 });
    expect(await builder.select).toEqual([]);
    expect(loop.live.isAlive).toBe(true);
  });

  test('is not watched without the option: no stack is taken', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1 });
    await pool.acquire();
    expect((await pool.shutdown({ gracePeriod: 0 })).aborted).toMatchObject([{ origin: undefined }]);
  });
});

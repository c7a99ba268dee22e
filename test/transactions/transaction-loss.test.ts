import { describe, expect, test, vi } from 'vitest';
import { ConnectionLostError, LeaseReleasedError, TransactionLostError } from '../../src/index.js';
import type { Fault } from '../support/front.js';
import { collectGarbage } from '../support/garbage.js';
import { surroundings } from '../support/surroundings.js';
import { id, storedThings } from '../support/things.js';
import { settled } from '../support/virtual-clock.js';

const own = surroundings();
const stored = () => storedThings(own);

describe('the end of a connection', () => {
  test('with a transaction open at its release: cancelled, told, and kept', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const told: unknown[] = [];
    pool.subscribe('transactionAbandoned', (event) => told.push(event));
    const connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.create(id(1));
    connection.release();
    await expect(transaction.create(id(2)).then()).rejects.toThrow(LeaseReleasedError);
    expect(await pool.query('RETURN 1')).toEqual([1]);
    await settled();
    expect(told).toEqual([{ connection: connection.id }]);
    expect(front.requests.get('cancel')).toBe(1);
    expect(pool.poolStats()).toMatchObject({ opened: 1, resets: 1, transactions: { abandoned: 1, open: 0 } });
    expect(await stored()).toEqual([]);
  });

  test('with a transaction that is just being begun at its release: undone, and the next lease is not told', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    const arrived = new Promise<void>((resolve) => {
      front.onRequest = ({ method }) => {
        if (method !== 'begin') return 'pass';
        resolve();
        return { delay: 20 };
      };
    });
    const begun = connection.beginTransaction();
    await arrived;
    connection.release();
    await expect(begun).rejects.toThrow(LeaseReleasedError);
    (await pool.acquire()).release();
    expect(front.requests.get('cancel')).toBe(1);
    expect(pool.poolStats()).toMatchObject({ opened: 1, transactions: { begun: 0 } });
  });

  test('with a transaction that cannot be cancelled at its release: closed', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1, resetTimeout: 100 });
    front.onRequest = ({ method }) => (method === 'cancel' ? 'swallow' : 'pass');
    const connection = await pool.acquire();
    await connection.beginTransaction();
    connection.release();
    expect(await pool.query('RETURN 1')).toEqual([1]);
    expect(pool.poolStats()).toMatchObject({ opened: 2, resetsFailed: 1 });
  });

  test('whose rollback is not answered: told, and closed at its release', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1, resetTimeout: 100 });
    const told: object[] = [];
    pool.subscribe('rollbackFailed', (event) => told.push(event));
    front.onRequest = ({ method }) => (method === 'cancel' ? 'swallow' : 'pass');
    const error = new Error('mine');
    await expect(pool.withTransaction(() => Promise.reject(error))).rejects.toBe(error);
    expect(await pool.query('RETURN 1')).toEqual([1]);
    expect(told).toMatchObject([{ connection: 1, error: { code: 'ERR_POOL_DEADLINE' } }]);
    expect(pool.poolStats()).toMatchObject({ opened: 2, transactions: { lost: 1, open: 0 } });
  });

  test('that is lost is the end of its transaction', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.create(id(1));
    const asked = transaction.query('SLEEP 5s').collect();
    asked.catch(() => {});
    front.dropAll();
    await expect(asked).rejects.toThrow(TransactionLostError);
    await expect(transaction.create(id(2)).then()).rejects.toThrow(TransactionLostError);
    await expect(transaction.commit()).rejects.toMatchObject({ retryable: true, cause: { outcome: 'unknown' } });
    await transaction.rollback();
    expect(transaction.state).toBe('lost');
    connection.release();
    expect(await stored()).toEqual([]);
    expect(pool.poolStats().transactions).toMatchObject({ lost: 1, open: 0 });
  });

  test('that is lost while nothing is asked is the end of its transaction as well', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    front.dropAll();
    await vi.waitFor(() => expect(transaction.state).toBe('lost'));
    await expect(transaction.query('RETURN 1').collect()).rejects.toThrow(TransactionLostError);
    await expect(connection.query('RETURN 1').collect()).rejects.toThrow(ConnectionLostError);
  });

  test('on a shared socket cancels its transaction, which would live on there', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 2, sessionsPerTransport: 2 });
    await using other = await pool.acquire();
    const connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.create(id(1));
    connection.markForRecycling();
    connection.release();
    await vi.waitFor(() => expect(front.requests.get('cancel')).toBe(1));
    expect(await other.query('RETURN 1')).toEqual([1]);
  });

  test('on a shared socket while a transaction is begun cancels it when the answer comes', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 3, sessionsPerTransport: 3 });
    await using other = await pool.acquire();
    await pool.withTransaction(() => {});
    const controller = new AbortController();
    let goOn = (): void => {};
    const held = new Promise<Fault>((resolve) => {
      goOn = () => resolve('pass');
    });
    front.onRequest = ({ method }) => {
      if (method !== 'begin') return 'pass';
      controller.abort(new Error('enough'));
      return held;
    };
    const givenUp = pool.withTransaction(() => {}, { signal: controller.signal });
    await expect(givenUp).rejects.toMatchObject({ code: 'ERR_POOL_TRANSACTION_ABORTED', cause: { message: 'enough' } });
    goOn();
    // It would stay open for as long as the socket, where a server allows only so many.
    await vi.waitFor(() => expect(front.requests.get('cancel')).toBe(1));
    expect(await other.query('RETURN 1')).toEqual([1]);
    expect(front.connections).toBe(1);
  });
});

describe('a transaction whose lease nothing holds any more', () => {
  test('is taken back with its lease', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 1, leakDetectionThreshold: '1h' });
    await (async () => {
      const connection = await pool.acquire();
      await (await connection.beginTransaction()).create(id(1));
    })();
    await vi.waitFor(
      () => {
        collectGarbage();
        expect(pool.poolStats()).toMatchObject({ reclaimed: 1, transactions: { abandoned: 1, open: 0 } });
      },
      { timeout: 20_000 },
    );
    expect(await stored()).toEqual([]);
  });
});

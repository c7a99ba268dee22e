import { describe, expect, test, vi } from 'vitest';
import {
  LeaseReleasedError,
  TransactionAbortedError,
  TransactionEndedError,
  TransactionLostError,
  type TransactionOptions,
} from '../../src/index.js';
import type { Fault } from '../support/front.js';
import { collectGarbage } from '../support/garbage.js';
import { ownText } from '../support/own-text.js';
import { savepointScene } from '../support/savepoint-scene.js';
import { asked } from '../support/surroundings.js';
import { id } from '../support/things.js';

const scene = savepointScene();

describe('what happens during a replay', () => {
  /** A transaction whose replay stands still at its first query, and then goes as `fault` says. */
  async function standing(fault: () => Fault, options: TransactionOptions = {}) {
    const { connection, transaction } = await scene.begin(options);
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    let arrive = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    scene.front.onRequest = async ({ method, params }): Promise<Fault> => {
      if (method !== 'query' || !ownText(params[0]).startsWith('RETURN time::now()')) return 'pass';
      arrive();
      await held;
      return fault();
    };
    const back = savepoint.rollback();
    back.catch(() => {});
    await arrived;
    return { connection, transaction, savepoint, back, goOn };
  }

  test('a lost connection loses the transaction', async () => {
    const { connection, transaction, back, goOn } = await standing(() => 'pass');
    scene.front.dropAll();
    await expect(back).rejects.toThrow(TransactionLostError);
    expect(transaction.state).toBe('lost');
    await expect(transaction.commit()).rejects.toThrow(TransactionLostError);
    goOn();
    connection.release();
    await scene.pool.query('RETURN 1');
    expect(await scene.stored()).toEqual([]);
  });

  test('a signal aborts it; a call under way is cut off with its connection', async () => {
    const controller = new AbortController();
    const { connection, transaction, back, goOn } = await standing(() => 'pass', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(back).rejects.toMatchObject({
      code: 'ERR_POOL_CALL_ABORTED',
      outcome: 'not-sent',
      message: expect.stringContaining('nothing of it was applied'),
      cause: { outcome: 'unknown', cause: { code: 'ERR_POOL_TRANSACTION_ABORTED', cause: { message: 'enough' } } },
    });
    await expect(transaction.commit()).rejects.toMatchObject({ retryable: true });
    goOn();
    connection.release();
    await scene.pool.query('RETURN 1');
    expect(await scene.stored()).toEqual([]);
    expect(scene.pool.poolStats().transactions).toMatchObject({ open: 0, committed: 0 });
  });

  test('the end of its time leaves a transaction that can only be rolled back, also when nothing is under way', async () => {
    const controller = new AbortController();
    const { connection, transaction } = await scene.begin({ signal: controller.signal });
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    controller.abort(new Error('enough'));
    await expect(savepoint.rollback()).rejects.toThrow(TransactionAbortedError);
    expect(transaction.state).toBe('aborted');
    await transaction.rollback();
    connection.release();
    expect(await scene.stored()).toEqual([]);
  });

  test('the release of the connection ends it, and the next lease gets it clean', async () => {
    await scene.reconnect({ maxConnections: 1 });
    const { connection, transaction, savepoint, back, goOn } = await standing(() => 'pass');
    connection.release();
    goOn();
    await expect(back).rejects.toThrow(LeaseReleasedError);
    await expect(savepoint.rollback()).rejects.toThrow(LeaseReleasedError);
    await expect(transaction.savepoint()).rejects.toThrow(LeaseReleasedError);
    await scene.pool.query('RETURN 1');
    expect(await scene.stored()).toEqual([]);
    // The first, the second and the witness.
    expect(asked(scene.front, 'cancel')).toBe(3);
    expect(scene.pool.poolStats()).toMatchObject({ opened: 1, transactions: { abandoned: 1, open: 0 } });
  });

  test('a rollback of everything and a commit wait for it', async () => {
    const one = await standing(() => 'pass');
    const rollback = one.transaction.rollback();
    one.goOn();
    await expect(one.back).rejects.toThrow(TransactionEndedError);
    await rollback;
    one.connection.release();
    const two = await standing(() => 'pass');
    const commit = two.transaction.commit();
    two.goOn();
    await two.back;
    await commit;
    two.connection.release();
    expect(await scene.stored()).toEqual([1]);
    expect(scene.pool.poolStats().transactions).toMatchObject({ open: 0, committed: 1, rolledBack: 1 });
  });

  test('an answer that is none ends the socket, and with it the transaction', async () => {
    const { connection, transaction, back, goOn } = await standing(() => ({ nonsense: 'a number' }));
    goOn();
    await expect(back).rejects.toThrow(TransactionLostError);
    expect(transaction.state).toBe('lost');
    connection.release();
    expect(await scene.stored()).toEqual([]);
  });

  test('a lease that nobody holds any more is taken back, with what it had of savepoints', async () => {
    await scene.reconnect({ maxConnections: 1, leakDetectionThreshold: '1h' });
    await (async () => {
      const { transaction } = await scene.begin();
      await transaction.withTransaction((within) => within.create(id(1)).then());
      const savepoint = await transaction.savepoint();
      await transaction.create(id(2));
      await savepoint.rollback();
    })();
    await vi.waitFor(
      () => {
        collectGarbage();
        expect(scene.pool.poolStats()).toMatchObject({ reclaimed: 1, transactions: { abandoned: 1, open: 0 } });
      },
      { timeout: 20_000 },
    );
    expect(await scene.stored()).toEqual([]);
  });

  test('queryTimeout is for each call, not for the batch they are in', async () => {
    await scene.reconnect({ queryTimeout: 500 });
    const { connection, transaction } = await scene.begin();
    for (let number = 0; number < 4; number++) await transaction.query('CREATE $id', { id: id(number) });
    const savepoint = await transaction.savepoint();
    await transaction.create(id(9));
    scene.front.onRequest = ({ params }) => (ownText(params[0]).startsWith('RETURN time') ? { delay: 700 } : 'pass');
    await savepoint.rollback();
    await transaction.commit();
    expect(await scene.stored()).toEqual([0, 1, 2, 3]);
    connection.release();
  });

  test('a first transaction that cannot be cancelled ends with its connection', async () => {
    await scene.reconnect({ maxConnections: 1, resetTimeout: 100 });
    const { connection, transaction } = await scene.begin();
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    let cancels = 0;
    scene.front.onRequest = ({ method }) => (method === 'cancel' && ++cancels === 1 ? 'swallow' : 'pass');
    await savepoint.rollback();
    await transaction.commit();
    expect(await scene.stored()).toEqual([1]);
    connection.release();
    await scene.pool.query('RETURN 1');
  });
});

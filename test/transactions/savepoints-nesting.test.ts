import { describe, expect, test } from 'vitest';
import { SavepointDivergedError, TransactionAbortedError, UsageError } from '../../src/index.js';
import { fail, savepointScene } from '../support/savepoint-scene.js';
import { id } from '../support/things.js';

const scene = savepointScene();

describe('a transaction within another', () => {
  test('stays when it returns, is undone when it throws, and the outer one goes on', async () => {
    const error = new Error('mine');
    const result = await scene.pool.withTransaction(async (transaction) => {
      await transaction.create(id(1));
      const [inner] = await Promise.allSettled([
        transaction.withTransaction(async (within, attempt) => {
          await within.create(id(1 + attempt));
          throw error;
        }),
      ]);
      expect(inner.status === 'rejected' && inner.reason).toBe(error);
      return await transaction.withTransaction(async (within) => {
        await within.create(id(3));
        await within.withSavepoint((deeper) => fail(deeper)).catch(() => {});
        return 'done';
      });
    });
    expect(result).toBe('done');
    expect(await scene.stored()).toEqual([1, 3]);
    expect(scene.pool.poolStats().savepoints).toMatchObject({ created: 3, rollbacks: 2 });
  });

  test('is what connection.withTransaction() is, from the work of another one on that connection', async () => {
    const connection = await scene.pool.acquire();
    const create = (number: number) => connection.withTransaction((within) => within.create(id(number)).then());
    await connection.withTransaction(async () => {
      await create(1);
      await expect(connection.withTransaction(fail)).rejects.toThrow('no');
      // However deep, and in calls that are begun together.
      await connection.withTransaction(() => Promise.all([connection.create(id(2)), create(3)]));
    });
    expect(await scene.stored()).toEqual([1, 2, 3]);
    expect(scene.pool.poolStats()).toMatchObject({
      transactions: { begun: 1, committed: 1, open: 0 },
      savepoints: { created: 4, rollbacks: 1 },
    });
    connection.release();
  });

  test('is never what connection.withTransaction() is beside that work: it is refused', async () => {
    const connection = await scene.pool.acquire();
    let work = 0;
    const beside = () => connection.withTransaction(() => void work++);
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let begun = (): void => {};
    const open = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const first = connection.withTransaction(async (transaction) => {
      await transaction.create(id(1));
      begun();
      await held;
    });
    await open;
    await expect(beside()).rejects.toThrow(UsageError);
    goOn();
    await first;
    const transaction = await connection.beginTransaction();
    await expect(beside()).rejects.toThrow('call withTransaction() on the transaction itself');
    expect(transaction.state).toBe('active');
    await transaction.withTransaction((within) => within.create(id(2)).then());
    await transaction.commit();
    expect(work).toBe(0);
    await beside();
    expect(work).toBe(1);
    expect(await scene.stored()).toEqual([1, 2]);
    connection.release();
  });

  test('is undone, and says so, when it hides that a call failed', async () => {
    await scene.pool.withTransaction(async (transaction) => {
      await transaction.create(id(1));
      const hiding = transaction.withTransaction(async (within) => {
        await fail(within).catch(() => {});
      });
      await expect(hiding).rejects.toThrow(TransactionAbortedError);
      await transaction.create(id(2));
    });
    expect(await scene.stored()).toEqual([1, 2]);
  });

  test('whose failure nobody catches rolls back everything, with its error', async () => {
    const error = new Error('mine');
    const [result] = await Promise.allSettled([
      scene.pool.withTransaction(async (transaction) => {
        await transaction.create(id(1));
        await transaction.withTransaction(() => Promise.reject(error));
      }),
    ]);
    expect(result.status === 'rejected' && result.reason).toBe(error);
    expect(await scene.stored()).toEqual([]);
  });

  test('that cannot be undone rejects with that, and aborts the outer one', async () => {
    await scene.meddle('CREATE thing:50 SET n = 1');
    const { connection, transaction } = await scene.begin();
    await transaction.select(id(50));
    const error = new Error('mine');
    const [inner] = await Promise.allSettled([
      transaction.withTransaction(async (within) => {
        await within.create(id(1));
        await scene.meddle('UPDATE thing:50 SET n = 2');
        throw error;
      }),
    ]);
    expect(inner).toMatchObject({ reason: { code: 'ERR_POOL_SAVEPOINT_DIVERGED' } });
    expect(inner.status === 'rejected' && inner.reason.cause).toBe(error);
    expect(transaction.state).toBe('aborted');
    await expect(transaction.commit()).rejects.toMatchObject({
      code: 'ERR_POOL_TRANSACTION_ABORTED',
      cause: { code: 'ERR_POOL_SAVEPOINT_DIVERGED' },
    });
    expect(await scene.stored()).toEqual([50]);
    connection.release();
  });

  test('that cannot be undone takes its savepoints with it, so that no part of it is kept', async () => {
    await scene.meddle('CREATE thing:50 SET n = 1');
    const { connection, transaction } = await scene.begin();
    await transaction.savepoint('here');
    await transaction.select(id(50));
    const failing = transaction.withTransaction(async (within) => {
      await within.create(id(1));
      await within.savepoint('here');
      await scene.meddle('UPDATE thing:50 SET n = 2');
      throw new Error('mine');
    });
    await expect(failing).rejects.toThrow(SavepointDivergedError);
    // The name means the savepoint before that work again, which cannot be had either.
    await expect(transaction.rollbackToSavepoint('here')).rejects.toThrow(SavepointDivergedError);
    expect(transaction.state).toBe('aborted');
    await expect(transaction.commit()).rejects.toThrow(TransactionAbortedError);
    expect(await scene.stored()).toEqual([50]);
    connection.release();
  });

  test.each([true, false])('that cannot be undone has the outer work done again (caught: %s)', async (caught) => {
    await scene.meddle('CREATE thing:50 SET n = 1');
    const attempts: number[] = [];
    await scene.pool.withTransaction(async (transaction, attempt) => {
      attempts.push(attempt);
      await transaction.select(id(50));
      const inner = transaction.withTransaction(async (within) => {
        await within.create(id(attempt));
        if (attempt > 1) return;
        await scene.meddle('UPDATE thing:50 SET n = 2');
        await fail(within);
      });
      await (caught ? inner.catch(() => {}) : inner);
    });
    expect(attempts).toEqual([1, 2]);
    expect(await scene.stored()).toEqual([2, 50]);
  });

  test('is one at a time: beside another one, or not awaited, it is refused', async () => {
    await scene.pool.withTransaction(async (transaction) => {
      const results = await Promise.allSettled([
        transaction.withTransaction((within) => within.create(id(1)).then()),
        transaction.withTransaction((within) => within.create(id(2)).then()),
      ]);
      expect(results).toMatchObject([{ status: 'fulfilled' }, { reason: { code: 'ERR_POOL_USAGE' } }]);
    });
    expect(await scene.stored()).toEqual([1]);
    const deep = scene.pool.withTransaction(async (transaction) => {
      await transaction.withTransaction(async (within) => {
        within.withTransaction((deeper) => deeper.create(id(3)).then()).catch(() => {});
      });
    });
    await expect(deep).rejects.toThrow('was not awaited');
    const forgotten = scene.pool.withTransaction(async (transaction) => {
      transaction.withTransaction((within) => within.create(id(4)).then()).catch(() => {});
    });
    await expect(forgotten).rejects.toThrow('was under way');
    const early = scene.pool.withTransaction((transaction) => transaction.withTransaction((within) => within.commit()));
    await expect(early).rejects.toThrow('commit outside of it');
    expect(await scene.stored()).toEqual([1]);
    expect(scene.pool.poolStats().transactions).toMatchObject({ open: 0, committed: 1 });
  });

  test('may roll back everything, and takes the options of the outer one', async () => {
    const { connection, transaction } = await scene.begin();
    await transaction.withTransaction(async (within) => {
      await within.create(id(1));
      await within.rollback();
    });
    expect(transaction.state).toBe('rolledBack');
    const other = await connection.beginTransaction();
    await expect(other.withTransaction(() => {}, { timeout: 5 })).rejects.toThrow(UsageError);
    await other.withTransaction(() => {}, { retry: false, verifyCommit: true });
    await other.rollback();
    connection.release();
    expect(await scene.stored()).toEqual([]);
  });
});

import { describe, expect, test, vi } from 'vitest';
import { SavepointDivergedError, TransactionAbortedError } from '../../src/index.js';
import { fail, numbersIn, savepointScene } from '../support/savepoint-scene.js';
import { asked } from '../support/surroundings.js';
import { id } from '../support/things.js';

const scene = savepointScene();

describe('a rollback that diverges', () => {
  test.each(['active', 'aborted'] as const)('leaves the transaction as it was: %s', async (state) => {
    await scene.meddle('CREATE thing:50 SET n = 1');
    const { connection, transaction } = await scene.begin();
    await transaction.create(id(1));
    await transaction.query('SELECT * FROM thing:50; RETURN 1');
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    const later = await transaction.savepoint('later');
    if (state === 'aborted') await fail(transaction).catch(() => {});
    await scene.meddle('UPDATE thing:50 SET n = 2');
    const [failure] = await Promise.allSettled([savepoint.rollback()]);
    expect(failure).toMatchObject({
      reason: {
        code: 'ERR_POOL_SAVEPOINT_DIVERGED',
        retryable: true,
        statement: 'SELECT * FROM thing:50; RETURN 1',
        path: '[0].n',
        expected: 1,
        found: 2,
      },
    });
    expect(transaction.state).toBe(state);
    expect(scene.pool.poolStats().savepoints).toMatchObject({ divergences: 1, rollbacks: 0 });
    expect(asked(scene.front, 'begin')).toBe(5);
    // The second transaction, the witness and the two that find out why, and not the first.
    await vi.waitFor(() => expect(asked(scene.front, 'cancel')).toBe(4));
    if (state === 'aborted') {
      await expect(transaction.commit()).rejects.toThrow(TransactionAbortedError);
      expect(await scene.stored()).toEqual([50]);
    } else {
      expect(await transaction.query('SELECT VALUE n FROM thing:50')).toEqual([[1]]);
      // Savepoints and log are what they were as well.
      await later.release();
      expect(await numbersIn(transaction)).toEqual([1, 2, 50]);
      await transaction.commit();
      expect(await scene.stored()).toEqual([1, 2, 50]);
    }
    connection.release();
  });

  test('because a statement fails now, says with what', async () => {
    await scene.meddle('DEFINE INDEX OVERWRITE only ON thing FIELDS n UNIQUE');
    const { connection, transaction } = await scene.begin();
    await transaction.create(id(1)).content({ n: 1 });
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2)).content({ n: 2 });
    await scene.meddle('CREATE thing:3 SET n = 1');
    await expect(savepoint.rollback()).rejects.toMatchObject({
      retryable: true,
      statement: expect.stringMatching(/^CREATE/),
      path: '',
      expected: { id: id(1), n: 1 },
      found: expect.objectContaining({ message: expect.stringContaining('already contains') }),
    });
    await transaction.rollback();
    connection.release();
    await scene.meddle('REMOVE INDEX only ON thing');
  });

  test('is not fooled by moments that others made', async () => {
    await scene.meddle('DEFINE FIELD OVERWRITE touched ON thing TYPE datetime VALUE time::now(); CREATE thing:1');
    const { connection, transaction } = await scene.begin();
    await transaction.query('SELECT * FROM thing:1');
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    await scene.meddle('UPDATE thing:1');
    await expect(savepoint.rollback()).rejects.toThrow(SavepointDivergedError);
    await transaction.rollback();
    connection.release();
    await scene.meddle('REMOVE FIELD touched ON thing');
  });

  test('is not fooled by moments that others made since the begin of the first transaction', async () => {
    await scene.meddle('DEFINE FIELD OVERWRITE created_at ON thing TYPE datetime DEFAULT time::now()');
    const { connection, transaction } = await scene.begin();
    await transaction.upsert(id(1)).merge({ n: 1 });
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    // What the second transaction finds differs in nothing but the time of its creation.
    await scene.meddle('CREATE thing:1 SET n = 1');
    await expect(savepoint.rollback()).rejects.toThrow(SavepointDivergedError);
    await transaction.rollback();
    connection.release();
    await scene.meddle('REMOVE FIELD created_at ON thing');
  });

  test('is not fooled by moments that others made by a clock that is ahead', async () => {
    await scene.meddle('DEFINE FIELD OVERWRITE created_at ON thing TYPE datetime DEFAULT time::now()');
    const { connection, transaction } = await scene.begin();
    await transaction.upsert(id(1)).merge({ n: 1 });
    // So that the replay goes on for longer than their clock is ahead.
    await transaction.query('FOR $number IN 0..200000 { LET $same = $number }');
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    await scene.meddle('CREATE thing:1 SET n = 1, created_at = time::now() + 200ms');
    await expect(savepoint.rollback()).rejects.toMatchObject({ code: 'ERR_POOL_SAVEPOINT_DIVERGED', retryable: true });
    await transaction.rollback();
    connection.release();
    await scene.meddle('REMOVE FIELD created_at ON thing');
  });

  test('each time it is tried says that another attempt cannot help, and the work is not done again', async () => {
    await scene.meddle('DEFINE FIELD OVERWRITE token ON thing TYPE string DEFAULT rand::id()');
    let attempts = 0;
    const work = scene.pool.withTransaction(async (transaction) => {
      attempts++;
      await transaction.create(id(1));
      const savepoint = await transaction.savepoint();
      await transaction.create(id(2));
      await savepoint.rollback();
    });
    await expect(work).rejects.toMatchObject({
      code: 'ERR_POOL_SAVEPOINT_DIVERGED',
      retryable: false,
      path: 'token',
      message: expect.stringContaining('Another attempt cannot help'),
    });
    expect(attempts).toBe(1);
    expect(await scene.stored()).toEqual([]);
    expect(scene.pool.poolStats().transactions).toMatchObject({ retries: 0, rolledBack: 1, open: 0 });
    await scene.meddle('REMOVE FIELD token ON thing');
  });

  test('because others wrote what was read behind the savepoint, though all of it is undone', async () => {
    await scene.meddle('CREATE thing:50 SET n = 1');
    const { connection, transaction } = await scene.begin();
    const savepoint = await transaction.savepoint();
    const [n] = await transaction.query<[number]>('SELECT VALUE n FROM ONLY thing:50');
    await transaction.create(id(1));
    await scene.meddle('UPDATE thing:50 SET n = 2');
    // The program would go on to write n + 1, and lose the update of the others.
    expect(n).toBe(1);
    await expect(savepoint.rollback()).rejects.toMatchObject({ retryable: true, expected: 1, found: 2 });
    expect(transaction.state).toBe('active');
    await transaction.rollback();
    connection.release();
  });

  test('has the whole work of withTransaction done again', async () => {
    await scene.meddle('CREATE thing:50 SET n = 1');
    const attempts: unknown[] = [];
    await scene.pool.withTransaction(async (transaction, attempt) => {
      const [n] = await transaction.query('SELECT VALUE n FROM ONLY thing:50');
      attempts.push([attempt, n]);
      const savepoint = await transaction.savepoint();
      await transaction.create(id(attempt));
      if (attempt === 1) await scene.meddle('UPDATE thing:50 SET n = 2');
      await savepoint.rollback();
    });
    expect(attempts).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(await scene.stored()).toEqual([50]);
    expect(scene.pool.poolStats().transactions).toMatchObject({ retries: 1, rolledBack: 1, committed: 1 });
  });
});

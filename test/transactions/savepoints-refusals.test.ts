import { describe, expect, test } from 'vitest';
import { type TransactionOptions, UsageError } from '../../src/index.js';
import { savepointScene } from '../support/savepoint-scene.js';
import { asked } from '../support/surroundings.js';
import { id, thing } from '../support/things.js';

const scene = savepointScene();

describe('a savepoint is refused', () => {
  test('after what cannot be replayed, by name and reason, and the transaction goes on', async () => {
    const { connection, transaction } = await scene.begin();
    const early = await transaction.savepoint();
    await transaction.query('CREATE thing:1 SET n = rand()');
    await expect(transaction.savepoint()).rejects.toMatchObject({
      code: 'ERR_POOL_SAVEPOINT_UNSUPPORTED',
      refused: 'savepoint',
      statement: expect.stringContaining('rand'),
      message: expect.stringContaining('Make it before that call'),
    });
    // What that call answered was shown, and could not be verified.
    await expect(early.rollback()).rejects.toMatchObject({
      code: 'ERR_POOL_SAVEPOINT_UNSUPPORTED',
      refused: 'rollback',
      statement: expect.stringContaining('rand'),
      message: expect.stringContaining('RETURN NONE'),
    });
    expect(transaction.state).toBe('active');
    await transaction.create(id(2));
    await transaction.commit();
    expect(await scene.stored()).toEqual([1, 2]);
    expect(scene.pool.poolStats().savepoints).toMatchObject({
      ...{ created: 1, rollbacks: 0, divergences: 0, refusedUnsupported: 2, refusedLimit: 0 },
    });
    connection.release();
  });

  test.each([
    ['answered nothing', 'CREATE thing:1 SET n = rand() RETURN NONE'],
    ['has the same answer each time', 'CREATE thing:1 SET n = math::floor(rand())'],
  ])('but a rollback is not, when the call behind the savepoint %s', async (_name, text) => {
    const { connection, transaction } = await scene.begin();
    const early = await transaction.savepoint();
    await transaction.query(text);
    await early.rollback();
    await transaction.savepoint();
    await transaction.create(id(2));
    await transaction.commit();
    expect(await scene.stored()).toEqual([2]);
    connection.release();
  });

  test('as a rollback is, behind a call that does something outside of the database', async () => {
    await scene.meddle('DEFINE SEQUENCE OVERWRITE numbers');
    const { connection, transaction } = await scene.begin();
    const early = await transaction.savepoint();
    await transaction.query('RETURN sequence::nextval("numbers")');
    const begun = asked(scene.front, 'begin');
    await expect(early.rollback()).rejects.toMatchObject({
      code: 'ERR_POOL_SAVEPOINT_UNSUPPORTED',
      refused: 'rollback',
      statement: expect.stringContaining('sequence::nextval'),
    });
    // To verify it would do it again.
    expect(asked(scene.front, 'begin')).toBe(begun);
    await transaction.rollback();
    connection.release();
  });

  test('after more than 16 MiB, and the transaction goes on', async () => {
    const { connection, transaction } = await scene.begin();
    const early = await transaction.savepoint();
    const text = 'x'.repeat(4_300_000);
    for (let number = 1; number <= 2; number++) await transaction.create(id(number)).content({ text });
    const beyond = { code: 'ERR_POOL_SAVEPOINT_LIMIT', limit: 'log', most: 16 * 1024 * 1024 };
    await expect(transaction.savepoint()).rejects.toMatchObject(beyond);
    // What is not in the log cannot be verified.
    await expect(early.rollback()).rejects.toMatchObject(beyond);
    await transaction.create(id(3));
    await transaction.commit();
    expect(await scene.stored()).toEqual([1, 2, 3]);
    expect(scene.pool.poolStats().savepoints.refusedLimit).toBe(2);
    connection.release();
  });

  test('as a rollback is, beyond 100,000 replayed calls', async () => {
    const { connection, transaction } = await scene.begin();
    for (let number = 0; number < 1000; number++) await transaction.query('RETURN 1');
    const savepoint = await transaction.savepoint();
    let replayed = 0;
    const more = async (): Promise<unknown> => {
      await transaction.create(id(1));
      const [result] = await Promise.allSettled([savepoint.rollback()]);
      if (result.status === 'rejected') return result.reason;
      expect(scene.pool.poolStats().savepoints.replayedCalls).toBeGreaterThan(replayed);
      replayed = scene.pool.poolStats().savepoints.replayedCalls;
      return undefined;
    };
    let refusal: unknown;
    while (refusal === undefined) refusal = await more();
    expect(refusal).toMatchObject({ code: 'ERR_POOL_SAVEPOINT_LIMIT', limit: 'replay', most: 100_000 });
    expect(replayed).toBeLessThanOrEqual(100_000);
    expect(transaction.state).toBe('active');
    await transaction.commit();
    expect(await scene.stored()).toEqual([1]);
    connection.release();
  });

  test('with savepoints: false, and nothing is changed for them', async () => {
    const { connection, transaction } = await scene.begin({ savepoints: false });
    const record = await transaction.create(thing).content({ n: 1 });
    expect(record).toBeDefined();
    for (const refused of [
      () => transaction.savepoint(),
      () => transaction.rollbackToSavepoint('a'),
      () => transaction.withSavepoint(() => {}),
      () => transaction.withTransaction(() => {}),
    ]) {
      await expect(refused()).rejects.toThrow('begun with savepoints: false');
    }
    await transaction.commit();
    expect(await scene.stored()).toHaveLength(1);
    await expect(connection.beginTransaction({ savepoints: false, onStatementError: 'savepoint' })).rejects.toThrow(
      UsageError,
    );
    const wrong = { onStatementError: 'ignore' } as unknown as TransactionOptions;
    await expect(connection.beginTransaction(wrong)).rejects.toThrow('onStatementError is ignore');
    connection.release();
  });
});

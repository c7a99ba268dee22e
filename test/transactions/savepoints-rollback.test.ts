import type { DateTime, RecordId } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { TransactionAbortedError, TransactionEndedError, UsageError } from '../../src/index.js';
import { fail, numbersIn, savepointScene } from '../support/savepoint-scene.js';
import { asked } from '../support/surroundings.js';
import { id, thing } from '../support/things.js';

const scene = savepointScene();

const notFound = { name: 'UsageError', code: 'ERR_POOL_SAVEPOINT_NOT_FOUND' };

describe('a rollback to a savepoint', () => {
  test('undoes what came after it and keeps what came before', async () => {
    const { connection, transaction } = await scene.begin();
    await transaction.create(id(1)).content({ name: 'one' });
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    await transaction.update(id(1)).merge({ name: 'changed' });
    await savepoint.rollback();
    expect(await transaction.query('SELECT VALUE name FROM thing')).toEqual([['one']]);
    await transaction.create(id(3));
    await transaction.commit();
    expect(await scene.stored()).toEqual([1, 3]);
    expect(scene.pool.poolStats()).toMatchObject({
      transactions: { begun: 1, committed: 1, open: 0, aborted: 0 },
      // In the second transaction the one call before the savepoint, in the witness all three.
      savepoints: { created: 1, rollbacks: 1, replayedCalls: 4, replayTime: { count: 1 }, divergences: 0 },
    });
    connection.release();
    expect(asked(scene.front, 'begin')).toBe(3);
    expect(asked(scene.front, 'cancel')).toBe(2);
    expect(asked(scene.front, 'commit')).toBe(1);
  });

  test('makes a transaction usable in which a call had failed', async () => {
    const { connection, transaction } = await scene.begin();
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint('before');
    for (let round = 0; round < 2; round++) {
      await expect(fail(transaction)).rejects.toThrow('no');
      await savepoint.rollback();
    }
    expect(scene.pool.poolStats().transactions.aborted).toBe(1);
    await expect(fail(transaction)).rejects.toThrow('no');
    await expect(transaction.savepoint()).rejects.toThrow(TransactionAbortedError);
    await expect(savepoint.release()).rejects.toThrow(TransactionAbortedError);
    await savepoint.rollback();
    expect(transaction.state).toBe('active');
    expect(await numbersIn(transaction)).toEqual([1]);
    await transaction.commit();
    expect(await scene.stored()).toEqual([1]);
    connection.release();
  });

  test('asks the server nothing when no call came after the savepoint', async () => {
    const { connection, transaction } = await scene.begin();
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    await savepoint.rollback();
    expect(asked(scene.front, 'begin')).toBe(1);
    await transaction.select(thing);
    await savepoint.rollback();
    const before = asked(scene.front, 'begin');
    await savepoint.rollback();
    expect(asked(scene.front, 'begin')).toBe(before);
    expect(scene.pool.poolStats().savepoints.rollbacks).toBe(1);
    await transaction.commit();
    connection.release();
  });

  test('verifies what came after the savepoint also when it only read', async () => {
    await scene.meddle('CREATE thing:50 SET n = 1');
    const { connection, transaction } = await scene.begin();
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    expect(await transaction.query('SELECT VALUE n FROM thing:50')).toEqual([[1]]);
    await transaction.query('SELECT * FROM thing; THROW "no"').responses();
    await savepoint.rollback();
    expect(asked(scene.front, 'begin')).toBeGreaterThan(1);
    // The read was undone, and is still something that the program has seen.
    await transaction.create(id(2));
    await scene.meddle('UPDATE thing:50 SET n = 2');
    await expect(savepoint.rollback()).rejects.toMatchObject({
      code: 'ERR_POOL_SAVEPOINT_DIVERGED',
      retryable: true,
      statement: 'SELECT VALUE n FROM thing:50',
      path: '[0]',
      expected: 1,
      found: 2,
    });
    await transaction.rollback();
    connection.release();
  });

  test('can be had again and again, and to any of several savepoints', async () => {
    const { connection, transaction } = await scene.begin();
    const first = await transaction.savepoint();
    await transaction.create(id(1));
    const second = await transaction.savepoint();
    await transaction.create(id(2));
    const third = await transaction.savepoint();
    await transaction.create(id(3));
    await second.rollback();
    await expect(third.rollback()).rejects.toMatchObject(notFound);
    expect(await numbersIn(transaction)).toEqual([1]);
    await transaction.create(id(4));
    await second.rollback();
    expect(await numbersIn(transaction)).toEqual([1]);
    await first.rollback();
    await expect(second.rollback()).rejects.toMatchObject(notFound);
    expect(await numbersIn(transaction)).toEqual([]);
    await transaction.create(id(5));
    await transaction.commit();
    expect(await scene.stored()).toEqual([5]);
    await expect(first.rollback()).rejects.toThrow(TransactionEndedError);
    await expect(transaction.savepoint()).rejects.toThrow(TransactionEndedError);
    connection.release();
  });

  test('goes by name: later ones hide earlier ones, and a release forgets it and those after it', async () => {
    const { connection, transaction } = await scene.begin();
    const outer = await connection.savepoint('a');
    await transaction.create(id(1));
    const inner = await connection.savepoint('a');
    await transaction.create(id(2));
    const last = await connection.savepoint('b');
    await connection.rollbackToSavepoint('a');
    expect(await numbersIn(transaction)).toEqual([1]);
    await expect(last.release()).rejects.toMatchObject(notFound);
    await inner.release();
    await transaction.create(id(3));
    await connection.rollbackToSavepoint('a');
    expect(await numbersIn(transaction)).toEqual([]);
    await outer.release();
    await expect(transaction.rollbackToSavepoint('a')).rejects.toMatchObject(notFound);
    await transaction.rollback();
    connection.release();
    await using other = await scene.pool.acquire();
    await expect(other.savepoint('a')).rejects.toThrow(UsageError);
    await expect(other.rollbackToSavepoint('a')).rejects.toThrow(UsageError);
  });

  test('waits for the calls before it, and those after it wait for it', async () => {
    const { connection, transaction } = await scene.begin();
    const created = transaction.create(id(1)).then();
    const savepoint = transaction.savepoint('here');
    const failing = transaction.query('CREATE thing:2; SLEEP 20ms; THROW "no"').collect();
    failing.catch(() => {});
    const back = transaction.rollbackToSavepoint('here');
    const after = transaction.create(id(3)).then();
    const commit = transaction.commit();
    await Promise.all([created, savepoint, back, after, commit]);
    await expect(failing).rejects.toThrow('no');
    expect(await scene.stored()).toEqual([1, 3]);
    connection.release();
  });

  test('leaves what the user holds working: the transaction, the connection, builders made before', async () => {
    const { connection, transaction } = await scene.begin();
    const before = transaction.create(id(1)).content({ n: 1 });
    const savepoint = await transaction.savepoint();
    const behind = transaction.create(id(2)).content({ n: 2 });
    await transaction.create(id(3));
    transaction.create(id(4));
    await savepoint.rollback();
    await behind;
    await before;
    await connection.create(id(5));
    await transaction.commit();
    // What was made behind the savepoint and forgotten is forgotten with it.
    expect(await scene.stored()).toEqual([1, 2, 5]);
    connection.release();
  });

  test('but a query made before the savepoint and never sent still fails the commit', async () => {
    const { connection, transaction } = await scene.begin();
    transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    await savepoint.rollback();
    await expect(transaction.commit()).rejects.toThrow('never sent (create)');
    connection.release();
  });

  test('makes records again with the ids that the builders got, and with moments of the second time', async () => {
    await scene.meddle('DEFINE FIELD OVERWRITE created_at ON thing TYPE datetime DEFAULT time::now()');
    const { connection, transaction } = await scene.begin();
    const made = await transaction.create<{ id: RecordId; created_at: DateTime }>(thing).content({ n: 1 });
    const [record] = Array.isArray(made) ? made : [made];
    const [read] = await transaction.query<[{ created_at: DateTime }[]]>('SELECT * FROM thing');
    expect(read[0]?.created_at).toEqual(record?.created_at);
    const savepoint = await transaction.savepoint();
    await transaction.delete(thing);
    await savepoint.rollback();
    await transaction.create(id(2));
    await savepoint.rollback();
    await transaction.commit();
    const [rows] = await scene.meddle('SELECT * FROM thing');
    expect(rows).toMatchObject([{ id: record?.id, n: 1 }]);
    const { created_at: at } = (rows as { created_at: DateTime }[])[0] ?? {};
    expect((at?.nanoseconds ?? 0n) > (record?.created_at.nanoseconds ?? 0n)).toBe(true);
    connection.release();
    await scene.meddle('REMOVE FIELD created_at ON thing');
  });

  test('replays in batches', async () => {
    const { connection, transaction } = await scene.begin();
    for (let number = 0; number < 100; number++) await transaction.create(id(number)).content({ number });
    const savepoint = await transaction.savepoint();
    await transaction.delete(thing);
    const before = asked(scene.front, 'query');
    await savepoint.rollback();
    // 100 calls in the second transaction and 101 in the witness.
    expect(scene.pool.poolStats().savepoints.replayedCalls).toBe(201);
    expect(asked(scene.front, 'query') - before).toBeLessThanOrEqual(20);
    await transaction.commit();
    expect(await scene.stored()).toHaveLength(100);
    connection.release();
  });

  test('keeps verifyCommit: the second transaction has the marker too', async () => {
    const { connection, transaction } = await scene.begin({ verifyCommit: true });
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    await savepoint.rollback();
    let dropped = false;
    scene.front.onRequest = ({ method }) => {
      if (method !== 'commit' || dropped) return 'pass';
      dropped = true;
      return 'drop';
    };
    await transaction.commit();
    expect(dropped).toBe(true);
    expect(await scene.stored()).toEqual([1]);
    const [states] = await scene.meddle('SELECT VALUE state FROM surreal_pool_commit');
    expect(states).toEqual(['committed']);
    expect(scene.pool.poolStats().transactions).toMatchObject({ committed: 1, fenced: 1 });
    connection.release();
  });
});

import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/index.js';
import { fail, numbersIn, savepointScene } from '../support/savepoint-scene.js';
import { id, thing } from '../support/things.js';

const scene = savepointScene();

describe("onStatementError: 'savepoint'", () => {
  const options = { onStatementError: 'savepoint' } as const;

  test('undoes a failed call alone, whoever reads its answer', async () => {
    const { connection, transaction } = await scene.begin(options);
    await transaction.create(id(1));
    await expect(fail(transaction)).rejects.toThrow('no');
    const [, second] = await transaction.query('CREATE thing:91; THROW "no"').responses();
    expect(second?.success).toBe(false);
    await expect(transaction.query('CREAT thing:1').collect()).rejects.toThrow('Parse error');
    await expect(transaction.query('USE DB other').collect()).rejects.toThrow(UsageError);
    await expect(transaction.query('RETURN $a', { a: 2n ** 70n }).collect()).rejects.toThrow(UsageError);
    await expect(transaction.live(thing).then()).rejects.toThrow(UsageError);
    expect(transaction.state).toBe('active');
    await Promise.allSettled([transaction.create(id(1)).then(), transaction.create(id(2)).then()]);
    expect(await numbersIn(transaction)).toEqual([1, 2]);
    await transaction.commit();
    expect(await scene.stored()).toEqual([1, 2]);
    expect(scene.pool.poolStats().transactions.aborted).toBe(0);
    connection.release();
  });

  test('aborts when the call cannot be undone alone, and says why', async () => {
    const { connection, transaction } = await scene.begin(options);
    await transaction.query('CREATE thing:1 SET n = rand()');
    await expect(fail(transaction)).rejects.toThrow('no');
    await expect(transaction.commit()).rejects.toThrow(/because this failed: CREATE thing:90.*not be undone alone/);
    expect(await scene.stored()).toEqual([]);
    connection.release();
  });

  test('has the work of withTransaction done again when others changed what it had read', async () => {
    await scene.meddle('CREATE thing:50 SET n = 1');
    const attempts: number[] = [];
    await scene.pool.withTransaction(async (transaction, attempt) => {
      attempts.push(attempt);
      await transaction.select(id(50));
      if (attempt === 1) await scene.meddle('UPDATE thing:50 SET n = 2');
      await fail(transaction).catch(() => {});
    }, options);
    expect(attempts).toEqual([1, 2]);
    expect(await scene.stored()).toEqual([50]);
  });
});

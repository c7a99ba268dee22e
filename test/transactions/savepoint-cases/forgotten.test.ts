import { RecordId } from 'surrealdb';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ConnectionManager, createPool, type Savepoint, type Transaction } from '../../../src/index.js';
import { rocksdbUrl } from '../../support/temporary.js';
import { prepared, stored } from '../../support/undone-parts.js';

/** A query that was made and never awaited is never left out in silence, whatever happened while it was made. */
let pool: ConnectionManager;
beforeAll(async () => {
  pool = await createPool(rocksdbUrl(), { namespace: 'test', database: 'test', minConnections: 0, maxConnections: 3 });
  return () => pool.shutdown({ gracePeriod: 0 });
});

const make = (transaction: Transaction) => transaction.create(new RecordId('t', 3));

const cases: Readonly<Record<string, (transaction: Transaction, savepoint: Savepoint) => Promise<unknown>>> = {
  'during a rollback': async (transaction, savepoint) => {
    const undone = savepoint.rollback();
    make(transaction);
    await undone;
  },
  'during a rollback, as a text': async (transaction, savepoint) => {
    const undone = savepoint.rollback();
    transaction.query('CREATE t:3');
    await undone;
  },
  'during a rollback, a moment after it was begun': async (transaction, savepoint) => {
    const undone = savepoint.rollback();
    await new Promise((resolve) => setImmediate(resolve));
    make(transaction);
    await undone;
  },
  'during the second of two rollbacks': async (transaction, savepoint) => {
    await savepoint.rollback();
    await transaction.query('CREATE t:2');
    const undone = transaction.rollbackToSavepoint(savepoint.name);
    make(transaction);
    await undone;
  },
  'behind a rollback': async (transaction, savepoint) => {
    await savepoint.rollback();
    make(transaction);
  },
  'before a savepoint': async (transaction) => {
    make(transaction);
    const later = await transaction.savepoint();
    await transaction.query('CREATE t:4');
    await later.rollback();
  },
};

describe('a query that was never sent ends the transaction instead of being left out, made', () => {
  test.each(Object.entries(cases))('%s', async (_, forget) => {
    await prepared(pool, { schema: '', tables: ['t'] });
    const [result] = await Promise.allSettled([
      pool.withTransaction(
        async (transaction) => {
          await transaction.create(new RecordId('t', 1));
          const savepoint = await transaction.savepoint();
          await transaction.create(new RecordId('t', 2));
          await forget(transaction, savepoint);
        },
        { retry: false },
      ),
    ]);
    expect(result.status).toBe('rejected');
    expect(await stored(pool, ['t'])).toEqual([]);
  });

  test('in the part that is undone: it is undone with it', async () => {
    await prepared(pool, { schema: '', tables: ['t'] });
    await pool.withTransaction(
      async (transaction) => {
        await transaction.create(new RecordId('t', 1));
        const savepoint = await transaction.savepoint();
        make(transaction);
        await savepoint.rollback();
      },
      { retry: false },
    );
    expect(await stored(pool, ['t'])).toEqual(['{ id: t:1 }']);
  });
});

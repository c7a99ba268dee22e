import { RecordId, Table } from 'surrealdb';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ConnectionManager, createPool, type Transaction } from '../../../src/index.js';
import { rocksdbUrl } from '../../support/temporary.js';
import { prepared, refusal, undo } from '../../support/undone-parts.js';

/** Reads that write, by a computed field: what they wrote behind a savepoint is undone with the rest. */
let pool: ConnectionManager;
beforeAll(async () => {
  pool = await createPool(rocksdbUrl(), { namespace: 'test', database: 'test', minConnections: 0, maxConnections: 3 });
  return () => pool.shutdown({ gracePeriod: 0 });
});

const tables = ['t', 'log', 'out', 'other'];
const schema = `
  DEFINE FIELD hit ON t COMPUTED { UPSERT log:1 SET n = (n ?? 0) + 1; RETURN 1; };
  CREATE t:1 SET at = other:1; CREATE other:1 SET of = t:1; DELETE log`;

const reads: Readonly<Record<string, (transaction: Transaction) => PromiseLike<unknown>>> = {
  'a SELECT': (transaction) => transaction.query('SELECT * FROM t:1').collect(),
  'a SELECT of the field': (transaction) => transaction.query('SELECT VALUE hit FROM t').collect(),
  'a RETURN': (transaction) => transaction.query('RETURN t:1.hit').collect(),
  'a condition': (transaction) => transaction.query('SELECT id FROM t WHERE hit = 1').collect(),
  'a LET': (transaction) => transaction.query('LET $x = (SELECT hit FROM t); RETURN $x').collect(),
  'a subquery': (transaction) => transaction.query('SELECT id, (SELECT VALUE hit FROM t) AS hits FROM other').collect(),
  'a link to the record': (transaction) => transaction.query('SELECT of.hit FROM other:1').collect(),
  'a FETCH': (transaction) => transaction.query('SELECT * FROM other FETCH of').collect(),
  'a builder': (transaction) => transaction.select(new RecordId('t', 1)),
  'a builder over the table': (transaction) => transaction.select(new Table('t')).fields('hit'),
  'a read that answers only a part of a failing call': (transaction) =>
    transaction.query("SELECT * FROM t; THROW 'no'").responses(),
};
const prefix: Readonly<Record<string, string | undefined>> = {
  'first of all': undefined,
  'behind a write': 'CREATE out:1',
};

describe('what a read has written behind a savepoint is undone with it:', () => {
  const all = Object.entries(reads).flatMap(([name, read]) =>
    Object.entries(prefix).map(([place, before]) => [name, place, read, before] as const),
  );
  test.each(all)('%s, %s', async (_name, _place, read, before) => {
    await prepared(pool, { schema, tables });
    await pool.withTransaction(
      async (transaction) => {
        if (before !== undefined) await transaction.query(before);
        await undo(transaction, () => read(transaction));
      },
      { retry: false },
    );
    expect(await pool.query('SELECT * FROM log')).toEqual([[]]);
  });

  test('by a handle, and by several rollbacks', async () => {
    await prepared(pool, { schema, tables });
    await pool.withTransaction(
      async (transaction) => {
        const savepoint = await transaction.savepoint();
        for (let round = 0; round < 3; round++) {
          await transaction.query('SELECT * FROM t');
          await savepoint.rollback();
        }
      },
      { retry: false },
    );
    expect(await pool.query('SELECT * FROM log')).toEqual([[]]);
  });

  test('what it wrote before a savepoint remains, once', async () => {
    await prepared(pool, { schema, tables });
    await pool.withTransaction(
      async (transaction) => {
        await transaction.query('SELECT VALUE hit FROM t:1');
        const [before] = await transaction.query('SELECT VALUE n FROM log');
        await undo(transaction, () => transaction.query('SELECT VALUE hit FROM t:1; CREATE out:1'));
        expect(await transaction.query('SELECT VALUE n FROM log')).toEqual([before]);
      },
      { retry: false },
    );
    expect(await pool.query('SELECT * FROM out')).toEqual([[]]);
  });

  test.each(Object.entries(reads))('and is not there for what is undone later: %s', async (_name, read) => {
    await prepared(pool, { schema, tables });
    let log: unknown;
    await pool.withTransaction(
      async (transaction) => {
        await undo(transaction, () => read(transaction));
        await undo(transaction, () => read(transaction));
        [log] = await transaction.query('SELECT * FROM log');
        await undo(transaction, () => transaction.query('CREATE out:1').collect());
      },
      { retry: false },
    );
    expect(log).toEqual([]);
    expect(await pool.query('SELECT * FROM log; SELECT * FROM out')).toEqual([[], []]);
  });
});

describe('what a field wrote for a record that was there already is undone with the call', () => {
  test.each(['VALUE', 'DEFAULT', 'ASSERT'])('and is not there for what is undone later: %s', async (clause) => {
    const writes = `${clause} { UPSERT log:1 SET n = (n ?? 0) + 1; RETURN true; }`;
    await prepared(pool, { schema: `DEFINE FIELD w ON t ${writes}; CREATE t:1; DELETE log`, tables });
    const fail = (transaction: Transaction) => transaction.query('CREATE t:1').responses();
    let log: unknown;
    await pool.withTransaction(
      async (transaction) => {
        await fail(transaction);
        [log] = await transaction.query('SELECT * FROM log');
        await fail(transaction);
        await undo(transaction, () => transaction.query('CREATE out:1').collect());
      },
      { retry: false, onStatementError: 'savepoint' },
    );
    expect(log).toEqual([]);
    expect(await pool.query('SELECT * FROM log; SELECT * FROM out')).toEqual([[], []]);
  });

  test.each([false, true])(
    'and what an earlier undone part has read besides is verified (changed by others meanwhile: %s)',
    async (isChanged) => {
      await prepared(pool, { schema: `${schema}; UPDATE other:1 SET v = 1`, tables });
      const told: unknown[] = [];
      const work = pool.withTransaction(
        async (transaction) => {
          // The whole history made again counts both hits: each part has to be made again by itself.
          const hit = async () => told.push(...(await transaction.query('SELECT hit FROM t; SELECT VALUE n FROM log')));
          await transaction.query('CREATE out:1');
          await undo(transaction, async () => {
            told.push(...(await transaction.query('SELECT VALUE v FROM other')));
            await hit();
          });
          if (isChanged) await pool.query('UPDATE other:1 SET v = 2');
          await undo(transaction, hit);
        },
        { retry: false },
      );
      const ending = await work.then(
        () => 'committed',
        (error: unknown) => refusal(error) ?? String(error),
      );
      expect(told).toEqual([[1], [{ hit: 1 }], [1], [{ hit: 1 }], [1]]);
      expect(ending).toBe(isChanged ? 'SavepointDivergedError' : 'committed');
    },
  );
});

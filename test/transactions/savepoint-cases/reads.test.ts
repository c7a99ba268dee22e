import { setTimeout as sleep } from 'node:timers/promises';
import { RecordId } from 'surrealdb';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ConnectionManager, createPool, type Transaction } from '../../../src/index.js';
import { rocksdbUrl } from '../../support/temporary.js';
import { prepared, refusal, undo } from '../../support/undone-parts.js';

/**
 * What a program has read in a part that is undone, it goes on to believe. So it has to be true for the snapshot on which
 * the transaction ends, or the transaction has to be refused.
 */
let pool: ConnectionManager;
beforeAll(async () => {
  pool = await createPool(rocksdbUrl(), { namespace: 'test', database: 'test', minConnections: 0, maxConnections: 4 });
  return () => pool.shutdown({ gracePeriod: 0 });
});

const tables = ['acc', 'owns', 'thing', 'shop', 'out', 'elsewhere'];
const schema = `
  DEFINE INDEX k ON acc FIELDS k UNIQUE; DEFINE INDEX n ON acc FIELDS n;
  DEFINE FIELD sum ON shop COMPUTED math::sum((SELECT VALUE n FROM acc));
  CREATE acc:1 SET n = 100, k = 'x'; CREATE acc:2 SET n = 100, k = 'y'; CREATE thing:1; CREATE shop:1;
  RELATE acc:1->owns:1->thing:1; CREATE elsewhere:1 SET n = 1`;

interface Case {
  /** What the undone part asks, and what the transaction asks again behind it. */
  readonly read: string;
  /** What another client does between the two. */
  readonly other: string;
  /** Asked in the undone part instead: another way to be told the same. */
  readonly ask?: (transaction: Transaction) => PromiseLike<readonly unknown[]>;
  readonly before?: string;
}

const failing = (text: string, there: unknown, absent: unknown) => (transaction: Transaction) =>
  transaction.query(text).then(
    () => [absent],
    () => [there],
  );

const cases: Readonly<Record<string, Case>> = {
  'a field': { read: 'RETURN acc:1.n', other: 'UPDATE acc:1 SET n = 50' },
  'a whole record': { read: 'SELECT * FROM acc:1', other: 'UPDATE acc:1 SET n = 50' },
  'a record by a builder': {
    read: 'SELECT * FROM ONLY acc:1',
    ask: async (transaction) => [await transaction.select(new RecordId('acc', 1))],
    other: 'UPDATE acc:1 SET n = 50',
  },
  'a record that is not there': { read: 'SELECT * FROM acc:9', other: "CREATE acc:9 SET n = 1, k = 'z'" },
  'a count, with a phantom': { read: 'RETURN count(SELECT 1 FROM acc)', other: "CREATE acc:9 SET n = 1, k = 'z'" },
  'a count, with a record gone': { read: 'RETURN count(SELECT 1 FROM acc)', other: 'DELETE acc:2' },
  'a sum of all': { read: 'RETURN math::sum(SELECT VALUE n FROM acc)', other: 'UPDATE acc:2 SET n = 1' },
  'an index': { read: 'SELECT VALUE k FROM acc WHERE n = 100', other: 'UPDATE acc:2 SET n = 1' },
  'an index, with a phantom': {
    read: "SELECT VALUE n FROM acc WHERE k = 'z'",
    other: "CREATE acc:9 SET n = 1, k = 'z'",
  },
  'a range of ids': { read: 'SELECT VALUE n FROM acc:1..5', other: "CREATE acc:3 SET n = 1, k = 'z'" },
  'edges of a graph': { read: 'RETURN acc:1->owns->thing', other: 'CREATE thing:2; RELATE acc:1->owns:2->thing:2' },
  'a count of edges': { read: 'RETURN count(acc:1->owns)', other: 'DELETE owns:1' },
  'a computed field that reads other records': { read: 'SELECT VALUE sum FROM shop', other: 'UPDATE acc:1 SET n = 7' },
  'a condition within a block': {
    read: 'RETURN IF (SELECT VALUE n FROM ONLY acc:1) > 60 { "rich" } ELSE { "poor" }',
    other: 'UPDATE acc:1 SET n = 50',
  },
  'a subquery of a LET': { read: 'LET $n = (SELECT VALUE n FROM acc); RETURN $n', other: 'UPDATE acc:1 SET n = 50' },
  'a read behind an undone write to another table': {
    before: 'CREATE out:2',
    read: 'RETURN acc:1.n',
    other: 'UPDATE acc:1 SET n = 50',
  },
  'a read behind an undone write that failed nothing': {
    before: 'UPDATE acc:2 SET n = 3',
    read: 'RETURN acc:1.n',
    other: 'UPDATE acc:1 SET n = 50',
  },
  'what an undone UPDATE says was before': {
    read: 'SELECT VALUE n FROM acc:1',
    ask: (transaction) =>
      transaction.query<[{ n: number }[]]>('UPDATE acc:1 SET n = 1 RETURN BEFORE').then(([[row]]) => [[row?.n]]),
    other: 'UPDATE acc:1 SET n = 50',
  },
  'what an undone DELETE says was before': {
    read: 'SELECT VALUE n FROM acc:2',
    ask: (transaction) =>
      transaction.query<[{ n: number }[]]>('DELETE acc:2 RETURN BEFORE').then(([[row]]) => [[row?.n]]),
    other: 'UPDATE acc:2 SET n = 50',
  },
  'how many records an undone UPDATE found': {
    read: 'RETURN count(SELECT 1 FROM acc WHERE n = 100)',
    ask: (transaction) =>
      transaction.query<[unknown[]]>('UPDATE acc SET n = 1 WHERE n = 100').then(([rows]) => [rows.length]),
    other: 'UPDATE acc:2 SET n = 50',
  },
  'that a CREATE failed because the record was there': {
    read: 'RETURN count(SELECT 1 FROM acc:2)',
    ask: failing('CREATE acc:2', 1, 0),
    other: 'DELETE acc:2',
  },
  'that a CREATE went well because the record was not there': {
    read: 'RETURN count(SELECT 1 FROM acc:9)',
    ask: failing("CREATE acc:9 SET n = 1, k = 'z'", 1, 0),
    other: "CREATE acc:9 SET n = 1, k = 'z'",
  },
  'that a value was taken in a unique index': {
    read: "RETURN count(SELECT 1 FROM acc WHERE k = 'y')",
    ask: failing("CREATE acc:7 SET n = 1, k = 'y'", 1, 0),
    other: 'DELETE acc:2',
  },
  'what a THROW said': {
    read: 'RETURN <string>acc:1.n',
    ask: (transaction) =>
      transaction.query('THROW <string>acc:1.n').then(
        () => [],
        (error: unknown) => [/\d+/.exec(String(error).replace(/acc:1/g, ''))?.[0]],
      ),
    other: 'UPDATE acc:1 SET n = 50',
  },
};

describe('a transaction is told the same before and behind a rollback, or is refused:', () => {
  const ways: Readonly<Record<string, (transaction: Transaction, part: () => Promise<unknown>) => Promise<unknown>>> = {
    'withSavepoint()': undo,
    'an outer savepoint': async (transaction, part) => {
      const outer = await transaction.savepoint();
      await transaction.savepoint();
      await Promise.allSettled([part()]);
      await outer.rollback();
    },
    'several rollbacks': async (transaction, part) => {
      const savepoint = await transaction.savepoint();
      await Promise.allSettled([part()]);
      await savepoint.rollback();
      await transaction.query('CREATE out:3');
      await savepoint.rollback();
    },
  };
  const all = Object.entries(cases).flatMap(([name, each]) =>
    Object.keys(ways).map((way) => [name, way, each] as const),
  );

  /** Gives what the undone part was told, and what was told behind it; nothing where the pool refused. */
  async function told({ read, other, ask, before }: Case, way: string, hasOther: boolean): Promise<unknown[]> {
    await prepared(pool, { schema, tables });
    const answers: unknown[] = [];
    const work = async (transaction: Transaction, attempt: number): Promise<void> => {
      answers.length = 0;
      await transaction.query('CREATE out:1');
      await ways[way]?.(transaction, async () => {
        if (before !== undefined) await transaction.query(before);
        answers.push((await (ask?.(transaction) ?? transaction.query(read))).at(-1));
        if (hasOther && attempt === 1) await pool.query(other);
        // What is only read would need nothing to be undone.
        await transaction.query('CREATE out:2');
      });
      if (answers.length === 0) throw new Error('the part was told nothing');
      answers.push((await transaction.query(read)).at(-1));
    };
    const retry = hasOther && { maxAttempts: 3, initialBackoff: 1 };
    await pool.withTransaction(work, { retry }).catch((error: unknown) => {
      if (!hasOther || refusal(error) === undefined) throw error;
      answers.length = 0;
    });
    return answers;
  }

  test.each(all)('%s, by %s', async (_, way, each) => {
    const [within, behind] = await told(each, way, true);
    expect(behind).toEqual(within);
  });

  test.each(all)('%s, by %s, is not refused when nobody else writes', async (_, way, each) => {
    const [within, behind, ...more] = await told(each, way, false);
    expect(behind).toEqual(within);
    expect([behind === undefined, more]).toEqual([false, []]);
  });

  test('what another client changes elsewhere refuses nothing', async () => {
    await prepared(pool, { schema, tables });
    await pool.withTransaction(
      async (transaction) => {
        await transaction.query('CREATE out:1');
        await undo(transaction, async () => {
          await transaction.query('SELECT * FROM acc; RETURN acc:1->owns->thing');
          await pool.query('UPDATE elsewhere:1 SET n += 1');
          await transaction.query('CREATE out:2');
        });
      },
      { retry: false },
    );
    expect(await pool.query('SELECT VALUE record::id(id) FROM out')).toEqual([[1]]);
  });
});

describe('an update that follows from what an undone part read is not lost', () => {
  /** Takes 10 from what the undone part says that is there. Another client takes 50 meanwhile. */
  const withdrawals: Readonly<Record<string, (t: Transaction, other: () => Promise<void>) => Promise<unknown>>> = {
    'in a nested transaction that fails': async (transaction, other) => {
      let balance = Number.NaN;
      await transaction
        .withTransaction(async (inner) => {
          balance = (await inner.select<{ n: number }>(new RecordId('acc', 1)))?.n ?? Number.NaN;
          await other();
          await inner.create(new RecordId('acc', 2));
        })
        .catch((error: unknown) => {
          if (refusal(error) !== undefined) throw error;
        });
      await transaction.update(new RecordId('acc', 1)).merge({ n: balance - 10 });
    },
    'by the answers of a call of which a later statement fails': async (transaction, other) => {
      const query = transaction.query('SELECT VALUE n FROM ONLY acc:1; CREATE acc:2');
      await other();
      const [first] = await query.responses();
      const balance = first?.success ? (first.result as number) : Number.NaN;
      await transaction.query('UPDATE acc:1 SET n = $n', { n: balance - 10 });
    },
    'in an inner part that is kept, in an outer one that is undone': async (transaction, other) => {
      let balance = Number.NaN;
      await undo(transaction, async () => {
        balance = await transaction.withSavepoint(async () => {
          const [n] = await transaction.query<[number]>('SELECT VALUE n FROM ONLY acc:1');
          await transaction.query('CREATE out:5');
          return n;
        });
        await other();
      });
      await transaction.query('UPSERT acc:1 SET n = $n', { n: balance - 10 });
    },
    'in one of several rollbacks': async (transaction, other) => {
      const savepoint = await transaction.savepoint();
      await transaction.query('CREATE out:5');
      const [n = Number.NaN] = await transaction.query<[number]>('SELECT VALUE n FROM ONLY acc:1');
      await savepoint.rollback();
      await other();
      await transaction.query('CREATE out:5');
      await savepoint.rollback();
      await transaction.query('UPDATE acc:1 SET n = $n', { n: n - 10 });
    },
  };

  test.each(Object.keys(withdrawals))('%s', async (name) => {
    await prepared(pool, { schema, tables });
    let ending = 'committed';
    await pool
      .withTransaction(
        async (transaction, attempt) => {
          const other = async () => {
            if (attempt === 1) await pool.query('UPDATE acc:1 SET n -= 50');
          };
          await withdrawals[name]?.(transaction, other);
        },
        { onStatementError: name.startsWith('by the answers') ? 'savepoint' : 'abort' },
      )
      .catch((error: unknown) => {
        ending = refusal(error) ?? String(error);
      });
    const [left] = await pool.query('SELECT VALUE n FROM ONLY acc:1');
    expect([ending, left]).toEqual(ending.startsWith('Savepoint') ? [ending, 50] : ['committed', 40]);
  });

  test('while others write all the time', async () => {
    await prepared(pool, { schema, tables });
    const before = pool.poolStats().savepoints.divergences;
    let added = 0;
    let taken = 0;
    let over = false;
    const others = (async () => {
      while (!over) {
        const done = await pool.query('UPDATE acc:1 SET n += 1').then(
          () => true,
          () => false,
        );
        if (done) added++;
        // Now and then a transaction comes through between two of them.
        await sleep(Math.random() * 10);
      }
    })();
    for (let round = 0; round < 15; round++) {
      await pool
        .withTransaction(
          async (transaction) => {
            let balance = Number.NaN;
            await undo(transaction, async () => {
              const [n] = await transaction.query<[number]>('SELECT VALUE n FROM ONLY acc:1');
              balance = n;
              await transaction.query('CREATE out:5');
            });
            await transaction.query('UPDATE acc:1 SET n = $n', { n: balance - 10 });
          },
          // The next attempt soon: a pause that grows would be the most of this test.
          { retry: { maxAttempts: 20, initialBackoff: 1, maxBackoff: 10 } },
        )
        .then(
          () => taken++,
          (error: unknown) => {
            if (refusal(error) === undefined) throw error;
          },
        );
    }
    over = true;
    await others;
    const [left] = await pool.query('SELECT VALUE n FROM ONLY acc:1');
    expect(left, `${added} added, ${taken} times taken`).toBe(100 + added - 10 * taken);
    expect(Math.min(added, taken), `${added} added, ${taken} times taken`).toBeGreaterThan(0);
    expect(pool.poolStats().savepoints.divergences, 'some read what was changed under them').toBeGreaterThan(before);
  });
});

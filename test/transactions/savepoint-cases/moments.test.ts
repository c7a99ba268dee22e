import { setTimeout as sleep } from 'node:timers/promises';
import { BoundIncluded, DateTime, Range, RecordId } from 'surrealdb';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ConnectionManager, createPool, type Transaction } from '../../../src/index.js';
import { momentsIn, textOf } from '../../support/savepoint-programs/answers.js';
import { rocksdbUrl } from '../../support/temporary.js';
import { bothWays, prepared, refusal, type Undo, undo } from '../../support/undone-parts.js';

let pool: ConnectionManager;
beforeAll(async () => {
  pool = await createPool(rocksdbUrl(), { namespace: 'test', database: 'test', minConnections: 0, maxConnections: 4 });
  return () => pool.shutdown({ gracePeriod: 0 });
});

const tables = ['doc', 'copy', 'audit'];
const schema = `
  DEFINE FIELD created_at ON doc DEFAULT time::now(); DEFINE FIELD updated_at ON doc VALUE time::now();
  DEFINE EVENT e ON doc WHEN true THEN { UPSERT audit:1 SET at = time::now(), of = $after.updated_at };
  CREATE doc:7 SET body = 'old'`;

/** A moment as the server writes it. */
const written = (moment: DateTime) =>
  moment
    .toString()
    .replace(/\.(\d+)Z/, (_, digits: string) => `.${digits.padEnd(3 * Math.ceil(digits.length / 3), '0')}Z`);

type Give = (transaction: Transaction, moment: DateTime) => PromiseLike<unknown>;

/** Copies a moment, which the look compares with the one it was copied from. */
const copies: Readonly<Record<string, Give>> = {
  'as it is': (transaction, at) => transaction.query('CREATE copy:1 SET at = $at', { at }),
  'as it is, by RETURN NONE': (transaction, at) => transaction.query('CREATE copy:1 SET at = $at RETURN NONE', { at }),
  'by a builder': (transaction, at) => transaction.create(new RecordId('copy', 1)).content({ at }),
  'in an array': (transaction, at) => transaction.query('CREATE copy:1 SET at = $all[1]', { all: [1, at] }),
  'deep in an object': (transaction, at) =>
    transaction.query('CREATE copy:1 SET at = $o.a.b[0]', { o: { a: { b: [at] } } }),
  'as text': (transaction, at) =>
    transaction.query('CREATE copy:1 SET at = <datetime>$at RETURN NONE', { at: written(at) }),
  'in the text of the call': (transaction, at) =>
    transaction.query(`CREATE copy:1 SET at = d'${written(at)}' RETURN NONE`),
  'in the id of a record': (transaction, at) =>
    transaction.query('CREATE copy:1 SET at = record::id($id)[0] RETURN NONE', { id: new RecordId('copy', [at]) }),
  'in the id of a record, in an object': (transaction, at) =>
    transaction.query('CREATE copy:1 SET at = record::id($o.id).at RETURN NONE', {
      o: { id: new RecordId('copy', { at }) },
    }),
  'in a bound of a range': (transaction, at) =>
    transaction.query('CREATE copy:1 SET at = (SELECT VALUE updated_at FROM doc:1 WHERE updated_at IN $r)[0]', {
      r: new Range(new BoundIncluded(at), new BoundIncluded(at)),
    }),
  'as a key of an object': (transaction, at) =>
    transaction.query('CREATE copy:1 SET at = <datetime>object::keys($o)[0] RETURN NONE', { o: { [written(at)]: 1 } }),
  'by a LET': (transaction, at) => transaction.query('LET $x = $at; CREATE copy:1 SET at = $x RETURN NONE', { at }),
};

/** Finds the document by a moment. */
const versions: Readonly<Record<string, Give>> = {
  'as it is': (transaction, v) =>
    transaction.query("UPDATE doc SET body = 'final' WHERE updated_at = $v RETURN NONE", { v }),
  'as it is, shown': (transaction, v) =>
    transaction.query("UPDATE doc SET body = 'final' WHERE updated_at = $v", { v }),
  'as text': (transaction, v) =>
    transaction.query("UPDATE doc SET body = 'final' WHERE <string>updated_at = $v RETURN NONE", { v: written(v) }),
  'as one of a list': (transaction, v) =>
    transaction.query("UPDATE doc SET body = 'final' WHERE updated_at IN $all RETURN NONE", { all: [v] }),
  'as a bound': (transaction, v) =>
    transaction.query("UPDATE doc SET body = 'final' WHERE updated_at <= $v AND body = 'draft' RETURN NONE", { v }),
};

/** What the program makes of a moment before it gives that back. */
const derived: Readonly<Record<string, Give>> = {
  'a copy as a part of a text': (transaction, at) =>
    transaction.query("CREATE copy:1 SET at = <datetime>string::split($at, ' ')[1]", { at: `at ${written(at)}` }),
  'a copy as nanoseconds': (transaction, at) =>
    transaction.query('CREATE copy:1 SET at = time::from_nanos($n) RETURN NONE', { n: at.nanoseconds }),
  'a version as a Date': (transaction, v) =>
    transaction.query("UPDATE doc SET body = 'final' WHERE time::floor(updated_at, 1ms) = $v RETURN NONE", {
      v: v.toDate(),
    }),
  'a version as milliseconds': (transaction, v) =>
    transaction.query("UPDATE doc SET body = 'final' WHERE time::millis(updated_at) = $v RETURN NONE", {
      v: v.toDate().getTime(),
    }),
};

/** Where the moment is read. */
const sources: Readonly<Record<string, (transaction: Transaction) => Promise<unknown>>> = {
  'the answer of a CREATE': async (transaction) => {
    const [[doc]] = await transaction.query<[[{ updated_at: unknown }]]>("CREATE doc:1 SET body = 'draft'");
    return doc.updated_at;
  },
  'a builder': async (transaction) =>
    (
      await transaction
        .create<{ updated_at: unknown; body: string }>(new RecordId('doc', 1))
        .content({ body: 'draft' } as never)
    ).updated_at,
  'a SELECT VALUE': async (transaction) => {
    await transaction.query("CREATE doc:1 SET body = 'draft' RETURN NONE");
    return (await transaction.query('SELECT VALUE updated_at FROM ONLY doc:1'))[0];
  },
  'a RETURN DIFF': async (transaction) => {
    const [[patch]] = await transaction.query<[[{ value: { updated_at: unknown } }[]]]>(
      "CREATE doc:1 SET body = 'draft' RETURN DIFF",
    );
    return patch[0]?.value.updated_at;
  },
  'the record of an event': async (transaction) => {
    await transaction.query("CREATE doc:1 SET body = 'draft' RETURN NONE");
    return (await transaction.query('SELECT VALUE of FROM ONLY audit:1'))[0];
  },
};

/** What follows from moments, but not the moments themselves. */
const look = `{
  body: (SELECT VALUE body FROM ONLY doc:1),
  is_copy: (SELECT VALUE at FROM ONLY copy:1) = (SELECT VALUE updated_at FROM ONLY doc:1),
  old: (SELECT VALUE body FROM ONLY doc:7) }`;

async function expectSame(work: (transaction: Transaction, undo: Undo) => Promise<unknown>): Promise<string> {
  const { rolled, plain } = await bothWays(pool, { schema, tables, look, work });
  expect(plain.ending).toBe('committed');
  // To refuse is right, another outcome is not.
  if (rolled.ending.startsWith('Savepoint')) return rolled.ending;
  expect(rolled).toEqual(plain);
  return rolled.ending;
}

const read = async (transaction: Transaction, from = 'the answer of a CREATE'): Promise<DateTime> => {
  const moment = await sources[from]?.(transaction);
  if (!(moment instanceof DateTime)) throw new Error(`${from} gave no moment but ${String(moment)}`);
  return moment;
};

describe('a moment that the server made and the program gives back before a rollback means the same, or is refused:', () => {
  test.each(Object.entries(copies))('a copy, %s', async (_, give) => {
    await expectSame(async (transaction, undo) => {
      await give(transaction, await read(transaction));
      await undo(transaction);
    });
  });

  test.each(Object.entries(versions))('a version, %s', async (_, give) => {
    await expectSame(async (transaction, undo) => {
      await give(transaction, await read(transaction));
      await undo(transaction);
    });
  });

  test.each(Object.keys(sources))('read from %s', async (from) => {
    await expectSame(async (transaction, undo) => {
      const at = await read(transaction, from);
      await transaction.query('CREATE copy:1 SET at = $at RETURN NONE', { at });
      await undo(transaction);
    });
  });
});

describe('what the program made of a moment and gives back means the same, or is refused:', () => {
  test.each(Object.entries(derived))('%s, before a rollback', async (_, give) => {
    await expectSame(async (transaction, undo) => {
      await give(transaction, await read(transaction));
      await undo(transaction);
    });
  });

  test.each(Object.entries(derived))('%s, behind a rollback', async (_, give) => {
    await expectSame(async (transaction, undo) => {
      const at = await read(transaction);
      await undo(transaction);
      await give(transaction, at);
    });
  });
});

describe('a moment that is given back only behind the rollback means the same, or is refused:', () => {
  const later = [
    ...Object.entries(copies).map(([name, give]) => [`a copy, ${name}`, give] as const),
    ...Object.entries(versions).map(([name, give]) => [`a version, ${name}`, give] as const),
  ];
  test.each(later)('%s', async (_, give) => {
    await expectSame(async (transaction, undo) => {
      const at = await read(transaction);
      await undo(transaction);
      await give(transaction, at);
    });
  });

  test('also behind two rollbacks', async () => {
    await expectSame(async (transaction, undo) => {
      const at = await read(transaction);
      await undo(transaction);
      await undo(transaction);
      await transaction.query('CREATE copy:1 SET at = $at', { at });
    });
  });

  test('also when it was read in a part that is undone', async () => {
    await prepared(pool, { schema, tables });
    await pool
      .withTransaction(
        async (transaction) => {
          await transaction.query("CREATE doc:1 SET body = 'draft' RETURN NONE");
          let at: unknown;
          await undo(transaction, async () => {
            [at] = await transaction.query('SELECT VALUE updated_at FROM ONLY doc:1');
            await transaction.query('CREATE undone:1');
          });
          await transaction.query('CREATE copy:1 SET at = $at', { at });
        },
        { retry: false },
      )
      .then(
        async () => expect((await pool.query(`RETURN ${look}.is_copy`))[0]).toBe(true),
        (error: unknown) => expect(refusal(error), String(error)).toMatch(/^Savepoint/),
      );
  });
});

describe('moments that nobody gives back refuse nothing:', () => {
  const harmless: Readonly<Record<string, (transaction: Transaction) => PromiseLike<unknown>>> = {
    'a CREATE whose answer shows them': (transaction) => transaction.query('CREATE doc:1'),
    'an UPDATE of a record of others': (transaction) => transaction.query("UPDATE doc:7 SET body = 'new'"),
    'a read of what was written': (transaction) => transaction.query('CREATE doc:1; SELECT * FROM doc'),
    'a read by SELECT VALUE': (transaction) => transaction.query('CREATE doc:1; SELECT VALUE updated_at FROM doc'),
    'a moment of the program': (transaction) => transaction.query('CREATE copy:1 SET at = $at', { at: new Date() }),
    'the same moment of the program, twice': async (transaction) => {
      const at = new Date();
      await transaction.query('CREATE copy:1 SET at = $at', { at });
      await transaction.query('CREATE copy:2 SET at = $at', { at });
    },
    'a moment of another year, given back': async (transaction) => {
      const [[copy]] = await transaction.query<[[{ at: DateTime }]]>("CREATE copy:1 SET at = d'2001-01-01T00:00:00Z'");
      await transaction.query('CREATE copy:2 SET at = $at', { at: copy.at });
    },
  };
  test.each(Object.entries(harmless))('%s', async (_, make) => {
    const ending = await expectSame(async (transaction, undo) => {
      await make(transaction);
      await undo(transaction, async () => {
        await transaction.query('SELECT * FROM doc; CREATE undone:1');
      });
    });
    expect(ending).toBe('committed');
  });
});

describe('a moment that another client wrote is not taken for one of the transaction:', () => {
  const soon = (milliseconds: number) => ({ at: new Date(Date.now() + milliseconds) });
  const busy = 'FOR $i IN 0..1500 { UPSERT undone:5 SET v = 1 RETURN NONE }';
  const looks: Readonly<Record<string, string>> = {
    'read as a record': 'SELECT * FROM ONLY copy:1',
    'read by SELECT VALUE': 'SELECT VALUE at FROM ONLY copy:1',
    'read in an array': 'SELECT VALUE [at] FROM copy',
    'read in the answer of a write': 'UPDATE copy:1 SET seen = true',
    'read as what was before a write': 'UPDATE copy:1 SET seen = true RETURN BEFORE',
    'read beside moments of the transaction': 'CREATE doc:8; SELECT * FROM copy',
    'read by a text that says so': 'RETURN (SELECT VALUE at FROM ONLY copy:1)',
  };
  test.each(Object.entries(looks))('%s', async (_, text) => {
    const momentsOf = (answers: readonly unknown[]) => momentsIn(textOf(answers.at(-1))).join(' ');
    for (let round = 0; round < 2; round++) {
      await prepared(pool, { schema: 'CREATE doc:7', tables });
      await pool.query('UPSERT copy:1 SET at = $at', soon(100));
      const told: string[] = [];
      await pool
        .withTransaction(
          async (transaction) => {
            await sleep(140);
            told.push(momentsOf(await transaction.query(text)));
            await transaction.query(busy);
            // The owner of the lock renews it. The replay is long enough for that moment to pass.
            await pool.query('UPDATE copy:1 SET at = $at', soon(40));
            await undo(transaction);
            told.push(momentsOf(await transaction.query('SELECT * FROM copy')));
          },
          { retry: false },
        )
        .catch((error: unknown) => {
          if (refusal(error) === undefined) throw error;
          told.length = 0;
        });
      expect(told[1], `round ${round}`).toBe(told[0]);
    }
  });
});

test('a moment shown by an undone read, where reads may write, is refused after the rollback that changed it', async () => {
  await pool.query(`
    REMOVE TABLE IF EXISTS doc; REMOVE TABLE IF EXISTS watched; REMOVE TABLE IF EXISTS log;
    DEFINE FIELD updated_at ON doc VALUE time::now(); CREATE doc:1 SET body = 'old'; CREATE watched:0;
    DEFINE FIELD hit ON watched COMPUTED { UPSERT log:hits SET n = (n ?? 0) + 1; RETURN 1; }`);
  await using connection = await pool.acquire();
  await using transaction = await connection.beginTransaction();
  await transaction.query("UPDATE doc:1 SET body = 'shown'");
  // The first rollback makes the moment of the update anew; then a read that is undone shows that one.
  const one = await transaction.savepoint();
  await transaction.query('RETURN (SELECT VALUE hit FROM watched:0)');
  await one.rollback();
  const two = await transaction.savepoint();
  const [[shown]] = await transaction.query<[[{ updated_at: DateTime }]]>('SELECT * FROM doc:1');
  await two.rollback();
  const given = transaction.query('RETURN count(SELECT 1 FROM doc WHERE updated_at = $v)', { v: shown.updated_at });
  await expect(given.collect()).rejects.toThrow(/time/);
});

import fc from 'fast-check';
import { RecordId, Table } from 'surrealdb';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionManager, Transaction } from '../../src/index.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

/**
 * Random programs against a plain model of one table: rows by number, each with a value that is unique and below 100.
 * After a commit the table is what the model says, after anything else it is what it was.
 */
const own = surroundings(rocksdbUrl());

const runs = 150;
const highest = 4;
const tooHigh = 100;
const row = (number: number) => new RecordId('row', number);

type Rows = ReadonlyMap<number, number>;

/** One call. The `failing` fail whatever the table is like; the `refused` are not even sent, and change nothing. */
type Call =
  | {
      readonly do: 'create' | 'upsert' | 'update';
      readonly row: number;
      readonly value: number;
      readonly text: boolean;
    }
  | { readonly do: 'delete'; readonly row: number; readonly text: boolean }
  | { readonly do: 'insert'; readonly rows: readonly (readonly [number, number])[] }
  | { readonly do: 'read' }
  | { readonly do: 'failing'; readonly text: string }
  | { readonly do: 'refused'; readonly text: string }
  | { readonly do: 'unsendable' };

/** Calls that are begun together; how their answers are read; and whether one is made that nobody awaits. */
interface Step {
  readonly calls: readonly Call[];
  readonly how: 'await' | 'responses';
  readonly forgotten: boolean;
}

interface Program {
  readonly steps: readonly Step[];
  readonly form: 'pool' | 'connection' | 'transaction' | 'own queries';
  readonly end: 'commit' | 'rollback' | 'throw' | 'leave open';
  /** Whether the program goes on after a failed call, as if nothing had happened. */
  readonly catches: boolean;
}

const number = fc.integer({ min: 0, max: highest });
const value = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 6 }) },
  { weight: 1, arbitrary: fc.constant(tooHigh) },
);
const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.record({
      do: fc.constantFrom('create' as const, 'upsert' as const, 'update' as const),
      row: number,
      value,
      text: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('delete' as const), row: number, text: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('insert' as const),
      rows: fc.array(fc.tuple(number, value), { minLength: 2, maxLength: 3 }),
    }),
  },
  { weight: 12, arbitrary: fc.constant({ do: 'read' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('failing' as const),
      text: fc.constantFrom(
        'CREATE row:90 SET value = 90; THROW "no"',
        'CREAT row:90',
        'CREATE row:90 SET value = "text"',
        'FOR $number IN [91, 92] { CREATE type::record("row", $number) SET value = 91 }',
        'CREATE row:90 SET value = 90; SLEEP 1s TIMEOUT 1ms',
        'RETURN nothing::like::this()',
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('refused' as const),
      text: fc.constantFrom(
        'COMMIT',
        'CREATE row:90 SET value = 90; CANCEL',
        'USE DB other; CREATE row:90 SET value = 90',
        'LIVE SELECT * FROM row',
        'LET $value = 90',
      ),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'unsendable' as const }) },
);
const program: fc.Arbitrary<Program> = fc.record({
  steps: fc.array(
    fc.record({
      calls: fc.array(call, { minLength: 1, maxLength: 3 }),
      how: fc.constantFrom('await' as const, 'await' as const, 'responses' as const),
      forgotten: fc.oneof({ weight: 15, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    }),
    { maxLength: 5 },
  ),
  form: fc.constantFrom('pool' as const, 'connection' as const, 'transaction' as const, 'own queries' as const),
  end: fc.constantFrom(
    'commit' as const,
    'commit' as const,
    'commit' as const,
    'rollback' as const,
    'throw' as const,
    'leave open' as const,
  ),
  catches: fc.boolean(),
});

const isRefused = (does: Call): boolean => does.do === 'refused' || does.do === 'unsendable';

/** What the call makes of the rows; undefined when it fails on the server. */
function applied(rows: Rows, does: Call): Rows | undefined {
  const next = new Map(rows);
  const put = (at: number, what: number): boolean => {
    if (what >= tooHigh || [...next].some(([other, taken]) => other !== at && taken === what)) return false;
    next.set(at, what);
    return true;
  };
  switch (does.do) {
    case 'create':
      return !next.has(does.row) && put(does.row, does.value) ? next : undefined;
    case 'upsert':
      return put(does.row, does.value) ? next : undefined;
    case 'update':
      return !next.has(does.row) || put(does.row, does.value) ? next : undefined;
    case 'delete':
      next.delete(does.row);
      return next;
    case 'insert':
      return does.rows.every(([at, what]) => !next.has(at) && put(at, what)) ? next : undefined;
    case 'read':
    case 'refused':
    case 'unsendable':
      return next;
    default:
      return undefined;
  }
}

type Queries = Pick<Transaction, 'query' | 'create' | 'upsert' | 'update' | 'delete' | 'insert'>;

const readAll = 'RETURN (SELECT VALUE value FROM row).sort()';
const values = (rows: Rows): number[] => [...rows.values()].sort((one, other) => one - other);

/** Begins the call. */
function begin(queries: Queries, does: Call, how: Step['how']): Promise<unknown> {
  const ask = (text: string, bindings: Record<string, unknown> = {}): Promise<unknown> => {
    const query = queries.query(text, bindings);
    if (how === 'await') return query.collect();
    return query.responses().then((responses) => {
      // Not looked at by the program; but the model has to know.
      for (const response of responses) if (!response.success) throw response.error;
      return responses.map((response) => (response.success ? response.result : undefined));
    });
  };
  switch (does.do) {
    case 'create':
    case 'upsert':
    case 'update': {
      const { value: what } = does;
      if (does.text) return ask(`${does.do} $row SET value = $what`, { row: row(does.row), what });
      const target = row(does.row);
      if (does.do === 'create') return queries.create(target).content({ value: what }).then();
      if (does.do === 'upsert') return queries.upsert(target).content({ value: what }).then();
      return queries.update(target).content({ value: what }).then();
    }
    case 'delete':
      return does.text ? ask(`DELETE row:${does.row}`) : queries.delete(row(does.row)).then();
    case 'insert':
      return queries
        .insert(
          new Table('row'),
          does.rows.map(([at, what]) => ({ id: row(at), value: what })),
        )
        .then();
    case 'read':
      return ask(readAll);
    case 'failing':
    case 'refused':
      return ask(does.text);
    case 'unsendable':
      return ask('RETURN $value', { value: 2n ** 80n });
  }
}

class Stop extends Error {}

/** Runs the steps, compares what is read, and says what the rows are then: undefined when a call failed or was forgotten. */
async function run(queries: Queries, { steps, catches }: Program, before: Rows): Promise<Rows | undefined> {
  let rows: Rows | undefined = before;
  let forgotten = false;
  for (const { calls, how, forgotten: forgets } of steps) {
    const answers = await Promise.allSettled(calls.map((does) => begin(queries, does, how)));
    let failed = false;
    for (const [index, does] of calls.entries()) {
      const answer = answers[index];
      rows = rows && applied(rows, does);
      const what = JSON.stringify({ does, answer: answer?.status === 'rejected' ? String(answer.reason) : answer });
      const fails = rows === undefined || isRefused(does);
      expect(answer?.status, what).toBe(fails ? 'rejected' : 'fulfilled');
      if (rows !== undefined && isRefused(does) && answer?.status === 'rejected') {
        expect(answer.reason.code, what).toBe('ERR_POOL_USAGE');
      }
      if (rows !== undefined && does.do === 'read' && answer?.status === 'fulfilled') {
        expect(answer.value, what).toEqual([values(rows)]);
      }
      failed ||= fails;
    }
    if (failed && !catches) throw new Stop('a call failed');
    if (forgets) {
      queries.create(row(95)).content({ value: 95 });
      forgotten = true;
    }
  }
  return forgotten ? undefined : rows;
}

/** Runs the whole program and says what the table must be then. */
async function execute(pool: ConnectionManager, what: Program, before: Rows): Promise<Rows> {
  let after: Rows | undefined;
  const work = async (transaction: Transaction): Promise<void> => {
    after = await run(transaction, what, before);
    if (what.end === 'rollback') await transaction.rollback();
    if (what.end !== 'commit') throw new Stop('the program wants it so');
  };
  const outcome = async (): Promise<void> => {
    if (what.form === 'pool') return await pool.withTransaction(work);
    await using connection = await pool.acquire();
    if (what.form === 'connection') return await connection.withTransaction(work);
    const transaction = await connection.beginTransaction();
    after = await run(what.form === 'transaction' ? transaction : connection, what, before);
    if (what.end === 'commit') await connection.commitTransaction();
    if (what.end === 'rollback') await connection.rollbackTransaction();
    if (what.end === 'throw') throw new Stop('the program wants it so');
  };
  const [result] = await Promise.allSettled([outcome()]);
  const failure = result.status === 'rejected' ? result.reason : undefined;
  // What went wrong in the comparison itself.
  if (failure !== undefined && !('code' in failure) && !(failure instanceof Stop)) throw failure;
  const committed = what.end === 'commit' && after !== undefined;
  if (what.end === 'commit') expect(result.status, String(failure)).toBe(committed ? 'fulfilled' : 'rejected');
  return committed && after !== undefined ? after : before;
}

describe('random programs', () => {
  beforeEach(() =>
    own.engine.query(
      `DEFINE TABLE OVERWRITE row; DEFINE FIELD OVERWRITE value ON row TYPE int ASSERT $value < ${tooHigh};
       DEFINE INDEX OVERWRITE only ON row FIELDS value UNIQUE`,
      place,
    ),
  );

  test('leave the table as the model has it', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 2 });
    const property = fc.asyncProperty(fc.array(program, { minLength: 1, maxLength: 4 }), async (programs) => {
      await own.engine.query('DELETE row', place);
      let rows: Rows = new Map();
      for (const what of programs) {
        rows = await execute(pool, what, rows);
        const stored = await own.engine.query('RETURN (SELECT VALUE [record::id(id), value] FROM row).sort()', place);
        expect(stored).toEqual([[...rows].sort(([one], [other]) => one - other)]);
      }
    });
    await fc.assert(property, { numRuns: runs });
    const { begun, open, unknown, lost, conflicts, committed, rolledBack, abandoned } = pool.poolStats().transactions;
    expect({ open, unknown, lost, conflicts }).toEqual({ open: 0, unknown: 0, lost: 0, conflicts: 0 });
    expect(begun).toBe(committed + rolledBack + abandoned);
    expect(committed).toBeGreaterThan(runs / 10);
  });
});

import { surql, Uuid } from 'surrealdb';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ConnectionManager, createPool, type Transaction } from '../../../src/index.js';
import { rocksdbUrl } from '../../support/temporary.js';
import { bothWays, type Undo } from '../../support/undone-parts.js';

/**
 * The parameters of one call are no parameters of another: not when both are replayed in one message either. Nobody else
 * writes here and nothing is random, so nothing may be refused.
 */
let pool: ConnectionManager;
beforeAll(async () => {
  pool = await createPool(rocksdbUrl(), { namespace: 'test', database: 'test', minConnections: 0, maxConnections: 3 });
  return () => pool.shutdown({ gracePeriod: 0 });
});

type Call = readonly [text: string, bindings?: Record<string, unknown>];

/** Makes the calls, and then a savepoint and something that is undone. */
const calls =
  (...all: readonly Call[]) =>
  async (transaction: Transaction, undo: Undo) => {
    for (const [text, bindings] of all) await transaction.query(text, bindings).collect();
    await undo(transaction);
  };

interface Case {
  readonly schema: string;
  readonly set?: Readonly<Record<string, unknown>>;
  readonly work: (transaction: Transaction, undo: Undo) => Promise<unknown>;
}

const quiet = 'RETURN NONE';
const one: Call = [`UPSERT a:1 SET v = $user ${quiet}`, { user: 'ada' }];

const cases: Readonly<Record<string, Case>> = {
  'a DEFAULT': {
    schema: "DEFINE FIELD by ON b DEFAULT $user ?? 'system'",
    work: calls(one, [`CREATE b:1 ${quiet}`]),
  },
  'a VALUE that multiplies': {
    schema: 'DEFINE FIELD price ON b VALUE $value * ($rate ?? 2)',
    work: calls([`UPSERT a:1 SET v = 1 ${quiet}`, { rate: 10 }], [`CREATE b:1 SET price = 1 ${quiet}`]),
  },
  'a VALUE that uses a defined parameter': {
    schema: 'DEFINE PARAM OVERWRITE $rate VALUE 2; DEFINE FIELD price ON b VALUE $value * $rate',
    work: calls([`UPSERT a:1 SET v = 1 ${quiet}`, { rate: 10 }], [`CREATE b:1 SET price = 1 ${quiet}`]),
  },
  'an ASSERT that would refuse': {
    schema: 'DEFINE FIELD n ON b ASSERT $value < ($limit ?? 100)',
    work: calls([`UPSERT a:1 SET v = 1 ${quiet}`, { limit: 3 }], [`CREATE b:1 SET n = 50 ${quiet}`]),
  },
  'an event': {
    schema: 'DEFINE EVENT e ON b WHEN true THEN { CREATE audit:1 SET by = $user }',
    work: calls(one, ['CREATE b:1']),
  },
  'the WHEN of an event': {
    schema: 'DEFINE EVENT e ON b WHEN $user != NONE THEN { CREATE audit:1 }',
    work: calls(one, ['CREATE b:1']),
  },
  'an event with a name that the server uses': {
    schema: "DEFINE EVENT e ON b WHEN true THEN { CREATE audit:1 SET by = $request ?? 'none', of = $parent }",
    work: calls([`UPSERT a:1 SET v = 1 ${quiet}`, { request: 'mine', parent: 'mine' }], ['CREATE b:1']),
  },
  'a session variable, which the first call had hidden': {
    schema: 'DEFINE FIELD by ON b DEFAULT $user',
    set: { user: 'joe' },
    work: calls(one, [`CREATE b:1 ${quiet}`]),
  },
  'a session variable in a text': {
    schema: '',
    set: { user: 'joe' },
    work: calls(one, [`CREATE b:1 SET by = $user ${quiet}`]),
  },
  'a session variable that a call sets to NONE': {
    schema: "DEFINE FIELD by ON b DEFAULT $user ?? 'none'",
    set: { user: 'joe' },
    work: calls(
      [`CREATE b:1 ${quiet}`, { user: undefined }],
      [`CREATE b:2 ${quiet}`],
      [`CREATE b:3 ${quiet}`, { user: null }],
    ),
  },
  'a COMPUTED field that a condition reads': {
    schema: "DEFINE FIELD mine ON b COMPUTED owner = $user; CREATE b:1 SET owner = 'ada'; CREATE b:2 SET owner = 'bob'",
    work: calls(
      one,
      [`UPDATE b SET seen = true WHERE mine ${quiet}`],
      [`UPDATE b SET seen = 2 WHERE mine ${quiet}`, { user: 'bob' }],
    ),
  },
  'a function that a field calls': {
    schema: "DEFINE FUNCTION OVERWRITE fn::who() { RETURN $user ?? 'system' }; DEFINE FIELD by ON b DEFAULT fn::who()",
    work: calls(one, [`CREATE b:1 ${quiet}`]),
  },
  'a LET of the first call': {
    schema: "DEFINE FIELD by ON b DEFAULT $who ?? 'system'",
    work: calls([`LET $who = 'ada'; UPSERT a:1 SET v = $who ${quiet}`], [`CREATE b:1 ${quiet}`]),
  },
  'a LET in a block of the first call': {
    schema: "DEFINE FIELD by ON b DEFAULT $who ?? 'system'",
    work: calls([`{ LET $who = 'ada'; UPSERT a:1 SET v = $who ${quiet}; }`], [`CREATE b:1 ${quiet}`]),
  },
  'a block that returns': {
    schema: '',
    set: { user: 'joe' },
    work: calls(
      ['{ LET $x = $n; UPSERT b:1 SET v = $x RETURN NONE; RETURN [$x, $user]; }', { n: 1 }],
      ['{ LET $x = $n; UPSERT b:2 SET v = $x RETURN NONE; RETURN [$x, $user]; }', { n: 2 }],
    ),
  },
  'a block that returns early': {
    schema: '',
    work: calls(
      ['{ IF $n = 1 { RETURN 5 }; UPSERT b:1 SET v = $n RETURN NONE }', { n: 1 }],
      ['RETURN { UPSERT b:2 SET v = $n RETURN NONE; RETURN 6; }', { n: 2 }],
      ['UPSERT b:3 SET v = $n RETURN NONE', { n: 3 }],
    ),
  },
  'the variable of a FOR': {
    schema: "DEFINE FIELD by ON b DEFAULT $i ?? 'system'",
    work: calls([`FOR $i IN 1..3 { UPSERT a:1 SET v = $i ${quiet} }`], [`CREATE b:1 ${quiet}`]),
  },
  'names that a pool might give': {
    schema: 'DEFINE FIELD by ON b DEFAULT [$r0_user, $r1_user, $r0_v, $r1_v, $v, $_0, $p0, $r7_user]',
    work: calls(
      [`UPSERT a:1 SET v = $v ${quiet}`, { user: 1, v: 2 }],
      [`UPSERT a:2 SET v = $r0_v ${quiet}`, { r0_v: 3, v: 4, user: 5 }],
      [`CREATE b:1 ${quiet}`],
    ),
  },
  'the names of builders, made by two builds of the SDK': {
    schema: '',
    work: calls(
      [`UPSERT b:1 SET n = $bind__0 ${quiet}`, { bind__0: 10 }],
      [`UPSERT b:2 SET n = $bind__0 ${quiet}`, { bind__0: 999 }],
    ),
  },
  'the names of builders, beside a builder': {
    schema: '',
    async work(transaction, undo) {
      const made = surql`UPSERT b:1 SET n = ${10} RETURN NONE`;
      const [name = ''] = Object.keys(made.bindings);
      await transaction.query(made).collect();
      await transaction.query(`UPSERT b:2 SET n = $${name} RETURN NONE`, { [name]: 999 }).collect();
      await undo(transaction);
    },
  },
  'one name for many types of values': {
    schema: '',
    work: calls(
      ...[
        1,
        '1',
        1.5,
        new Uuid('00000000-0000-7000-8000-000000000000'),
        null,
        undefined,
        { v: 1 },
        [1],
        -0,
        Number.NaN,
      ].map((v, index): Call => [`UPSERT b:${index} SET v = $v ${quiet}`, { v }]),
    ),
  },
  'an own key __proto__': {
    schema: '',
    work: calls(['CREATE b:1 SET v = $v', { v: JSON.parse('{ "a": 1, "__proto__": 2 }') }]),
  },
  'an own key __proto__, deep, in an array and with an object': {
    schema: '',
    work: calls([`CREATE b:1 SET v = $v ${quiet}`, { v: [{ deep: JSON.parse('{ "__proto__": { "x": [1] } }') }] }]),
  },
  'an own key __proto__ of an answer that is read': {
    schema: 'CREATE b:1 SET v = { `__proto__`: 1, a: 2 }',
    work: calls(['SELECT * FROM b:1'], ['UPDATE b:1 SET w = v']),
  },
};

describe('parameters of a call that is replayed do not reach', () => {
  test.each(Object.entries(cases))('%s', async (_, { schema, set, work }) => {
    const tables = ['a', 'b', 'audit'];
    const { rolled, plain } = await bothWays(pool, { schema, tables, work, ...(set && { set }) });
    expect(plain.ending).toBe('committed');
    expect(rolled).toEqual(plain);
  });
});

import { createNodeEngines } from '@surrealdb/node';
import fc from 'fast-check';
import { BoundQuery, CborCodec, RecordId, Surreal, Table } from 'surrealdb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pureFunctions, pureMethods } from '../../src/surrealql/pure-functions.js';
import { replayability } from '../../src/surrealql/replayability.js';
import { SurrealText } from '../../src/surrealql/surreal-text.js';
import { rocksdbUrl } from '../support/temporary.js';

const db = new Surreal({ engines: createNodeEngines() });

beforeAll(async () => {
  await db.connect(rocksdbUrl());
  await db.use({ namespace: 'test', database: 'test' });
  await db.query(
    'DEFINE TABLE a; DEFINE TABLE b; DEFINE TABLE likes TYPE RELATION; DEFINE INDEX v ON a FIELDS v; CREATE a:1 SET v = 1, w = [3, 1, 2], x = { y: "z" }; CREATE a:2 SET v = 2, w = [1]; CREATE b:1 SET v = 1, a = a:1; CREATE b:2; RELATE a:1->likes:1->b:1 SET v = 1',
  );
});

const bindings = {
  record: new RecordId('a', 7),
  table: new Table('a'),
  row: { id: 8, v: 2 },
  rows: [{ id: 9 }, { v: 3 }],
  fields: ['v', 'x.y'],
  n: 3,
};

// What defined an index does not end by itself, but a worker of the tests is ended.
afterAll(() => db.close());

/** Texts of a language that is wider than what may be replayed, so that the judge has something to refuse. */
const text = fc.letrec<Record<'expression' | 'target' | 'statement' | 'text', string>>((tie) => {
  const e = tie('expression');
  const join = (...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
    fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((all) => all.join(''));
  const gap = fc.constantFrom(' ', '\n', ' /* a:1 */ ', ' -- rand()\r', '\t');
  const name = fc.constantFrom('v', 'w', 'x', 'id', '`value`', 'x.y', 'rand', 'select_it', '$n', '$record', '$this');
  const call = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...pureFunctions) },
    fc.constantFrom(
      'rand',
      'rand::int',
      'time::now',
      'rand::uuid',
      'array::shuffle',
      'time :: now',
      'fn::mine',
      'rand::ulid',
    ),
  );
  const method = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...pureMethods) },
    fc.constantFrom('shuffle', 'chain', 'map'),
  );
  const operator = fc.constantFrom(
    '+',
    '-',
    '*',
    '/',
    '=',
    '<',
    '??',
    '?:',
    '&&',
    '||',
    'AND',
    'IN',
    'CONTAINS',
    '!=',
    '..',
  );
  const value = fc.constantFrom(
    '1',
    '"a"',
    "'rand()'",
    'NONE',
    'a:1',
    'b:2',
    'a:rand()',
    'r"a:ulid()"',
    'd"2020-01-01T00:00:00Z"',
    '1h',
    'u"018f0000-0000-7000-8000-000000000000"',
    '[3, 1, 2]',
    '{ v: 1 }',
    '1.5',
    '2dec',
    'math::pi',
  );
  const clause = fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    join(' SET v = ', e),
    join(' CONTENT { v: ', e, ' }'),
    join(' SET v = ', e, ' RETURN ', fc.constantFrom('NONE', 'BEFORE', 'AFTER', 'DIFF', 'v')),
    join(' MERGE ', e),
    join(' WHERE ', e),
  );
  return {
    expression: fc.oneof(
      { maxDepth: 3, depthSize: 'small', withCrossShrink: true },
      value,
      name,
      join(call, fc.constantFrom('(', ' ('), e, ')'),
      join(call, '()'),
      join(call, '(', e, ', ', e, ')'),
      join('(', e, ').', method, '()'),
      join('[3, 1, 2, 4].', method, '()'),
      join('(', e, ').', method, '(', e, ')'),
      join(e, ' ', operator, ' ', e),
      join('[', e, ', ', e, ']'),
      join('{ v: ', e, ', create: ', e, ' }'),
      join('(', tie('statement'), ')'),
      join('{ LET $l = ', e, '; RETURN $l }'),
      join('IF ', e, ' { ', e, ' } ELSE { ', e, ' }'),
      join('<string> ', e),
      join('a:1->likes->b', fc.constantFrom('', '.*', '.v')),
      join('a:[1, ', e, ']'),
      join('[', e, '].map(|$i| ', e, ')'),
    ),
    target: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('a:10', 'a:11', 'b:12', '$record', 'a:1', 'b:`x`', 'a:[1, 2]') },
      fc.constantFrom('a', 'b', '$table', 'a:rand()', 'a:ulid()', '|a:2|', 'a:1..5', '`a`', "type::table('b')"),
      join("type::record('a', ", e, ')'),
      join('(', e, ')'),
      join(tie('target'), gap, ',', tie('target')),
    ),
    statement: fc.oneof(
      { depthSize: 'small' },
      join('RETURN', gap, e),
      join(
        'SELECT',
        gap,
        fc.oneof(fc.constant('*'), e),
        gap,
        'FROM ',
        fc.oneof(fc.constantFrom('a', 'b', 'likes', '$table'), e),
        fc.constantFrom(
          '',
          ' WHERE v = 1',
          ' ORDER BY v',
          ' ORDER BY rand()',
          ' GROUP BY v',
          ' LIMIT 1',
          ' SPLIT w',
          ' WHERE v > 0 LIMIT 5',
        ),
      ),
      join('SELECT count(), v FROM ', fc.constantFrom('a', 'b'), ' GROUP BY v'),
      join(
        fc.constantFrom('CREATE', 'UPSERT', 'create', 'CREATE ONLY', 'UPDATE', 'DELETE'),
        gap,
        tie('target'),
        clause,
      ),
      join('UPDATE a', clause),
      join(
        'INSERT ',
        fc.constantFrom('', 'IGNORE '),
        'INTO ',
        fc.constantFrom('a', '$table'),
        ' ',
        fc.oneof(
          fc.constantFrom(
            '$row',
            '$rows',
            '{ id: 20 }',
            '{ v: 2 }',
            '[{ id: 21 }, { v: 2 }]',
            '(id, v) VALUES (22, 3)',
          ),
          join('{ id: 1, v: ', e, ' }'),
          join('{ id: ', e, ' }'),
        ),
      ),
      join('RELATE a:1->', fc.constantFrom('likes', 'likes:5', 'likes:6', 'likes:[1]', '$table'), '->b:2', clause),
      join('LET $l = ', e),
      join('FOR $i IN [1, 2] { ', tie('statement'), ' }'),
      join('IF ', e, ' { ', tie('statement'), ' }'),
      e,
    ),
    text: fc.oneof(tie('statement'), join(tie('statement'), fc.constantFrom(';', '\n;', '; -- x\n'), tie('statement'))),
  };
}).text;

const failed = 'failed: ';

/** All that a text answers and leaves behind, as bytes, in a transaction that is then taken back. */
async function run(query: BoundQuery): Promise<string> {
  const transaction = await db.beginTransaction();
  try {
    const replies = await transaction.query(query).responses();
    const left = await transaction.query('SELECT * FROM a; SELECT * FROM b; SELECT * FROM likes').responses();
    const results = [...replies, ...left].map((reply) => (reply.success ? reply.result : reply.error.message));
    return Buffer.from(CborCodec.DEFAULT.encode(results)).toString('latin1');
  } catch (error) {
    // A text that does not parse.
    return `${failed}${error}`;
  } finally {
    await transaction.cancel();
  }
}

describe('what is judged replayable', () => {
  test('gives the same replies and the same data when it is run twice from the same state', async () => {
    const seen = { replayable: 0, succeeded: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(text, async (source) => {
        const query = new BoundQuery(source, bindings);
        if (replayability(new SurrealText(source), bindings).kind !== 'replayable') {
          seen.refused++;
          return;
        }
        seen.replayable++;
        const first = await run(query);
        if (!first.startsWith(failed)) seen.succeeded++;
        expect(await run(query), source).toBe(first);
      }),
      { numRuns: Number(process.env.REPLAY_RUNS ?? 3000) },
    );
    // Both kinds were met often enough for the above to mean something.
    expect(Math.min(seen.succeeded, seen.refused)).toBeGreaterThan(200);
  });

  test('uses functions that the server has', async () => {
    for (const name of pureFunctions) {
      const message = await db.query(`RETURN ${name}()`).then(
        () => '',
        (error: unknown) => String(error),
      );
      expect(message, name).not.toMatch(/Invalid function|no such|Parse error/i);
    }
  });
});

import { inspect } from 'node:util';
import fc from 'fast-check';
import type { QueryChunk } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { emptyCache, mendedText, mendingOf, noMending, withoutAdded } from '../../src/surrealql/mended-text.js';
import { SurrealText } from '../../src/surrealql/surreal-text.js';
import { type RecordedSession, recordedSessions } from '../support/recorded-session.js';
import { surroundings } from '../support/surroundings.js';
import { bytesOf } from '../support/values.js';

const open = recordedSessions(surroundings());
const place = { namespace: 'test', database: 'test' };
const mendings = [
  noMending,
  mendingOf({ hidesOwnWrites: true, losesOrder: false }, place),
  mendingOf({ hidesOwnWrites: false, losesOrder: true }, place),
  mendingOf({ hidesOwnWrites: true, losesOrder: true }, place),
];

/** What a chunk says, without the ids of records: they are what a server with the fault leaves out. */
function said({ result, error }: QueryChunk<unknown>): string {
  return error === undefined ? bytesOf(withoutIds(result)) : `failed: ${error.name} ${error.message}`;
}

function withoutIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutIds);
  if (typeof value !== 'object' || value === null || !('id' in value)) return value;
  const { id: _, ...rest } = value;
  return rest;
}

/** What a text answers, and what it leaves: in a transaction that is thrown away. */
async function outcome(session: RecordedSession, text: string, mending = noMending): Promise<unknown> {
  const transaction = await session.begin();
  try {
    const mended = mendedText(new SurrealText(text), mending);
    const answer = await session.send(mended.text, { v: 7 }, transaction).then(
      (chunks) => withoutAdded(chunks, mended.added).map(said),
      (error: Error) => `refused: ${error.name}`,
    );
    // A table by its scan: a record by its id comes from the cache that the mending is there for.
    const left = await session.send('SELECT VALUE v FROM a ORDER BY v', {}, transaction);
    return [answer, left.map(said)];
  } finally {
    await session.cancel(transaction);
  }
}

const statement = fc.constantFrom(
  'RETURN 1',
  'RETURN $v',
  'SELECT VALUE v FROM a ORDER BY v',
  'CREATE a:1 SET v = 1',
  'CREATE a:9 SET v = $v',
  'CREATE a:9 SET v = "; CREATE a:8"',
  "UPDATE a SET v = 'it''s' RETURN NONE",
  'UPDATE a:1 SET v = "\\"; --" RETURN BEFORE',
  'UPDATE a:2 SET `v; w` = 2 RETURN AFTER',
  'UPDATE a:2 SET v = v /2; RETURN 1 /1',
  'DELETE a:1 RETURN BEFORE',
  'UPSERT a:3 MERGE { v: 3 }',
  'INSERT INTO a [{ id: 4, v: 4 }, { id: 5, v: 5 }]',
  'LET $x = (CREATE ONLY a:6 SET v = 6)',
  'RETURN $x',
  'LET $v = 5',
  '{ CREATE a:7 SET v = 7; RETURN "in a block"; UPDATE a:7 SET v = 8; }',
  '{ LET $x = 1; CREATE a:7 SET v = $x }',
  'IF true { CREATE a:10 SET v = 10; } ELSE { RETURN 2; }',
  'IF false { RETURN 1 } ELSE IF true { UPDATE a:2 SET v = 11; RETURN 3 }',
  'IF true THEN (CREATE a:11 SET v = 11) ELSE 2 END',
  'IF true THEN CREATE a:11 SET v = 11; ELSE RETURN 2; END',
  'IF false THEN RETURN 1; ELSE IF true THEN UPDATE a:2 SET v = 12; END',
  'FOR $i IN [20, 21] { CREATE type::record("a", $i) SET v = $i; }',
  'THROW "no; CREATE a:12"',
  'THROW $v',
  'BREAK',
  'CONTINUE',
  'CREATE a:2; ',
  'DEFINE FIELD w ON a TYPE int DEFAULT 3; UPDATE a:1 SET v = 13',
  'INFO FOR TABLE a',
  'RETURN "unclosed',
  'CREATE a:13 SET v = 1 /* never closed',
  'RETURN a:1.v',
  'SELECT VALUE v FROM type::table("a") ORDER BY v',
  'RETURN <future> { 1 }',
  'RETURN [1, 2, 3].map(|$i| $i / 2)',
  'RETURN string::replace("a;b", /;/, "-")',
  'CREATE a:⟨x; y⟩ SET v = 14',
  'CREATE a:`;` SET v = 15',
  'DEFINE FUNCTION OVERWRITE fn::twice($n: number) { RETURN $n * 2; }; CREATE a:16 SET v = fn::twice(8)',
  'DEFINE EVENT OVERWRITE e ON b WHEN true THEN { CREATE a:17 SET v = 17; CREATE a:18 SET v = 18; }; CREATE b:1',
  'LET $f = |$n: number| { RETURN $n + 1; }; RETURN $f(1)',
  'SELECT VALUE v FROM (UPDATE a SET v += 1 RETURN AFTER) ORDER BY v',
  'CREATE a:19 SET v = <string> { CREATE a:20 SET v = 20; RETURN "x" }',
  'RETURN function() { return "; //"; /* ; */ }',
  'CREATE a:21 SET v = 21 -- up to a line of its own\u2028; CREATE a:22 SET v = 22',
  'REMOVE FIELD IF EXISTS w ON a',
  'RETURN {};RETURN [;]',
  'SLEEP 1ms',
  'OPTION IMPORT',
  '',
);
const between = fc.constantFrom(
  ';',
  ' ;',
  ';;',
  '; ;',
  '\n;\n',
  '; -- a comment; CREATE a:30\n',
  '; # another; one\n',
  '; // a third\r',
  '; /* ; CREATE a:31; */ ',
  ' -- before it\n;',
  ' /* before */ ; ',
);
const begin = fc.constantFrom('', ';', ' ', '\n', '-- first\n', '/* first; */', ';;');
const end = fc.constantFrom(
  '',
  ';',
  ';;',
  ' -- the end',
  '; -- the end',
  '\n',
  ' # end',
  '/* end */',
  '; // end',
  ' --',
);
const texts = fc
  .tuple(begin, fc.array(fc.tuple(statement, between), { maxLength: 4 }), statement, end)
  .map(([first, all, last, rest]) => `${first}${all.flat().join('')}${last}${rest}`);

describe('a text with statements of the pool in it', () => {
  test('does and answers what it does by itself', async () => {
    const session = await open('embedded');
    await session.send('DEFINE TABLE a; CREATE a:1 SET v = 1; CREATE a:2 SET v = 2');
    const seen = { added: 0, refused: 0, uncertain: 0 };
    await fc.assert(
      fc.asyncProperty(texts, fc.constantFrom(...mendings.slice(1)), async (text, mending) => {
        const { added } = mendedText(new SurrealText(text), mending);
        const expected = await outcome(session, text);
        if (added.size > 0) seen.added++;
        if (added.has('last')) seen.uncertain++;
        if (JSON.stringify(expected).includes('refused: ')) seen.refused++;
        expect(await outcome(session, text, mending), inspect({ text, mending })).toEqual(expected);
      }),
      { numRuns: Number(process.env.MENDING_RUNS ?? 600) },
    );
    // All kinds were met often enough for the above to mean something.
    expect(Math.min(seen.added - seen.refused, seen.refused, seen.uncertain)).toBeGreaterThan(30);
  });

  test('is in the database of its session, whatever the name of that', async () => {
    const names = fc.oneof(
      fc.constantFrom(
        "it's",
        'a\\b',
        'select',
        '1x',
        'with space',
        'a"b',
        '`',
        '⟩',
        '"',
        '\\',
        "\\'",
        'a\nb',
        'Ä',
        '$x',
        '-',
      ),
      fc.constantFrom(
        'NONE',
        'true',
        '1',
        '1e5',
        'db',
        "'",
        "''",
        '\\n',
        '\\u{41}',
        "x'; REMOVE TABLE a; '",
        '--',
        '/*',
        '\t',
      ),
      fc.string({ minLength: 1, maxLength: 5 }),
    );
    await fc.assert(
      fc.asyncProperty(names, names, async (namespace, database) => {
        // A session of its own each time: a name chosen before shows nothing.
        const session = await open('embedded');
        await session.transport.use({ namespace, database }, session.id);
        const mended = mendedText(
          new SurrealText('RETURN [session::ns(), session::db()]; CREATE a:1'),
          mendingOf({ hidesOwnWrites: true, losesOrder: true }, { namespace, database }),
        );
        const transaction = await session.begin();
        const [answer, created, ...more] = withoutAdded(await session.send(mended.text, {}, transaction), mended.added);
        expect([answer?.error, created?.error, more]).toEqual([undefined, undefined, []]);
        expect(answer?.result).toEqual([namespace, database]);
        await session.transport.commit(transaction, session.id);
        const [count] = await session.send('RETURN [session::ns(), session::db(), count(SELECT * FROM a)]');
        expect(count?.result).toEqual([namespace, database, 1]);
        session.transport.terminate();
      }),
      { numRuns: 60 },
    );
  });

  test('gives what the server would hide, between the statements of one text, and behind one that is cut in doubt', async () => {
    const session = await open('embedded');
    await session.send('DEFINE TABLE a; CREATE a:1 SET v = 1');
    const mending = mendingOf({ hidesOwnWrites: true, losesOrder: true }, place);
    for (const text of [
      'UPDATE a:1 SET v = 2; RETURN a:1.id; RETURN 1',
      'UPDATE a:1 SET v = 2 RETURN function() { return 1 }',
    ]) {
      const transaction = await session.begin();
      const mended = mendedText(new SurrealText(text), mending);
      await session.send(mended.text, {}, transaction);
      const [id] = await session.send('RETURN a:1.id', {}, transaction);
      expect(String(id?.result), text).toBe('a:1');
      await session.cancel(transaction);
    }
  });

  test.each([
    ['SELECT * FROM a', 'SELECT * FROM a', []],
    ['CREATE a:1', 'CREATE a:1; EMPTY', [1]],
    ['CREATE a:1; ', 'CREATE a:1; EMPTY; ', [1]],
    ['CREATE a:1 -- done', 'CREATE a:1; EMPTY -- done', [1]],
    [';; CREATE a:1;;RETURN 1; DELETE a', ';; CREATE a:1; EMPTY;;RETURN 1; DELETE a; EMPTY', [1, 4]],
    ['CREATE a:1 )', 'CREATE a:1 )\n;\nEMPTY', ['last']],
    ['', '', []],
  ])('is put together as %j says', (text, expected, added) => {
    const plain = mendedText(new SurrealText(text), { emptiesCache: true, use: undefined });
    expect(plain.text.replaceAll(emptyCache, 'EMPTY')).toBe(expected);
    expect([...plain.added]).toEqual(added);
    const placed = mendedText(new SurrealText(text), { emptiesCache: true, use: 'USE DB x' });
    expect(placed.text.replaceAll(emptyCache, 'EMPTY')).toBe(`USE DB x;\n${expected}`);
    expect([...placed.added]).toEqual([0, ...added.map((index) => (typeof index === 'number' ? index + 1 : index))]);
    expect(mendedText(new SurrealText(text), noMending)).toEqual({ text, added: new Set() });
  });

  test('gets no answers that are not its own', () => {
    expect(withoutAdded(['use', 'a', 'x', 'b', 'y'], new Set([0, 2, 4]))).toEqual(['a', 'b']);
    expect(withoutAdded(['use', 'a', 'b', 'y'], new Set<number | 'last'>([0, 'last']))).toEqual(['a', 'b']);
    expect(withoutAdded([], new Set<number | 'last'>([0, 'last']))).toEqual([]);
    expect(withoutAdded(['a'], new Set())).toEqual(['a']);
  });
});

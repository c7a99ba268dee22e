import fc from 'fast-check';
import { type BoundQuery, eq, RecordId, Surreal, Table } from 'surrealdb';
import { beforeAll, describe, expect, test } from 'vitest';
import { writingStatement } from '../../src/surrealql/read-access.js';
import { SurrealText } from '../../src/surrealql/surreal-text.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();

const bindings = { t: new Table('thing'), id: new RecordId('thing', 1), n: 1, write: 'CREATE hacked', fields: ['v'] };
const writing = (text: string): string | undefined => writingStatement(new SurrealText(text), bindings);

const reading = [
  '',
  ';;',
  'SELECT * FROM thing',
  'select count(), math::mean(v) AS mean from thing group all',
  'SELECT *, ->likes->thing AS liked FROM $t WHERE v IN [1, 2] OR id = $id ORDER BY v DESC LIMIT 3 START 1 FETCH liked',
  "SELECT type::field('v') FROM type::table('thing')",
  'SELECT type::fields($fields) FROM thing',
  'SELECT * FROM (SELECT v FROM thing WHERE v > 1) EXPLAIN FULL',
  'SELECT VALUE v FROM ONLY thing:1',
  'SELECT v <|2|> [1] AS near FROM [{ v: [1] }]',
  'RETURN $write',
  'RETURN "CREATE hacked"; -- CREATE hacked',
  'RETURN { a: [1, 2], b: thing:1.v, c: (SELECT * FROM thing) }',
  'LET $a = (SELECT * FROM thing); LET $b = $a.len(); RETURN [$a, $b]',
  'INFO FOR DB; INFO FOR TABLE thing; INFO FOR DB STRUCTURE',
  'EXPLAIN SELECT * FROM thing',
  'IF $n = 1 { SELECT * FROM thing } ELSE { NONE }',
  'IF $n = 1 THEN (SELECT * FROM thing) ELSE 2 END',
  'FOR $x IN [1, 2] { IF $x = 2 { BREAK }; LET $y = $x; CONTINUE }',
  '{ LET $x = 1; RETURN $x + 1 }',
  'thing:1.v; thing:1->likes->thing; $id.v; [1, 2][0]; (1 + 2); -1; !true; "text"; 1h; thing:1',
  'time::now() - 1d; rand::int(1, 2); string::uppercase("a"); session::db(); true AND false; name',
  'RETURN "a" = /DELETE/',
  'SELECT `access`, ⟨delete⟩ FROM thing',
];

/** Each would do more than read, or is not known to only read. */
const others = [
  'CREATE hacked',
  'SELECT * FROM thing; CREATE hacked',
  'create/**/hacked',
  'CREATE\u00a0hacked',
  '-- x\rCREATE hacked',
  '# x\u2028CREATE hacked',
  'RETURN (CREATE hacked)',
  'RETURN { x: CREATE hacked }',
  'RETURN [UPDATE thing SET v = 0]',
  'SELECT * FROM (DELETE thing RETURN BEFORE)',
  'SELECT (CREATE hacked) FROM thing',
  'SELECT * FROM thing WHERE (DELETE thing:1)',
  'SELECT * FROM CREATE hacked',
  'SELECT v[CREATE hacked] FROM thing',
  "SELECT type::field('v[CREATE hacked]') FROM thing",
  "SELECT type::fields(['v', 'v[CREATE hacked]']) FROM thing",
  'LET $x = CREATE hacked',
  'LET $x = { REMOVE TABLE thing }',
  'IF true { CREATE hacked }',
  'IF (CREATE hacked) { 1 }',
  'FOR $x IN (CREATE hacked) { 1 }',
  'FOR $x IN [1] { INSERT INTO hacked { id: 1 } }',
  'THROW (CREATE hacked)',
  'EXPLAIN ANALYZE CREATE hacked',
  'UPSERT thing:9',
  'RELATE thing:1->likes->thing:2',
  'INSERT INTO thing { id: 1 } ON DUPLICATE KEY UPDATE v = 0',
  'INSERT RELATION INTO likes { in: thing:1, out: thing:2 }',
  'DEFINE TABLE hacked',
  'DEFINE FUNCTION fn::x() { RETURN 1 }',
  'DEFINE PARAM $p VALUE 1',
  'DEFINE USER u ON DATABASE PASSWORD "p"',
  'ALTER TABLE thing SCHEMAFULL',
  'REMOVE TABLE IF EXISTS hacked',
  'REBUILD INDEX IF EXISTS i ON thing',
  'ACCESS a ON DATABASE GRANT FOR USER u',
  'LIVE SELECT * FROM thing',
  'KILL $id',
  'USE DB other; SELECT * FROM thing',
  'BEGIN; SELECT * FROM thing; COMMIT',
  'OPTION IMPORT; SELECT * FROM thing',
  'RETURN fn::write()',
  'RETURN fn::`write`()',
  'SELECT fn /**/ :: write() FROM thing',
  'RETURN http::post("http://localhost", {})',
  'RETURN ml::model<1.0.0>(1)',
  'RETURN api::invoke("/x")',
  'RETURN mod::x::write()',
  "RETURN sequence::nextval('s')",
  "RETURN file::put(f'b:/x', 'y')",
  "RETURN f'b:/x'.delete()",
  'RETURN function() { return surrealdb.query("CREATE hacked") }',
  'RETURN (|$x| $x)(1)',
  'LET $f = |$x| { CREATE hacked }; RETURN $f(1)',
  'RETURN [1].map(|$x| { CREATE hacked })',
  'RETURN [1].map($f)',
  'RETURN array::map([1], $f)',
  'RETURN [1].fold(0, $f)',
  'RETURN $f(1)',
  "RETURN r'thing:[CREATE hacked]'",
  "RETURN r'thing:[\\u{43}REATE hacked]'",
  "RETURN 1 OUTSIDE /'/; CREATE hacked; RETURN 1 OUTSIDE /'/",
  "RETURN 1../'/; CREATE hacked; RETURN 1../'/",
  'RETURN "open',
  'RETURN 1 /* open',
  'TRUNCATE thing',
  'TRUNCATE { thing }',
  'TRUNCATE (SELECT * FROM thing); 1',
  'IMPORT "x"',
  'ANALYZE $t',
  '{ TRUNCATE thing }',
  '@thing',
  '\ufeffSELECT * FROM thing',
];

/** All that a text could have changed. */
async function dump(): Promise<unknown> {
  const structure = await own.engine.query('INFO FOR DB; INFO FOR TABLE thing', place);
  return [structure, await own.engine.query('SELECT * FROM thing, likes, hacked ORDER BY id', place)];
}

async function fill(): Promise<void> {
  await own.engine.query(
    'REMOVE TABLE IF EXISTS thing; REMOVE TABLE IF EXISTS likes; REMOVE TABLE IF EXISTS hacked; DEFINE TABLE thing; DEFINE TABLE likes; DEFINE TABLE hacked',
    place,
  );
  await own.engine.query(
    'INSERT INTO thing [{ id: 1, v: 1 }, { id: 2, v: 2 }]; RELATE thing:1->likes:1->thing:2',
    place,
  );
}

/** Runs it whatever becomes of it, with the parameters it uses. */
async function run(text: string): Promise<boolean> {
  const used = Object.fromEntries(Object.entries(bindings).filter(([name]) => text.includes(`$${name}`)));
  return await own.engine.query(text, place, used).then(
    () => true,
    () => false,
  );
}

describe('access read', () => {
  beforeAll(async () => {
    await own.engine.query(
      'DEFINE FUNCTION OVERWRITE fn::write() { CREATE hacked }; DEFINE PARAM OVERWRITE $stored VALUE 1',
      place,
    );
  });

  test.each(reading)('lets pass: %s', async (text) => {
    await fill();
    const before = await dump();
    expect(writing(text)).toBeUndefined();
    await own.engine.query(text, place, bindings);
    expect(await dump()).toEqual(before);
  });

  test.each(others)('refuses: %s', (text) => {
    expect(writing(text)).toBeDefined();
  });

  test('knows what the builders of the SDK send', () => {
    const sdk = new Surreal();
    const judged = (builder: { compile(): BoundQuery }) => {
      const { query, bindings: values } = builder.compile();
      return writingStatement(new SurrealText(query), values);
    };
    const id = new RecordId('thing', 1);
    expect(judged(sdk.select(id))).toBeUndefined();
    expect(judged(sdk.select(new Table('thing')).fields('v').where(eq('v', 1)))).toBeUndefined();
    expect(judged(sdk.select(id).fields('fn::write()'))).toBeDefined();
    expect(judged(sdk.delete(id))).toMatch(/^DELETE ONLY/);
  });

  test('names the statement that is not known to only read', () => {
    expect(writing("SELECT 1; { CREATE hacked SET a = 'secret' }; SELECT 2")).toBe("{ CREATE hacked SET a = '…' }");
    expect(writing('SELECT 1; BEGIN')).toBe('BEGIN');
    expect(writing('SELECT 1 /* open')).toBe('SELECT 1 …');
  });
});

/** Texts of reads and writes in each other, some with comments and in odd spellings. */
const { text: texts } = fc.letrec<Record<'value' | 'statement' | 'block' | 'text', string>>((tie) => {
  const [value, statement] = [tie('value'), tie('statement')];
  const target = fc.constantFrom(
    'thing',
    'thing:1',
    '$t',
    '$id',
    'hacked',
    'type::table("thing")',
    'thing:..',
    '`thing`',
  );
  const build = (...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
    fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((own) => own.join(''));
  const space = fc.constantFrom(' ', '\n', '/* ; */', ' -- x\n', '\u00a0');
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('1', '"CREATE hacked"', '$n', '$write', 'v', 'thing:1', 'NONE', 'thing:1.v', "r'thing:1'", '/x/'),
      build('(', value, ')'),
      build('[', value, ', ', value, ']'),
      build('{ a: ', value, ' }'),
      build('(', statement, ')'),
      build(value, ' + ', value),
      build(value, ' / ', value),
      build('array::len([', value, '])'),
      build('[', value, '].map(|$x| ', value, ')'),
      build('type::field("', fc.constantFrom('v', 'v[CREATE hacked]', 'fn::write()'), '")'),
      build('thing:1[', value, ']'),
      fc.constantFrom(
        'fn::write()',
        'rand()',
        "r'thing:[CREATE hacked]'",
        'fn/**/::write()',
        'fn::`write`()',
        '(|$x| fn::write())(1)',
      ),
      statement,
    ),
    statement: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      build('SELECT * FROM', space, target),
      build('SELECT ', value, ' AS x FROM ', target, ' WHERE ', value),
      build('SELECT * FROM (', statement, ')'),
      build('RETURN', space, value),
      build('LET $x =', space, value),
      build('IF ', value, ' ', tie('block'), ' ELSE ', tie('block')),
      build('FOR $y IN [1, ', value, '] ', tie('block')),
      build('INFO FOR DB'),
      build(fc.constantFrom('CREATE', 'create', 'UPSERT', 'DELETE', 'DELETE FROM', 'delete only'), space, target),
      build('UPDATE ', target, ' SET v = ', value),
      build('INSERT INTO hacked { v: ', value, ' }'),
      fc.constantFrom(
        'RELATE thing:1->likes->thing:2',
        'DEFINE TABLE new',
        'REMOVE TABLE thing',
        'DEFINE PARAM $stored VALUE 2',
      ),
      value,
    ),
    block: build('{ ', statement, fc.constantFrom('; ', ' '), statement, ' }'),
    text: build(statement, fc.constantFrom(';', '; ', ' ;-- ;\n'), statement),
  };
});

test('what access read lets pass changes nothing, whatever its text', async () => {
  const seed = Number(process.env.READ_SEED ?? Math.trunc(Math.random() * 2 ** 31));
  let passed = 0;
  let refused = 0;
  await fill();
  const before = await dump();
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      if (writing(text) !== undefined) {
        refused++;
        return;
      }
      if (await run(text)) passed++;
      const after = await dump();
      if (JSON.stringify(after) !== JSON.stringify(before)) await fill();
      expect(after, text).toEqual(before);
    }),
    { numRuns: 3_000, seed },
  );
  // Otherwise the texts ask nothing.
  expect(passed).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
});

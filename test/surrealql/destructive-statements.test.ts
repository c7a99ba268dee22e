import fc from 'fast-check';
import {
  BoundExcluded,
  BoundIncluded,
  type BoundQuery,
  eq,
  RecordId,
  RecordIdRange,
  StringRecordId,
  Surreal,
  Table,
} from 'surrealdb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { destructive } from '../../src/surrealql/destructive-statements.js';
import { SurrealText } from '../../src/surrealql/surreal-text.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();

const bindings: Readonly<Record<string, unknown>> = {
  t: new Table('thing'),
  id: new RecordId('thing', 1),
  text: new StringRecordId('thing:1'),
  ids: [new RecordId('thing', 1), new StringRecordId('thing:2')],
  none: [],
  mixed: [new RecordId('thing', 1), new Table('thing')],
  range: new RecordIdRange('thing', new BoundIncluded(1), new BoundExcluded(9)),
  name: 'thing',
  key: 1,
};

const found = (text: string, values = bindings) => destructive(new SurrealText(text), values);

/** The server would lose or change thing:8, which none of them names. */
const losing = [
  'REMOVE TABLE thing',
  'remove/**/table\u00a0if exists thing',
  '{ REMOVE TABLE thing }',
  'LET $x = { REMOVE TABLE thing }; RETURN $x',
  'IF true THEN (REMOVE TABLE thing) END',
  'DEFINE TABLE OVERWRITE thing AS SELECT * FROM likes',
  'define table overwrite thing type normal as (select * from likes)',
  'REMOVE DATABASE test',
  'DELETE thing',
  'delete thing',
  'DeLeTe\tFROM\rthing',
  'DELETE/* WHERE false */thing',
  'DELETE thing -- WHERE false',
  'DELETE thing # WHERE false\n',
  'DELETE thing; SELECT * FROM thing WHERE false',
  'DELETE `thing`',
  'DELETE ⟨thing⟩',
  'DELETE $t',
  'DELETE $⟨t⟩',
  'DELETE $`t`',
  'DELETE FROM $t RETURN BEFORE',
  'DELETE $range',
  'DELETE $mixed',
  'DELETE thing TIMEOUT 1s',
  'DELETE thing RETURN BEFORE',
  'DELETE other, thing',
  'DELETE thing:1, thing',
  'DELETE [thing:1, thing]',
  'DELETE thing:..',
  'DELETE thing:1..',
  'DELETE thing:1>..9',
  'DELETE thing:1..=8',
  'DELETE thing:1 AND thing',
  'DELETE thing:7 && thing',
  'DELETE (thing)',
  'DELETE { thing }',
  "DELETE type::table('thing')",
  'DELETE type::table($name)',
  "DELETE type::record('thing', 1..9)",
  "DELETE type::record('thing', { RETURN thing })",
  'DELETE (SELECT * FROM thing WHERE id = thing:8)',
  'DELETE SELECT * FROM thing WHERE id = thing:8',
  'DELETE $t WITH INDEX where RETURN NONE',
  'LET $t = type::table($name); DELETE $t',
  "LET $id = type::table('thing'); DELETE $id",
  'FOR $id IN [type::table($name)] { DELETE $id }',
  'FOR $x IN [1] { IF $x = 1 { DELETE thing } }',
  'IF true THEN DELETE thing ELSE SELECT * FROM thing WHERE false END',
  'RETURN [1, { x: [DELETE thing] }]',
  'RETURN { x: DELETE thing }',
  'RETURN {x:DELETE thing}',
  'RETURN array::len((DELETE thing RETURN BEFORE))',
  '{ a DELETE thing }',
  '{ x.for DELETE thing; permissions }',
  'LET $x = DELETE thing',
  'SELECT * FROM (DELETE thing RETURN BEFORE) WHERE true',
  'SELECT (DELETE thing) FROM 1 WHERE true',
  'UPDATE other:1 SET v = (DELETE thing RETURN BEFORE) WHERE true',
  'UPDATE other:1 SET v = DELETE thing RETURN BEFORE WHERE true',
  'CREATE other SET v = (DELETE thing)',
  'CREATE other CONTENT { v: DELETE thing }',
  'INSERT INTO other { id: 3, v: (DELETE thing) }',
  'RELATE other:1->likes->other:1 SET v = (DELETE thing)',
  'UPDATE other:1 SET v = DELETE thing:.. RETURN BEFORE WHERE true',
  'UPDATE thing SET v = 0',
  'update only (SELECT * FROM ONLY thing:8) SET v = 0',
  'UPDATE thing MERGE { v: 0 }',
  'UPDATE thing CONTENT { v: 0 }',
  'UPDATE thing REPLACE { v: 0 }',
  'UPDATE thing UNSET v',
  'UPDATE thing PATCH [{ op: "replace", path: "/v", value: 0 }]',
  'UPDATE $t SET v = 0',
  'UPDATE thing SET where = 1',
  'UPDATE thing SET v = where',
  'UPDATE thing SET v = (SELECT VALUE v FROM other WHERE true)',
  'UPDATE thing SET v = SELECT VALUE v FROM other WHERE true',
  'UPDATE thing SET v = IF true THEN (SELECT * FROM other WHERE true) END',
  'UPSERT thing:1..9 SET v = 0',
  'BEGIN; DELETE thing; COMMIT',
  'RETURN "DELETE thing:1 WHERE"; DELETE thing',
  "RETURN 'it\\'s'; DELETE thing; RETURN 'WHERE true'",
  "RETURN 1 OUTSIDE /'/; DELETE thing; RETURN 1 OUTSIDE /'/",
  'DEFINE FUNCTION OVERWRITE fn::all() { DELETE thing }; RETURN fn::all()',
  'DEFINE FUNCTION OVERWRITE fn::own($id: any) { DELETE $id }; RETURN fn::own(type::table($name))',
  'LET $f = |$id: any| DELETE thing; RETURN $f(1)',
  'DEFINE EVENT OVERWRITE e ON other THEN { DELETE thing }; CREATE other; REMOVE EVENT e ON other',
];

/** Refused although it is not certain that they lose anything. */
const doubtful = [
  '{ SELECT permissions FROM other ORDER BY for DELETE thing; permissions }',
  '{ SELECT * FROM other GROUP BY for DELETE FROM thing }',
  'DELETE thing:[{ RETURN thing }]',
  'DELETE thing:.. WHERE v = 1',
  'SELECT remove FROM thing',
  'DELETE thing:1..where RETURN NONE',
  'UPSERT thing SET v = 1',
  'UPSERT $t SET v = 1',
  'DELETE $unbound',
  'DELETE $this',
  'DELETE $parent.id',
  'DELETE $name',
  'DELETE thing:1->likes',
  'DELETE |thing:3|',
  'DELETE thing[WHERE v = 1]',
  'DELETE fn::some()',
  'DELETE thing:1.v',
  'DELETE r"thing:.."',
  'DELETE r"thing:1..3"',
  'DELETE r"thing:\\u{5b}1\\u{5d}"',
  "RETURN r'thing:[DELETE thing]'",
  "RETURN r'thing:[\\u{5b}'",
  "DELETE type::record('thing', $unbound)",
  'DELETE $f\\u0041',
  'DELETE where',
  'DELETE thing WHERE',
  'DELETE thing[ WHERE',
  'RETURN (|$id: any| DELETE $id)(thing)',
  "RETURN function() { return surrealdb.query('DEL' + 'ETE thing') }",
  'DELETE thing; RETURN "open',
  'RETURN 1../DELETE thing',
  'DEFINE EVENT e ON thing THEN (DELETE $before)',
];

/** The server leaves thing:8 as it is, or they have a WHERE. */
const harmless = [
  '',
  'SELECT * FROM thing',
  'DELETE thing:1',
  'DELETE FROM ONLY thing:1',
  'delete only thing:⟨1⟩ return before',
  'DELETE thing:-5',
  'DELETE thing:[1, 2], thing:{ a: 1 }',
  'DELETE thing:u"018f0000-0000-7000-8000-000000000000"',
  'DELETE r"thing:1"; DELETE r\'`thing`:⟨1⟩\'',
  'DELETE thing:1, thing:2, $id',
  'DELETE [thing:1, $id, []]',
  'DELETE $id',
  'DELETE $text',
  'DELETE $ids',
  'DELETE $none',
  "DELETE type::record('thing', 1)",
  'DELETE type::record($name, $key)',
  'DELETE type::record($t, "a") RETURN NONE',
  'DELETE thing WHERE v = 1',
  'DELETE thing WITH NOINDEX WHERE v = 1',
  'DELETE $t WHERE v = 1 RETURN BEFORE',
  'DELETE other, thing WHERE (v = 1)',
  'DELETE thing WHERE !(v != 1)',
  'DELETE (SELECT * FROM thing) WHERE v = 1',
  'DELETE thing WHERE v IN (SELECT VALUE v FROM other WHERE true)',
  'UPDATE thing:1 SET v = 5',
  'UPDATE ONLY thing:2 MERGE { v: 5 } RETURN AFTER',
  'UPDATE thing SET v = 5, w = 6 WHERE v = 1',
  'UPDATE thing SET v = (SELECT VALUE v FROM other WHERE true) WHERE v = 1',
  'UPDATE thing SET v = IF true THEN 1 ELSE 2 END WHERE v = 1',
  'UPDATE thing SET v = IF true { 1 } ELSE { 2 } WHERE v = 1',
  'UPDATE thing SET access = 1, delete = 2 WHERE v = 1',
  'UPSERT thing:1 SET v = 1; UPSERT $id CONTENT { v: 2 }',
  'UPSERT thing SET v = 5 WHERE v = 1',
  'CREATE thing SET delete = 1, update = 2, remove = 3',
  'SELECT thing.delete, `update`, ⟨remove⟩ AS x FROM thing',
  'RETURN { delete: 1, update: 2, remove: 3, x: thing:delete }',
  'SELECT * FROM thing:delete WHERE true',
  'SELECT * FROM thing:1->delete',
  "RETURN array::remove([1, 2], 0); RETURN 'DELETE thing'; RETURN [1].remove(0)",
  '-- DELETE thing\nRETURN 1 /* REMOVE TABLE thing */ # UPDATE thing',
  'INSERT INTO thing { id: 1, v: 1 } ON DUPLICATE KEY UPDATE v = 2',
  'DEFINE TABLE OVERWRITE other PERMISSIONS FOR select, update, delete NONE FOR create FULL',
  'DEFINE TABLE OVERWRITE other PERMISSIONS FOR update, delete WHERE false',
  'DEFINE FIELD OVERWRITE o ON other TYPE option<record<other>> REFERENCE ON DELETE CASCADE',
  'DEFINE TABLE OVERWRITE thing',
  'ALTER TABLE thing SCHEMALESS',
  'IF true THEN DELETE thing:1 ELSE DELETE thing:2 END',
  'FOR $x IN [1] { DELETE thing:1; UPDATE thing:2 SET v = $x }',
  '{ DELETE thing:1; RETURN [DELETE thing:2] }',
  'BEGIN; UPDATE $id SET v = 1; COMMIT',
  'DEFINE FUNCTION OVERWRITE fn::one() { DELETE thing:1 }',
];

describe('a destructive statement', () => {
  const define = async (): Promise<void> => {
    await own.engine.query('DEFINE NAMESPACE IF NOT EXISTS test; USE NS test; DEFINE DATABASE IF NOT EXISTS test');
    await own.engine.query('REMOVE TABLE IF EXISTS thing; DEFINE TABLE thing', place);
  };
  // What all tests do at their end needs the table.
  afterEach(define);
  beforeEach(async () => {
    await define();
    await own.engine.query(
      'DEFINE TABLE IF NOT EXISTS other; DEFINE TABLE IF NOT EXISTS likes; DELETE other; UPSERT other:1; INSERT INTO thing [{ id: 1, v: 1 }, { id: 2, v: 2 }, { id: 8, v: 8 }]',
      place,
    );
  });

  const left = async (): Promise<unknown> => {
    const [record] = await own.engine.query('SELECT * FROM thing:8', place).catch(() => ['gone']);
    return record;
  };
  const whole = [{ id: new RecordId('thing', 8), v: 8 }];
  /** Only what the text names: some of the values are refused by the server wherever they are not used. */
  const used = (text: string) => Object.fromEntries(Object.entries(bindings).filter(([name]) => text.includes(name)));

  test.each(losing)('is found: %s', async (text) => {
    expect(found(text)).toBeDefined();
    const refused = await own.engine.query(text, place, used(text)).then(
      () => false,
      // SurrealDB 3.0 reads some expressions in a transaction that cannot write.
      (error: unknown) => String(error).includes('read only transaction'),
    );
    if (!refused) expect(await left()).not.toEqual(whole);
  });

  test.each(doubtful)('is suspected: %s', (text) => {
    expect(found(text)).toBeDefined();
  });

  test.each(harmless)('is not: %s', async (text) => {
    expect(found(text)).toBeUndefined();
    await own.engine.query(text, place, used(text));
    expect(await left()).toEqual(whole);
  });

  test('is shown without the texts in it', () => {
    const text = "SELECT 1; { DELETE person RETURN 'secret'; RETURN 1 }";
    expect(found(text)).toMatchObject({ statement: "DELETE person RETURN '…'" });
    expect(found('REMOVE TABLE person; RETURN 1')).toMatchObject({ statement: 'REMOVE TABLE person' });
  });

  test('is suspected in a text with too many readings', () => {
    const text = `${'SELECT when / 2 FROM thing;'.repeat(9)} DELETE thing:1`;
    expect(found(text)).toBeDefined();
  });

  test('is found in what the builders of the SDK send', () => {
    const sdk = new Surreal();
    const [table, id] = [new Table('thing'), new RecordId('thing', 1)];
    const compiled = (builder: { compile(): BoundQuery }) => {
      const { query, bindings: values } = builder.compile();
      return found(query, values);
    };
    const range = new RecordIdRange('thing', new BoundIncluded(1), new BoundExcluded(9));
    for (const builder of [
      sdk.delete(table),
      sdk.delete(table).output('none'),
      sdk.delete(range),
      sdk.update(table).merge({ v: 1 }),
      sdk.update(range).content({ v: 1 }).output('diff'),
      sdk.upsert(table).content({ v: 1 }),
    ]) {
      expect(compiled(builder)).toBeDefined();
    }
    for (const builder of [
      sdk.delete(id),
      sdk.update(id).patch([]),
      sdk.update(table).merge({ v: 1 }).where(eq('v', 1)),
      sdk.upsert(id).content({ v: 1 }).output('none'),
      sdk.create(table).content({ v: 1 }),
      sdk.insert(table, [{ v: 1 }]),
      sdk.relate(id, new Table('likes'), id),
      sdk.select(table).fields('v').where(eq('v', 1)),
    ]) {
      expect(compiled(builder)).toBeUndefined();
    }
  });

  test('is judged by the values it is called with', () => {
    expect(found('DELETE $x', { x: new RecordId('thing', 1) })).toBeUndefined();
    expect(found('DELETE $x', { x: new Table('thing') })).toBeDefined();
    expect(found('DELETE $toString', {})).toBeDefined();
  });
});

/** Statements that write, in each other and in odd spellings. No condition holds for thing:8, and nothing names it. */
const { text: texts } = fc.letrec<Record<'value' | 'statement' | 'text', string>>((tie) => {
  const [value, statement] = [tie('value'), tie('statement')];
  const build = (...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
    fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((own) => own.join(''));
  const space = fc.constantFrom(' ', ' ', ' ', '\n', '/* WHERE v = 1 */', ' -- WHERE v = 1\n', '\u00a0');
  const word = (...spellings: [string, ...string[]]) => build(space, fc.constantFrom(...spellings), space);
  const record = fc.constantFrom('thing:1', '$id', '$ids', '[thing:1, $id]', 'r"thing:1"', "type::record('thing', 1)");
  const more = fc.constantFrom('thing', '$t', '`thing`', 'thing:..', 'thing:2..', '$range', '$mixed', '[thing]');
  const target = fc.oneof(
    { weight: 4, arbitrary: record },
    { weight: 4, arbitrary: more },
    build('(', statement, ')'),
    build('{ RETURN ', more, ' }'),
    build(record, ', ', more),
    build(record, fc.constantFrom(' AND ', ' OR ', ' ?? ', '->', '.id, ', ' ', ' WHERE '), more),
    build("type::record('thing', ", value, ')'),
    build('thing:[', value, ']'),
  );
  const where = fc.oneof(
    { weight: 2, arbitrary: fc.constant('') },
    fc.constantFrom(' WHERE v = 1', ' where/**/v = 1', ' -- WHERE v = 1\n', ' RETURN where', ' WITH INDEX where'),
    build(' WITH NOINDEX WHERE v = 1'),
    build(' WHERE v = 1 AND ', value, ' = 1'),
    build(' RETURN BEFORE', fc.constantFrom('', ' WHERE v = 1')),
    build(' TIMEOUT 9s'),
  );
  const field = fc.constantFrom('w', 'where', '`where`', 'timeout', 'access', 'delete');
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('1', '"x WHERE v = 1"', 'v', 'thing:1', 'where', '$t', '1..9', 'NONE'),
      build('(', statement, ')'),
      build('[', value, ', ', value, ']'),
      build('{ a: ', value, ' }'),
      build('IF true THEN ', value, ' ELSE ', value, ' END'),
      build('(SELECT * FROM other WHERE v = 1)'),
      build('SELECT * FROM other WHERE v = 1'),
      statement,
    ),
    statement: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      build(word('DELETE', 'delete', 'DELETE FROM'), target, where),
      build(word('UPDATE', 'uPdate'), target, ' SET ', field, ' = ', value, where),
      build(word('UPDATE'), target, fc.constantFrom(' MERGE ', ' CONTENT '), '{ w: ', value, ' }', where),
      build(word('UPDATE'), target, ' UNSET ', field, where),
      build('UPSERT thing:1 SET w = ', value),
      build('FOR $id IN [', value, '] { ', statement, ' }'),
      build('LET $id = ', value, '; ', statement),
      build('IF true THEN ', statement, ' ELSE ', statement, ' END'),
      build('IF true { ', statement, '; ', statement, ' }'),
      build('{ ', value, ' ', statement, ' }'),
      build('SELECT * FROM (', statement, ') WHERE v = 1'),
      build('INSERT INTO other { id: ', value, ' } ON DUPLICATE KEY UPDATE w = ', value),
      build('RETURN ', value),
      fc.constantFrom(
        'REMOVE TABLE thing',
        'DEFINE TABLE OVERWRITE thing AS SELECT * FROM likes',
        'DEFINE TABLE OVERWRITE thing',
      ),
    ),
    text: build(statement, fc.constantFrom(';', '; ', ';\n-- ;\n'), statement),
  };
});

test('what is not found leaves alone what it neither names nor has a condition for, whatever the text', async () => {
  const seed = Number(process.env.DESTRUCTIVE_SEED ?? Math.trunc(Math.random() * 2 ** 31));
  const fill =
    'DEFINE TABLE OVERWRITE thing; DEFINE TABLE OVERWRITE other; DEFINE TABLE IF NOT EXISTS likes; DELETE thing; INSERT INTO thing [{ id: 1, v: 1 }, { id: 8, v: 8, w: 8 }]';
  await own.engine.query(fill, place);
  let passed = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      if (found(text) !== undefined) {
        refused++;
        return;
      }
      const used = Object.entries(bindings).filter(([name]) => text.includes(`$${name}`));
      await own.engine.query(text, place, Object.fromEntries(used)).then(
        () => passed++,
        () => undefined,
      );
      const [records] = await own.engine.query('SELECT * FROM thing:8', place).catch(() => []);
      const whole = [{ id: new RecordId('thing', 8), v: 8, w: 8 }];
      if (JSON.stringify(records) !== JSON.stringify(whole)) await own.engine.query(fill, place);
      expect(records, text).toEqual(whole);
    }),
    { numRuns: 3_000, seed },
  );
  // Otherwise the texts ask nothing.
  expect(passed).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
});

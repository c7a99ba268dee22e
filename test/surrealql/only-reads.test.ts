import { describe, expect, test } from 'vitest';
import { judgeReading, onlyReads } from '../../src/surrealql/only-reads.js';
import { SurrealText } from '../../src/surrealql/surreal-text.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();

const bindings = { fields: ['v', 'w.x'], calls: ['v', 'fn::write()'], n: 1 };
const reads = (text: string): boolean => onlyReads(new SurrealText(text), bindings);

const reading = [
  '',
  'RETURN 1',
  'SELECT * FROM thing WHERE (v = 1) AND (w IN (1, 2)) ORDER BY v LIMIT (2)',
  'SELECT ->likes->thing AS liked, count() FROM thing GROUP ALL',
  'SELECT type::fields($fields) FROM thing',
  'LET $x = (SELECT * FROM thing); RETURN $x',
  'IF (true) { SELECT * FROM thing } ELSE { 1 }',
  'FOR $x IN [1, 2] { LET $y = $x }',
  'RETURN rand() + rand::int(1, 2)',
  'RETURN [time::now(), math::pi, string::len("a"), [1, 2].len(), array::len([1])]',
  'RETURN "CREATE thing" -- DELETE thing',
  'RETURN "a" = /CREATE/',
  'RETURN r"thing:1"',
  'SELECT * FROM thing WHERE v / 2 > 1',
  'INFO FOR DB',
  'SLEEP 1ms; SHOW CHANGES FOR TABLE thing SINCE d"2020-01-01T00:00:00Z" LIMIT 1',
  '/* CREATE thing */ SELECT "DELETE thing" AS text, \'UPDATE\' AS other FROM thing # REMOVE TABLE thing',
  'RETURN { text: "CREATE thing", list: [thing:7, 1 + 2] }',
  'LET $x = 1; RETURN $x IN [1] AND true; { 1 }',
  'thing:7.v; thing; [thing:7.v]; (thing:7)',
  'SELECT * FROM thing EXPLAIN',
  'SELECT type::field("v"), type::fields(["v", \'w.x\']) FROM type::table("thing")',
];

const others = [
  'CREATE thing:1',
  'RETURN { UPDATE thing SET v = 1 }',
  'SELECT * FROM (DELETE thing RETURN BEFORE)',
  'RETURN [CREATE thing:1]',
  'LET $x = UPSERT thing:1',
  'IF true THEN (INSERT INTO thing { id: 1 }) END',
  'RELATE thing:1->likes->thing:2',
  'DEFINE FIELD v ON thing',
  'REMOVE TABLE thing',
  'ALTER TABLE thing DROP',
  'RETURN fn::write()',
  'RETURN fn::`write`()',
  'RETURN fn :: /**/ write ()',
  'RETURN mod::a::b()',
  'RETURN ml::a<1.0.0>(1)',
  'RETURN http::get("http://localhost")',
  "RETURN sequence::nextval('s')",
  'RETURN api::invoke("/x")',
  "RETURN file::put(f'a:/b', 'c')",
  "RETURN f'a:/b'.put('c')",
  'RETURN function() { return 1 }',
  'RETURN $f(1)',
  'RETURN (|$x| $x)(1)',
  'RETURN [1].map($f)',
  'RETURN array::map([1], $f)',
  'RETURN thing:1.run(1)',
  'RETURN unknown::whatever(1)',
  'SELECT type::fields($calls) FROM thing',
  'SELECT type::field("fn::write()") FROM thing',
  'SELECT type::field("fn::write\\u0028)") FROM thing',
  'SELECT type::fields(["v", "fn::write()"]) FROM thing',
  'SELECT type::fields(["v", $n]) FROM thing',
  'SELECT type::fields([v]) FROM thing',
  'SELECT type::field("v" FROM thing',
  "RETURN r'thing:[CREATE thing:1]'",
  "RETURN r'thing:[fn::write()]'",
  "RETURN r'thing:\\u{5b}CREATE thing:1\\u{5d}'",
  "RETURN 1 OUTSIDE /'/; CREATE thing:1; RETURN 1 OUTSIDE /'/",
  "SELECT * FROM thing WHERE /'/; CREATE thing:1; RETURN 1 OUTSIDE /'/",
  "RETURN 1../'/; CREATE thing:1; RETURN 1../'/",
  'RETURN "open',
  'BEGIN; COMMIT',
  'USE DB other',
  'LIVE SELECT * FROM thing',
  'KILL u"018f0000-0000-7000-8000-000000000000"',
  'TRUNCATE thing',
  'SELECT * FROM (TRUNCATE thing)',
  '{ TRUNCATE TABLE thing }',
  'RETURN 1; IMPORT "file"',
  'LET $x = TRUNCATE $thing',
  'IF true THEN TRUNCATE thing END',
  'SELECT * FROM thing WHERE (/* x */ DELETE thing)',
  'FOR $x IN [1] { SELECT 1 FROM 1; CREATE thing }',
  'SELECT type::fields($unbound) FROM thing',
  'SELECT * FROM fn::write()',
  'REBUILD INDEX i ON thing',
  'ACCESS a GRANT FOR USER root',
];

describe('a text only reads', () => {
  test.each(reading)('for certain: %s', async (text) => {
    expect(reads(text)).toBe(true);
    await own.engine.query('CREATE thing:7 SET v = 3', place);
    await own.engine.query(text, place, bindings);
    expect(await own.engine.query('SELECT * FROM thing', place)).toMatchObject([[{ v: 3 }]]);
  });

  test.each(others)('not, or not for certain: %s', (text) => {
    expect(reads(text)).toBe(false);
  });

  test('says whether it was seen from the text alone', () => {
    const judged = (text: string) => judgeReading(new SurrealText(text), bindings);
    expect(judged('SELECT * FROM thing WHERE v = $n')).toEqual({ onlyReads: true, byTextAlone: true });
    expect(judged('SELECT type::fields($fields) FROM thing')).toEqual({ onlyReads: true, byTextAlone: false });
    expect(judged('SELECT type::fields($calls) FROM thing')).toEqual({ onlyReads: false, byTextAlone: false });
  });
});

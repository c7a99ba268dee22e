import { BoundQuery, RecordId } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { refuseLoneStatement } from '../../src/connection/statement-guard.js';
import { UsageError } from '../../src/index.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

const refused: readonly [string, RegExp][] = [
  ['BEGIN', /in one query/],
  ['begin transaction;', /in one query/],
  ['  BEGIN ; ', /in one query/],
  ['-- start\nBEGIN', /in one query/],
  ['/* a; b */ LET $x = 1;', /set\(name, value\)/],
  ['LET $x = "a;b"', /set\(name, value\)/],
  ['LET $x = { a: 1; }', /set\(name, value\)/],
  ['LET $x = (SELECT * FROM thing WHERE a = "}")', /set\(name, value\)/],
  ['LET $x = (SELECT * FROM thing)', /set\(name, value\)/],
  ['LET $x = "CREATE thing"; LET $y = `delete`', /set\(name, value\)/],
  ['/* CREATE thing */ LET $x = $updated', /set\(name, value\)/],
  ['USE NS a DB b', /use\(\{ namespace, database \}\)/],
  ['use db b; # elsewhere', /use\(\{ namespace, database \}\)/],
  ['LET $a = 1; LET $b = 2', /set\(name, value\)/],
  ['USE NS a DB b; LET $x = 1; BEGIN', /in one query/],
];
const passed: readonly string[] = [
  '',
  'RETURN 1',
  'LET $x = 1; RETURN $x',
  'USE NS a DB b; SELECT * FROM thing',
  'BEGIN; CREATE thing; COMMIT',
  'BEGIN TRANSACTION; CREATE thing; CANCEL;',
  'CREATE thing SET text = "BEGIN"',
  'SELECT * FROM let',
  'RETURN { LET $x = 1; RETURN $x }',
  '-- LET $x = 1\nRETURN 1',
  'RETURN "a\'; LET $x = 1"',
  'RETURN `use`',
  'LET $x = (CREATE thing)',
  'let $x = (update thing set size = 1)',
  'LET $x = { UPSERT thing:1; RETURN 1 }',
  'LET $x = (INSERT INTO thing { size: 1 }); LET $y = 2',
  'USE NS a DB b; LET $x = (DELETE thing)',
  'LET $x = (RELATE person:1->knows->person:2)',
  'LET $x = { DEFINE TABLE thing }',
  'LET $x = { REMOVE TABLE thing }',
  'LET $x = fn::charge(5)',
  'LET $x = fn::charge (5)',
  'LET $x = fn::`charge`(5)',
  'LET $x = $charge(5)',
  'LET $x = [1, 2].map(|$n| fn::charge($n))',
  'BEGINNING',
  'LETTER',
];

describe('a lone statement that does nothing lasting', () => {
  test.each(refused)('is refused, with what to do instead: %s', (text, remedy) => {
    expect(() => refuseLoneStatement(new BoundQuery(text))).toThrow(UsageError);
    expect(() => refuseLoneStatement(new BoundQuery(text))).toThrow(remedy);
  });

  test.each(passed)('is not seen where there is none: %s', (text) => {
    refuseLoneStatement(new BoundQuery(text));
  });

  test('is none when it writes: what a lone LET does is done', async () => {
    const pool = await own.pool('mem://');
    await pool.query('DEFINE TABLE thing; DEFINE FUNCTION fn::charge() { CREATE thing:2; }');
    await pool.query('LET $x = (CREATE thing:1)');
    await pool.query('LET $x = fn::charge()');
    expect(await pool.query('SELECT VALUE id FROM thing')).toEqual([
      [new RecordId('thing', 1), new RecordId('thing', 2)],
    ]);
  });

  test('is refused before anything is sent, on a lease and on the pool', async () => {
    const front = await own.listen();
    const pool = await own.connect(front);
    await using connection = await pool.acquire();
    await expect(connection.query('LET $company = 5').collect()).rejects.toThrow(UsageError);
    await expect(pool.query('BEGIN').responses()).rejects.toThrow(UsageError);
    expect(front.requests.get('query')).toBeUndefined();
  });
});

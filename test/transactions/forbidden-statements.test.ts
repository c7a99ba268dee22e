import { BoundQuery } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/index.js';
import { refuseForbiddenStatements } from '../../src/transactions/forbidden-statements.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();

const forbidden = [
  'BEGIN',
  'begin transaction;',
  'CREATE thing; COMMIT',
  '-- begin\nCancel /* now */ ;',
  'RETURN ";"; # COMMIT\ncommit',
  'USE DB other',
  'use/**/ns other',
  'RETURN 1;; USE NAMESPACE a DATABASE b',
  'LIVE SELECT * FROM thing',
  'live\n  select DIFF FROM thing',
  'KILL $id',
  "kill u'0189'",
  '{ KILL u"0189" }',
  'LET $a = 1; { LET $b = 2; kill $id; }',
  '-- x\rUSE DB b',
  '{ LIVE SELECT * FROM thing }',
];

const allowed = [
  'SELECT begin, commit, cancel, use, live, kill FROM thing',
  'UPDATE thing:1 SET begin = 1, live = true, kill = "x"',
  'RETURN { begin: 1, commit: 2, kill: 3 }',
  'RETURN "BEGIN; COMMIT"',
  "RETURN 'x; USE DB other'",
  '-- COMMIT\nRETURN 1',
  '/* ; KILL $id */ RETURN 1',
  'SELECT * FROM live WHERE use = "LIVE SELECT"',
  'CREATE thing SET text = `kill`',
  'IF true { RETURN kill.x }',
  'CREATE begin:1',
  'RETURN { commit }',
  '`begin`',
];

describe('a statement that has no place in a transaction', () => {
  test.each(forbidden)('is refused: %s', (text) => {
    expect(() => refuseForbiddenStatements(new BoundQuery(text))).toThrow(UsageError);
  });

  test.each(allowed)('is not what only looks like it: %s', (text) => {
    expect(() => refuseForbiddenStatements(new BoundQuery(text))).not.toThrow();
  });

  test.each([...allowed, 'RETURN 1'])('what is allowed is also what SurrealDB can read: %s', async (text) => {
    await own.engine.query('DEFINE TABLE IF NOT EXISTS live; DEFINE TABLE IF NOT EXISTS begin; DELETE begin', place);
    await own.engine.query(text, place);
  });

  test('is never sent', async () => {
    const front = await own.listen();
    const pool = await own.connect(front);
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    const before = new Map(front.requests);
    const call = transaction.query('RETURN "; COMMIT"; use db other');
    await expect(call.collect()).rejects.toThrow('USE cannot be used inside a transaction');
    expect(front.requests).toEqual(before);
  });
});

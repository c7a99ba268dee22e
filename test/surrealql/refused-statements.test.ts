import { RecordId, Uuid } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { outcomeOf, UsageError } from '../../src/index.js';
import { type Place, refuseStatements } from '../../src/surrealql/refused-statements.js';
import { SurrealText } from '../../src/surrealql/surreal-text.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();

const refuse = (text: string, where: Place): void => refuseStatements(new SurrealText(text), where);

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
  '-- x\rUSE DB b',
];

/** A slash begins a regular expression for the server, and hides a quote from it that hides the statement from others. */
const hidden = [
  "RETURN 1 OUTSIDE /'/; USE DB other; CREATE thing:1; RETURN 2 OUTSIDE /'/",
  'RETURN [1] ANYINSIDE /"/; USE DB other; CREATE thing:1; RETURN [2] ANYINSIDE /"/',
  'RETURN 1 INTERSECTS /`/; use db other; CREATE thing:1; RETURN 1 INTERSECTS /`/',
  "RETURN [1] ∋ /'/; USE DB other; CREATE thing:1; RETURN [1] ∌ /'/",
  "INSERT INTO thing /'/; USE DB other; CREATE thing:1; RETURN 1 NOTINSIDE /'/",
  "UPDATE thing MERGE /'/; USE DB other; CREATE thing:1; UPDATE thing MERGE /'/",
  "SELECT * FROM thing WHERE /'/; USE DB other; CREATE thing:1; SELECT * FROM thing WHERE /'/",
  'RETURN 1 × /⟨/; USE DB other; CREATE thing:1; RETURN "⟩"',
  "RETURN 'a' IN /x\\/'/; COMMIT; RETURN 'a' IN /'/",
  'SELECT when / "a" FROM thing; KILL $id; SELECT when / "b" FROM thing',
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
  // The first two statements of a block need no semicolon between them: a name and a SELECT, a name and a value.
  '{ LIVE SELECT * FROM thing }',
  '{ KILL u"018f0000-0000-7000-8000-000000000000" }',
  'RETURN use',
  'LET $a = 1; RETURN $a',
  "RETURN 'a' IN /use x; USE DB b; /",
  'CREATE begin:1',
  'RETURN { commit }',
  '`begin`',
];

describe('a statement that has no place in a transaction', () => {
  test.each(forbidden)('is refused: %s', (text) => {
    expect(() => refuse(text, 'transaction')).toThrow(UsageError);
  });

  test.each(hidden)('is refused behind a slash that hides it: %s', (text) => {
    expect(() => refuse(text, 'transaction')).toThrow(UsageError);
  });

  test.each([
    'RETURN function() { return 1 // }\n }; USE DB other',
    'RETURN function() { let i = 1; i--; }; USE DB other',
    "RETURN function() { return `'` }; USE DB other; RETURN '`'",
  ])('is refused behind a script: %s', (text) => {
    expect(() => refuse(text, 'transaction')).toThrow(UsageError);
  });

  test('is not refused as a lone one where another reading has more in it', () => {
    for (const where of ['session', 'transaction'] as const) refuse('LET $x = when / 2; RETURN $x / 3', where);
  });

  test('is refused without a look at each reading where these are too many', () => {
    const text = 'SELECT when / 2 FROM thing;'.repeat(20);
    expect(() => refuse(text, 'transaction')).not.toThrow();
    expect(() => refuse(`LET $x = 1; ${text}`, 'transaction')).not.toThrow();
    expect(() => refuse(`${text} RETURN "use"`, 'session')).not.toThrow();
    expect(() => refuse(`${text} RETURN "use"`, 'transaction')).toThrow(/USE .* too many slashes/);
  });

  test.each(hidden)('writes nothing elsewhere: %s', async (text) => {
    const pool = await own.pool('mem://');
    await pool.query('DEFINE TABLE thing; USE DB other; DEFINE TABLE thing; USE DB test');
    const work = pool.withTransaction((transaction) => transaction.query(text).responses());
    await expect(work).rejects.toThrow(UsageError);
    const elsewhere = pool.scope({ namespace: 'test', database: 'other' });
    expect(await elsewhere.query('SELECT * FROM thing')).toEqual([[]]);
  });

  test.each(allowed)('is not what only looks like it: %s', (text) => {
    expect(() => refuse(text, 'transaction')).not.toThrow();
  });

  test.each([...allowed, 'RETURN 1'])('what is allowed is also what SurrealDB can read: %s', async (text) => {
    await own.engine.query('DEFINE TABLE IF NOT EXISTS live; DEFINE TABLE IF NOT EXISTS begin; DELETE begin', place);
    await own.engine.query(text, place);
  });

  // The server cannot read these, and says so itself.
  test.each(['live', 'use', 'kill', 'use.x', 'begin = 1', 'commit.a', 'live:1', 'use()', 'LET'])(
    'is none that the server would not take for one: %s',
    async (text) => {
      expect(() => refuse(text, 'transaction')).not.toThrow();
      expect(() => refuse(text, 'session')).not.toThrow();
      await expect(own.engine.query(text, place)).rejects.toThrow(/Parse error/);
    },
  );

  test('is a lone LET, with an advice that works there', async () => {
    const advice = /in one query with what uses it, or call set\(name, value\) on the connection before/;
    expect(() => refuse('LET $x = 1', 'transaction')).toThrow(advice);
    expect(() => refuse('LET $x = 1; LET $y = (SELECT * FROM thing)', 'transaction')).toThrow(advice);
    for (const text of ['LET $x = 1; RETURN $x', 'LET $x = (CREATE thing)']) refuse(text, 'transaction');
    const pool = await own.pool('mem://');
    await using connection = await pool.acquire();
    await connection.set('y', 2);
    const transaction = await connection.beginTransaction();
    expect(await transaction.query('LET $x = 1; RETURN $x + $y')).toEqual([undefined, 3]);
    await transaction.rollback();
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
    expect(() => refuse(text, 'session')).toThrow(UsageError);
    expect(() => refuse(text, 'session')).toThrow(remedy);
  });

  test.each(passed)('is not seen where there is none: %s', (text) => {
    refuse(text, 'session');
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

describe('a live query by the text of a call of the pool', () => {
  const live = [
    'LIVE SELECT * FROM thing',
    'live select diff from thing;',
    'CREATE thing:1; LIVE SELECT * FROM thing',
    'LIVE SELECT * FROM thing; CREATE thing:1',
    'BEGIN; CREATE thing:1; LIVE SELECT * FROM thing; COMMIT',
    'CREATE thing:1; -- \n /* ; */ LIVE\nSELECT * FROM thing',
    'USE DB test; LIVE SELECT * FROM thing',
    "UPDATE thing MERGE /'/; LIVE SELECT * FROM thing; UPDATE thing MERGE /'/",
    "RETURN function() { return `'` }; LIVE SELECT * FROM thing; RETURN '`'",
  ];

  test.each(live)('is refused before anything is sent: %s', async (text) => {
    const front = await own.listen();
    const pool = await own.connect(front);
    for (const queryable of [pool, pool.scope({ idempotent: true })]) {
      const error: unknown = await queryable.query(text).then(
        () => undefined,
        (failure: unknown) => failure,
      );
      expect(error).toBeInstanceOf(UsageError);
      expect([outcomeOf(error), String(error)]).toEqual(['not-sent', expect.stringContaining('acquire() one')]);
    }
    expect(front.requests.get('query')).toBeUndefined();
    expect(pool.poolStats().started, 'no connection is borrowed for it').toBe(0);
    expect(await own.engine.query('SELECT * FROM thing', place)).toEqual([[]]);
  });

  test.each([
    'CREATE thing:1 SET text = "; LIVE SELECT * FROM thing"',
    "CREATE thing:1 SET text = 'x; LIVE SELECT'; -- LIVE SELECT * FROM thing",
    '/* ; LIVE SELECT * FROM thing */ CREATE thing:1',
    'CREATE thing:1; { LIVE SELECT * FROM thing }',
    'CREATE thing:1; RETURN { LIVE SELECT * FROM thing }',
    'CREATE thing:1; SELECT live FROM thing',
  ])('is none where the server reads none, and the text is done: %s', async (text) => {
    const pool = await own.connect(await own.listen());
    await pool.query(text);
    expect(await pool.query('RETURN count(SELECT * FROM thing)')).toEqual([1]);
    const [info] = await pool.query<[{ lives: object }]>('INFO FOR TABLE thing');
    expect(info.lives).toEqual({});
  });

  test.each([
    'CREATE thing:1; (LIVE SELECT * FROM thing)',
    'CREATE thing:1; LET $x = LIVE SELECT * FROM thing',
    'CREATE thing:1; IF true { LIVE SELECT * FROM thing }',
    'CREATE thing:1; RETURN LIVE SELECT * FROM thing',
  ])('is refused by the server where none can stand, and nothing of the text is done: %s', async (text) => {
    const pool = await own.connect(await own.listen());
    const error: unknown = await pool.query(text).then(undefined, (failure: unknown) => failure);
    expect([outcomeOf(error), String(error)]).toEqual(['refused', expect.stringContaining('Parse error')]);
    expect(await pool.query('SELECT * FROM thing')).toEqual([[]]);
  });

  test('goes on where it belongs: on a connection that is held', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    const [, id] = await connection.query<[unknown, Uuid]>('CREATE thing:1; LIVE SELECT * FROM thing');
    expect(id).toBeInstanceOf(Uuid);
  });

  test('is ended by KILL from the pool, which says what became of it', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    const [id] = await connection.query<[Uuid]>('LIVE SELECT * FROM thing');
    const killed = await pool.query('CREATE thing:1; KILL $id', { id }).responses();
    expect(killed.map(({ success }) => success)).toEqual([true, true]);
    // There is nothing left to kill: the statement is refused, and the one before it is done.
    const again = await pool.query('CREATE thing:2; KILL $id', { id }).responses();
    expect(again.map(({ success }) => success)).toEqual([true, false]);
    const [, refusal] = again;
    expect(outcomeOf(refusal?.success === false ? refusal.error : undefined)).toBe('refused');
    expect(await pool.query('RETURN count(SELECT * FROM thing)')).toEqual([2]);
  });

  test('that only the server saw is not said to be not sent', async () => {
    const front = await own.listen();
    const pool = await own.connect(front);
    // Stands for a server whose grammar has LIVE in a place that the pool does not know of.
    const text = 'CREATE thing:1; RETURN 1';
    front.onRequest = ({ params }) => {
      if (params[0] === text) Object.assign(params, ['CREATE thing:1; LIVE SELECT * FROM thing']);
      return 'pass';
    };
    const error: unknown = await pool.query(text).then(undefined, (failure: unknown) => failure);
    expect(error).toBeInstanceOf(UsageError);
    expect(outcomeOf(error)).toBe('unknown');
    const [info] = await pool.query<[{ lives: object }]>('INFO FOR TABLE thing');
    expect(info.lives, 'and it is killed before the connection is lent again').toEqual({});
  });
});

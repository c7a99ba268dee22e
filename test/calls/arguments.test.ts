import { RecordId, type SurrealQueryable, Table } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { type ConnectionManager, UsageError } from '../../src/index.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();

/** Everything that makes queries. */
const faces: Readonly<Record<string, (pool: ConnectionManager, work: (face: SurrealQueryable) => unknown) => unknown>> =
  {
    'the pool': (pool, work) => work(pool),
    'a scope of it': (pool, work) => work(pool.scope({})),
    'a connection': (pool, work) => pool.withConnection((lease) => work(lease)),
    'a transaction': (pool, work) => pool.withTransaction((transaction) => work(transaction)),
    'a connection with a transaction': (pool, work) =>
      pool.withConnection(async (lease) => {
        await using _ = await lease.beginTransaction();
        await work(lease);
      }),
  };

const id = new RecordId('thing', 1);
const wrong: readonly (readonly [what: string, ask: (face: SurrealQueryable) => unknown, said: string])[] = [
  ['select a text', (face) => face.select('thing' as never), 'new Table("thing")'],
  ['select a text of a record', (face) => face.select('thing:1' as never), 'new StringRecordId("thing:1")'],
  ['select texts', (face) => face.select(['thing'] as never), 'new Table("thing")'],
  ['select nothing', (face) => face.select(undefined as never), 'was given nothing'],
  ['select an object', (face) => face.select({ id: 1 } as never), 'was given an object'],
  ['select a number', (face) => face.select(5 as never), 'was given a number'],
  ['create a text', (face) => face.create('thing' as never), 'new Table("thing")'],
  ['update a text', (face) => face.update('thing' as never), 'new Table("thing")'],
  ['upsert null', (face) => face.upsert(null as never), 'was given null'],
  ['delete nothing', (face) => face.delete(undefined as never), 'was given nothing'],
  ['delete a text', (face) => face.delete('thing' as never), 'new Table("thing")'],
  ['insert into a text', (face) => face.insert('thing' as never, {}), 'new Table("thing")'],
  ['insert nothing', (face) => face.insert(new Table('thing'), undefined as never), 'was given nothing'],
  ['relate a text', (face) => face.relate(id, 'likes' as never, id), 'new Table("likes")'],
  ['run with no list', (face) => face.run('fn::f', 5 as never), 'an array of arguments'],
  ['query nothing', (face) => face.query(undefined as never), 'query() takes a text'],
  ['query with a Map', (face) => face.query('RETURN $a', new Map([['a', 1]]) as never), 'an object of parameters'],
  ['query with a list', (face) => face.query('RETURN $a', [1] as never), 'an object of parameters'],
  ['query with a dollar', (face) => face.query('RETURN $a', { $a: 1 }), '"a" for $a'],
];

describe.each(Object.entries(faces))('an argument of %s', (_, through) => {
  test('that the types refuse is refused at run time too, with what was meant', async () => {
    const pool = await own.pool('mem://', place);
    for (const [what, ask, said] of wrong) {
      const refused = await (async () => await through(pool, async (face) => await ask(face)))().catch(
        (error: unknown) => error,
      );
      expect(refused, what).toBeInstanceOf(UsageError);
      expect(String(refused), what).toContain(said);
    }
    expect(pool.poolStats()).toMatchObject({ leased: 0, closed: 0 });
  });

  test('that is right is sent', async () => {
    const pool = await own.pool('mem://', place);
    await pool.query('DEFINE TABLE IF NOT EXISTS thing; DEFINE FUNCTION IF NOT EXISTS fn::two() { RETURN 2 }');
    await through(pool, async (face) => {
      expect(await face.upsert(id).content({ n: 1 })).toEqual({ id, n: 1 });
      expect(await face.select(id)).toEqual({ id, n: 1 });
      expect(await face.select([id] as never)).toEqual([{ id, n: 1 }]);
      expect(await face.select(new Table('thing'))).toEqual([{ id, n: 1 }]);
      expect(await face.run('fn::two')).toBe(2);
      expect(await face.run('fn::two', [])).toBe(2);
      expect(await face.query('RETURN $a', Object.assign(Object.create({ b: 1 }), { a: 1 }))).toEqual([1]);
      expect(await face.query('RETURN 1', null as never)).toEqual([1]);
      await face.delete(id);
    });
  });
});

test('a savepoint is named by a text', async () => {
  const pool = await own.pool('mem://', place);
  await pool.withTransaction(async (transaction) => {
    await expect(transaction.savepoint({ name: 'a' } as never)).rejects.toThrow('savepoint(name) takes a text');
    await expect(transaction.withSavepoint(undefined as never)).rejects.toThrow('withSavepoint(work) takes a function');
    await expect(transaction.withTransaction(() => 1, { retrry: false } as never)).rejects.toThrow('retry (did you');
  });
});

test('live() of a text, and set() with a dollar, are refused', async () => {
  const pool = await own.pool('mem://', place);
  await pool.withConnection(async (lease) => {
    expect(() => lease.live('thing' as never)).toThrow('new Table("thing")');
    await expect(lease.set('$a', 1)).rejects.toThrow('"a" for $a');
  });
});

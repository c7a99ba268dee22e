import { createNodeEngines } from '@surrealdb/node';
import { BoundQuery, RecordId, StringRecordId, Surreal, Table } from 'surrealdb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pinIds, Unpinnable } from '../../src/transactions/pinned-ids.js';
import { prepareCall } from '../../src/transactions/replayable-call.js';

const db = new Surreal({ engines: createNodeEngines() });
const [a, b] = [new RecordId('person', 'a'), new RecordId('person', 'b')];
const [person, likes] = [new Table('person'), new Table('likes')];

beforeAll(async () => {
  await db.connect('mem://');
  await db.use({ namespace: 'test', database: 'test' });
  await db.query('DEFINE TABLE person; DEFINE TABLE likes TYPE RELATION; CREATE person:a, person:b');
});
afterAll(() => db.close());

/** The ids that were put into a query. */
function idsIn(query: BoundQuery): string[] {
  return Object.values(query.bindings)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .map((value: unknown) => (value instanceof RecordId ? value : (value as { id?: unknown })?.id))
    .filter((id) => id instanceof RecordId && /^[a-z0-9]{20}$/.test(String(id.id)))
    .map(String);
}

const pinnable: readonly [name: string, compile: () => BoundQuery, ids: number][] = [
  ['create(table)', () => db.create(person).compile(), 1],
  ['create(table).content()', () => db.create(person).content({ v: 1 }).compile(), 1],
  [
    'create(table).patch()',
    () =>
      db
        .create(person)
        .patch([{ op: 'add', path: '/v', value: 1 }])
        .compile(),
    1,
  ],
  ['create(table).output()', () => db.create(person).content({ v: 1 }).output('after').compile(), 1],
  ['insert(table, row)', () => db.insert(person, { v: 1 }).compile(), 1],
  ['insert(table, rows)', () => db.insert(person, [{ v: 1 }, { id: undefined, v: 2 }]).compile(), 2],
  ['insert(table, rows), some with ids', () => db.insert(person, [{ id: 5, v: 1 }, { v: 2 }]).compile(), 1],
  [
    'insert(table, rows).ignore()',
    () =>
      db
        .insert(person, [{ v: 1 }])
        .ignore()
        .compile(),
    1,
  ],
  [
    'insert(table, rows).relation()',
    () =>
      db
        .insert(likes, [{ in: a, out: b }])
        .relation()
        .compile(),
    1,
  ],
  ['relate(from, table, to)', () => db.relate(a, likes, b).compile(), 1],
  ['relate(from, table, to, data)', () => db.relate(a, likes, b, { v: 1 }).compile(), 1],
];

const unpinnable: readonly [name: string, compile: () => BoundQuery][] = [
  ['content with an id', () => db.create(person).content({ id: 5 }).compile()],
  [
    'a patch of the id',
    () =>
      db
        .create(person)
        .patch([{ op: 'add', path: '/id', value: 1 }])
        .compile(),
  ],
  ['relate with many', () => db.relate([a, b], likes, [b]).compile()],
  ['relate with data that has an id', () => db.relate(a, likes, b, { id: 'x' }).compile()],
  ['upsert(table)', () => db.upsert(person).content({ v: 1 }).compile()],
  ['its own text', () => new BoundQuery('CREATE person')],
  ['several statements', () => new BoundQuery('CREATE $t; CREATE $u', { t: person, u: person })],
  ['a table that is used twice', () => new BoundQuery('CREATE $t CONTENT $t', { t: person })],
];

const named: readonly [name: string, compile: () => BoundQuery][] = [
  ['create(id)', () => db.create(a).content({ v: 1 }).compile()],
  ['create(id as text)', () => db.create(new StringRecordId('person:x') as unknown as RecordId).compile()],
  ['insert with ids', () => db.insert(person, [{ id: 1 }, { id: 2 }]).compile()],
  ['relate(from, id, to)', () => db.relate(a, new RecordId('likes', 1), b).compile()],
  ['select', () => db.select(person).fields('v', 'x.y').limit(3).compile()],
  ['update(table)', () => db.update(person).merge({ v: 1 }).compile()],
  ['delete(table)', () => db.delete(person).compile()],
  ['upsert(id)', () => db.upsert(a).content({ v: 1 }).compile()],
];

describe('ids of new records', () => {
  test.each(pinnable)('are given beforehand: %s', async (_, compile, count) => {
    const original = compile();
    const { query, replayability } = prepareCall(original);
    expect(replayability).toMatchObject({ kind: 'replayable' });
    expect(query.query).toBe(original.query);
    const ids = idsIn(query);
    expect(ids).toHaveLength(count);
    expect(idsIn(original)).toEqual([]);
    const [result] = await db.query(query);
    const made = (Array.isArray(result) ? result : [result]).map((row: { id: RecordId }) => String(row.id));
    expect(made).toEqual(expect.arrayContaining(ids));
    await db.query('DELETE person:5');
  });

  test.each(unpinnable)('are left to the server: %s', (_, compile) => {
    const original = compile();
    expect(pinIds(original)).toBeInstanceOf(Unpinnable);
    const { query, replayability } = prepareCall(original);
    expect(query).toBe(original);
    expect(replayability.kind).toBe('impure');
  });

  test.each(named)('need none: %s', (_, compile) => {
    const original = compile();
    const { query, replayability } = prepareCall(original);
    expect(query).toBe(original);
    expect(replayability).toMatchObject({ kind: 'replayable' });
  });

  test('say why they stay with the server', () => {
    expect(prepareCall(db.create(person).content({ id: 5 }).compile()).replayability).toMatchObject({
      reason: 'the server may choose the id of a new record, and its content has an id of its own',
    });
  });

  test("have a form that tables with a type for their ids take or refuse as they do the server's", async () => {
    await db.query(
      'DEFINE TABLE number; DEFINE FIELD id ON number TYPE int; DEFINE TABLE text; DEFINE FIELD id ON text TYPE string',
    );
    await expect(db.create(new Table('number'))).rejects.toThrow(/Expected `int`/);
    await expect(db.query(prepareCall(db.create(new Table('number')).compile()).query)).rejects.toThrow(
      /Expected `int`/,
    );
    await db.query(prepareCall(db.create(new Table('text')).compile()).query);
    expect(await db.select(new Table('text'))).toHaveLength(1);
    await expect(db.query('DEFINE FIELD id ON other TYPE uuid DEFAULT rand::uuid()')).rejects.toThrow(/DEFAULT/);
  });
});

import { createNodeEngines } from '@surrealdb/node';
import { BoundQuery, RecordId, StringRecordId, Surreal, Table } from 'surrealdb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Call } from '../../src/calls/call.js';
import { pinIds, pinnedBindings, Unpinnable } from '../../src/savepoints/pinned-ids.js';
import { replayability } from '../../src/surrealql/replayability.js';
import { SurrealText } from '../../src/surrealql/surreal-text.js';
import { newIdReason } from '../../src/surrealql/verdict.js';
import { EncodedBindings } from '../../src/wire/recording-codec.js';

const db = new Surreal({ engines: createNodeEngines() });
const [a, b] = [new RecordId('person', 'a'), new RecordId('person', 'b')];
const [person, likes] = [new Table('person'), new Table('likes')];

beforeAll(async () => {
  await db.connect('mem://');
  await db.use({ namespace: 'test', database: 'test' });
  await db.query('DEFINE TABLE person; DEFINE TABLE likes TYPE RELATION; CREATE person:a, person:b');
});
afterAll(() => db.close());

type Bindings = Readonly<Record<string, unknown>>;

/** A call as it is sent: its text, its parameters and what is judged of them. */
function sent(original: BoundQuery): { call: Call; bindings: Bindings; verdict: ReturnType<typeof replayability> } {
  const call = Call.of(original);
  const bindings = pinnedBindings(call);
  if (bindings instanceof EncodedBindings) throw new Error('no values');
  return { call, bindings, verdict: replayability(call.surrealText, bindings) };
}

/** The ids that were put into parameters. */
function idsIn(bindings: Bindings): string[] {
  return Object.values(bindings)
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
    const { call, bindings, verdict } = sent(original);
    expect(verdict).toMatchObject({ kind: 'replayable' });
    expect(call.text).toBe(original.query);
    const ids = idsIn(bindings);
    expect(ids).toHaveLength(count);
    expect(new Set(ids).size).toBe(count);
    expect(idsIn(original.bindings), 'what the caller holds stays as it is').toEqual([]);
    const [result] = await db.query(new BoundQuery(call.text, { ...bindings }));
    const made = (Array.isArray(result) ? result : [result]).map((row: { id: RecordId }) => String(row.id));
    expect(made).toEqual(expect.arrayContaining(ids));
    await db.query('DELETE person:5');
  });

  test.each(unpinnable)('are left to the server: %s', (_, compile) => {
    const original = compile();
    expect(pinIds(new SurrealText(original.query), original.bindings)).toBeInstanceOf(Unpinnable);
    const { bindings, verdict } = sent(original);
    expect(bindings).toEqual(original.bindings);
    expect(verdict.kind).toBe('impure');
  });

  test.each(named)('need none: %s', (_, compile) => {
    const original = compile();
    const { bindings, verdict } = sent(original);
    expect(bindings).toEqual(original.bindings);
    expect(verdict).toMatchObject({ kind: 'replayable' });
  });

  test('say why they stay with the server', () => {
    const original = db.create(person).content({ id: 5 }).compile();
    expect(sent(original).verdict).toMatchObject({ reason: newIdReason });
    expect(pinIds(new SurrealText(original.query), original.bindings)).toMatchObject({
      reason: 'its content has an id of its own',
    });
  });

  test('keep what else is in a row, whatever its keys', async () => {
    const row = JSON.parse('{ "__proto__": 1, "constructor": 2, "v": 3 }');
    const { bindings } = sent(db.insert(person, [row]).compile());
    const rows = Object.values(bindings).find(Array.isArray);
    expect(Object.keys(rows?.[0])).toEqual(['__proto__', 'constructor', 'v', 'id']);
    expect(Object.keys(row)).toEqual(['__proto__', 'constructor', 'v']);
  });

  test('look as those of the server do, and are all different', async () => {
    const [server] = await db.query<[{ id: RecordId }]>('CREATE ONLY person');
    const ids = Array.from({ length: 500 }, () => idsIn(sent(db.create(person).compile()).bindings)).flat();
    expect(new Set(ids).size).toBe(500);
    const shape = /^person:[a-z0-9]{20}$/;
    for (const id of [String(server.id), ...ids]) expect(id).toMatch(shape);
    expect(new Set(ids.join('').replaceAll('person:', '')).size, 'every letter and digit').toBe(36);
  });

  test("have a form that tables with a type for their ids take or refuse as they do the server's", async () => {
    await db.query(
      'DEFINE TABLE number; DEFINE FIELD id ON number TYPE int; DEFINE TABLE text; DEFINE FIELD id ON text TYPE string',
    );
    const pinned = async (table: string): Promise<void> => {
      const { call, bindings } = sent(db.create(new Table(table)).compile());
      await db.query(new BoundQuery(call.text, { ...bindings }));
    };
    await expect(db.create(new Table('number'))).rejects.toThrow(/Expected `int`/);
    await expect(pinned('number')).rejects.toThrow(/Expected `int`/);
    await pinned('text');
    expect(await db.select(new Table('text'))).toHaveLength(1);
    await expect(db.query('DEFINE FIELD id ON other TYPE uuid DEFAULT rand::uuid()')).rejects.toThrow(/DEFAULT/);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { DateTime, RecordId, Table } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { EncodedValue } from '../../src/savepoints/encoded-value.js';
import type { LoggedCall } from '../../src/savepoints/logged-call.js';
import { type CallDifference, Rerun } from '../../src/savepoints/rerun.js';
import { mendingOf } from '../../src/surrealql/mended-text.js';
import { type RecordedSession, recordedSessions } from '../support/recorded-session.js';
import { surroundings } from '../support/surroundings.js';

const open = recordedSessions(surroundings());
const mending = mendingOf({ hidesOwnWrites: true, losesOrder: true }, { namespace: 'test', database: 'test' });

async function prepared(kind: 'embedded' | 'socket'): Promise<RecordedSession> {
  const session = await open(kind);
  await session.send(
    `REMOVE TABLE IF EXISTS thing; REMOVE TABLE IF EXISTS seen; REMOVE TABLE IF EXISTS other; REMOVE TABLE IF EXISTS plain;
     DEFINE TABLE thing; DEFINE FIELD created_at ON thing TYPE datetime DEFAULT time::now() READONLY;
     DEFINE TABLE seen; DEFINE TABLE plain; DEFINE TABLE other; DEFINE FIELD at ON other VALUE time::now();
     CREATE other:1 SET v = 1; CREATE plain:aaaaaaaaaaaaaaaaaaaa SET v = 1`,
  );
  return session;
}

type Made = string | [text: string, bindings: Record<string, unknown>] | ((calls: readonly LoggedCall[]) => Made);

/** Makes calls in a transaction, and keeps them. */
async function history(session: RecordedSession, made: readonly Made[]): Promise<LoggedCall[]> {
  const transaction = await session.begin();
  const calls: LoggedCall[] = [];
  for (const next of made) {
    let one = next;
    while (typeof one === 'function') one = one(calls);
    const [text, bindings] = typeof one === 'string' ? [one, {}] : one;
    calls.push(await session.call(text, bindings, transaction, mending));
  }
  await session.cancel(transaction);
  // Times of the two runs are to differ, also by a coarse clock.
  await sleep(2);
  return calls;
}

async function again(session: RecordedSession, calls: readonly LoggedCall[]): Promise<CallDifference | undefined> {
  const transaction = await session.begin();
  try {
    return await new Rerun(session.target(transaction, mending), []).run(calls);
  } finally {
    await session.cancel(transaction);
  }
}

/** The id of the first record that the last call answered. */
function idIn(calls: readonly LoggedCall[]): RecordId {
  const result = calls.at(-1)?.answers()[0]?.get('result');
  const row = result?.isArray ? result.items()[0] : result;
  return row?.get('id')?.decode() as RecordId;
}

function shown(difference: CallDifference | undefined): unknown {
  if (difference === undefined) return undefined;
  const value = (part: unknown): unknown => (part instanceof EncodedValue ? part.decode() : part);
  return [difference.index, difference.path, value(difference.expected), value(difference.found)];
}

describe.each(['embedded', 'socket'] as const)('a history that is made again (%s)', (kind) => {
  test('is as it was, with all that the server makes anew in it', async () => {
    const session = await prepared(kind);
    const calls = await history(session, [
      'CREATE thing:1 SET v = 1',
      'CREATE thing:2 SET v = 2',
      'SELECT * FROM thing',
      'UPDATE thing:1 SET v = 3 RETURN BEFORE',
      'CREATE seen:1 SET at = thing:1.created_at',
      'SELECT VALUE created_at FROM thing ORDER BY created_at',
      'DELETE thing RETURN BEFORE',
      'SELECT * FROM seen',
      'SELECT * FROM other:1',
      'UPDATE other:1 SET v = 2',
    ]);
    expect(shown(await again(session, calls))).toBeUndefined();
  });

  test('is as it was, with the failures that were in it', async () => {
    const session = await prepared(kind);
    const calls = await history(session, [
      'this does not parse',
      ['CREATE thing:1 SET v = $v', { v: 1 }],
      'CREATE thing:1',
      'RETURN 1; THROW "no"; RETURN 2',
      'nor does this',
      ['UPDATE thing:1 SET v = $v RETURN v', { v: 5 }],
      '',
      'SELECT v FROM thing:1',
      'and this',
    ]);
    expect(shown(await again(session, calls))).toBeUndefined();
    for (let from = 1; from < calls.length; from++) {
      const part = [...calls.slice(0, from), ...calls.slice(from + 1)];
      if (from === 1) expect(shown(await again(session, part)), 'without the record').toBeDefined();
      else if (from !== 5) expect(shown(await again(session, part)), `without ${from}`).toBeUndefined();
    }
  });

  test('is as it was, with what answers something else in a block', async () => {
    const session = await prepared(kind);
    const it = new RecordId('other', 1);
    const calls = await history(session, [
      ['RETURN $it.v', { it }],
      ['RETURN [$it.*.v, other:1.v]', { it }],
      ['{ LET $v = $n; UPSERT thing:5 SET v = $v; RETURN $v }', { n: 1 }],
      ['{ LET $v = $n; [$v] }', { n: 1 }],
      ['({ LET $v = $n; $v })', { n: 1 }],
      ['IF $n = 1 { LET $v = $n; RETURN $v }', { n: 1 }],
      ['FOR $v IN [$n] { RETURN $v }', { n: 1 }],
      ['SELECT VALUE $it.v FROM other', { it }],
      'RETURN other:1.{ v }',
      ['$it.{ v }', { it }],
    ]);
    expect(calls.filter(({ succeeded }) => !succeeded).map(({ text }) => text)).toEqual([]);
    expect(shown(await again(session, calls))).toBeUndefined();
  });

  test('names the records that the server makes anew, by their new keys', async () => {
    const session = await prepared(kind);
    const calls = await history(session, [
      'CREATE plain SET v = 1',
      (made) => [`UPDATE ${idIn(made)} SET w = 2`, {}],
      (made) => ['UPDATE $id SET w = $w', { id: idIn(made), w: [idIn(made), { of: String(idIn(made).id) }] }],
      'CREATE plain SET v = 2',
      (made) => ['CREATE seen:1 SET first = $all[0], second = $all[1]', { all: [idIn(made.slice(0, 1)), idIn(made)] }],
      'SELECT * FROM seen',
      (made) => `SELECT VALUE v FROM ${idIn(made.slice(0, 4))}`,
      ['INSERT INTO $table [{ v: 3 }, { v: 4 }]', { table: new Table('plain') }],
      (made) => ['DELETE $id RETURN BEFORE', { id: idIn(made) }],
      (made) => ['CREATE $id SET v = 6', { id: new RecordId('seen', [idIn(made.slice(0, 1)).id, idIn(made).id]) }],
      (made) => ['CREATE $id', { id: idIn(made.slice(0, 1)) }],
    ]);
    expect(shown(await again(session, calls))).toBeUndefined();
  });

  test('differs where it does, and says where', async () => {
    const session = await prepared(kind);
    const calls = await history(session, [
      'RETURN 1',
      'SELECT * FROM plain',
      'SELECT v FROM other:1',
      'RETURN d"2020-01-01T00:00:00Z"',
    ]);
    await session.send('UPDATE plain SET v = 9');
    expect(shown(await again(session, calls))).toEqual([1, '[0].v', 1, 9]);
    await session.send('UPDATE plain SET v = 1; UPDATE other:1 SET v = 1');
    expect(shown(await again(session, calls)), 'other times, not asked for').toBeUndefined();
    const refused = await history(session, ['SELECT * FROM plain', 'RETURN fn::missing()']);
    await session.send('DEFINE FUNCTION OVERWRITE fn::missing() { RETURN 1 }');
    expect(shown(await again(session, refused))).toEqual([
      1,
      '',
      expect.objectContaining({ message: expect.stringContaining('fn::missing') }),
      1,
    ]);
    await session.send('REMOVE FUNCTION fn::missing');
  });

  test('has no new time in what others have changed meanwhile', async () => {
    const session = await prepared(kind);
    const calls = await history(session, ['UPDATE plain SET w = 1', 'SELECT * FROM other:1']);
    await session.send('UPDATE other:1 SET v = 1');
    expect(await again(session, calls)).toMatchObject({ index: 1, path: '[0].at' });
    const mixed = await history(session, ['SELECT * FROM other:1; UPDATE plain SET w = 1']);
    await session.send('UPDATE other:1 SET v = 1');
    expect(await again(session, mixed)).toMatchObject({ index: 0, path: '[0].at' });
  });

  test('has no new record of others, where records are made beside', async () => {
    const session = await prepared(kind);
    const calls = await history(session, ['SELECT * FROM plain; CREATE seen']);
    await session.send('DELETE plain; CREATE plain:bbbbbbbbbbbbbbbbbbbb SET v = 1');
    expect(await again(session, calls)).toMatchObject({ index: 0, path: '[0].id' });
    const own = await history(session, [
      'LET $made = (CREATE ONLY plain); SELECT * FROM $made; RETURN 1',
      'RETURN { LET $made = (CREATE ONLY plain); RETURN $made.id }',
    ]);
    expect(shown(await again(session, own))).toBeUndefined();
  });

  test('has one time where it had one', async () => {
    const session = await prepared(kind);
    const calls = await history(session, ['CREATE seen:2 SET at = time::now()', 'RETURN seen:2.at']);
    const now = new DateTime();
    const others = await history(session, [
      'CREATE seen:2 SET at = time::now()',
      ['UPDATE seen:2 SET at = $now', { now }],
    ]);
    expect(shown(await again(session, calls))).toBeUndefined();
    expect(shown(await again(session, others))).toBeUndefined();
    const twice = await history(session, [
      'CREATE seen:2 SET at = time::now(), too = time::now()',
      'UPDATE seen:2 SET v = 1',
    ]);
    expect(shown(await again(session, twice))).toBeUndefined();
  });
});

import { DateTime, RecordId, Table } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { LoggedCall } from '../../src/savepoints/logged-call.js';
import { mendedText, mendingOf } from '../../src/surrealql/mended-text.js';
import { SurrealText } from '../../src/surrealql/surreal-text.js';
import { type RecordedSession, recordedSessions } from '../support/recorded-session.js';
import { surroundings } from '../support/surroundings.js';
import { bytesOf } from '../support/values.js';

const open = recordedSessions(surroundings());
const moment = new DateTime('2024-05-06T07:08:09.123456789Z');

async function opened(kind: 'embedded' | 'socket' = 'embedded'): Promise<RecordedSession> {
  const session = await open(kind);
  await session.send(
    `REMOVE TABLE IF EXISTS a; REMOVE TABLE IF EXISTS b; DEFINE TABLE a; DEFINE TABLE b;
     DEFINE FUNCTION OVERWRITE fn::write() { UPSERT b:1; RETURN 1 };
     CREATE a:1 SET v = 1, at = d"2024-05-06T07:08:09.123456789Z"`,
  );
  return session;
}

describe.each(['embedded', 'socket'] as const)('a call in the log (%s)', (kind) => {
  test('knows what was sent and what was answered', async () => {
    const session = await opened(kind);
    const call = await session.call('RETURN $v; THROW "no"; RETURN 2', { v: [moment] });
    expect(bytesOf(call.decodedBindings)).toBe(bytesOf({ v: [moment] }));
    expect(call.answers().map((answer) => answer.get('status')?.text)).toEqual(['OK', 'ERR', 'OK']);
    expect(call.answers().map((answer) => answer.get('result')?.decode())).toEqual([
      [moment],
      expect.stringContaining('no'),
      2,
    ]);
    expect([call.succeeded, call.failure]).toEqual([false, undefined]);
    expect((await session.call('RETURN 1; RETURN 2')).succeeded).toBe(true);
    expect((await session.call('')).succeeded).toBe(true);
  });

  test('has no answers when the server refused it as a whole', async () => {
    const session = await opened(kind);
    const call = await session.call('this does not parse', { v: 1 });
    expect(call.failure?.message).toMatch(/Parse error/);
    expect([call.succeeded, call.answers()]).toEqual([false, []]);
    expect(call.decodedBindings).toEqual({ v: 1 });
    expect(call.size).toBeGreaterThan(20);
  });

  test('leaves out what the pool was answered', async () => {
    const session = await opened(kind);
    const mending = mendingOf({ hidesOwnWrites: true, losesOrder: true }, { namespace: 'test', database: 'test' });
    const own = 'UPDATE a:1 SET v = 2 RETURN VALUE v; RETURN 3; DELETE a:1 RETURN NONE';
    const { text, added } = mendedText(new SurrealText(own), mending);
    const recording = { request: undefined, reply: undefined, added };
    await session.send(text, {}, undefined, recording);
    const call = new LoggedCall({ text: own, recording, made: { from: 0, until: 1 } });
    expect(call.answers().map((answer) => answer.get('result')?.decode())).toEqual([[2], 3, []]);
    expect(call.succeeded, 'whatever the pool was answered').toBe(true);
  });
});

describe('what a call has written', () => {
  test('shows in its text, its parameters and its answers', async () => {
    const session = await opened();
    const written = async (text: string, bindings: Record<string, unknown> = {}): Promise<string[]> =>
      [...(await session.call(text, bindings)).records].sort();
    expect(await written('UPDATE a:1 SET v = 2 RETURN NONE')).toEqual(['a:1']);
    expect(await written('UPSERT ONLY $it SET v = 3 RETURN NONE', { it: new RecordId('a', 2) })).toEqual(['a:2']);
    expect(await written('UPDATE a SET v = 4')).toEqual(['a:1', 'a:2']);
    expect(await written('CREATE ONLY a:3')).toEqual(['a:3']);
    expect(await written('INSERT INTO $table [{ id: 4 }, { id: 5 }]', { table: new Table('a') })).toEqual([
      'a:4',
      'a:5',
    ]);
    expect(await written('SELECT * FROM (UPDATE a:1, a:4 SET v = 5)')).toEqual(['a:1', 'a:4']);
    expect(await written('DELETE FROM a:5')).toEqual(['a:5']);
  });

  test('is not what a statement beside has read: that may be of others', async () => {
    const session = await opened();
    const call = await session.call('SELECT * FROM a; UPDATE b:7 SET v = 1; UPSERT b:8; SELECT * FROM ONLY a:1');
    expect([...call.records].sort()).toEqual(['b:7', 'b:8']);
  });
});

describe('a call that failed', () => {
  const there = 'CREATE a:1 SET v = 5';

  test.each([
    [there, true],
    ['CREATE ONLY a:1', true],
    ['create $it CONTENT { v: [1, 2] }', true],
    ['SELECT * FROM a; RETURN 1', true],
    ['CREATE a:2, a:1', false],
    ['CREATE $it, a:9', false],
    ['CREATE a:1 SET v = fn::write()', false],
    ['CREATE a:1 SET v = (INSERT INTO b { id: 2 })', false],
    ['CREATE a:1 SET v = (RELATE b:1->b:3->b:2)', false],
    ['CREATE a:1 SET v = (UPSERT b:1)', false],
    ['CREATE a:1 SET v = { LET $x = r"b:[fn::write()]"; RETURN $x }', false],
    ['CREATE a:[1], a:1', false],
    ['CREATE b:1; CREATE a:1', false],
    ['UPDATE a:1 SET v = type::int("x")', false],
    ['SELECT * FROM r"a:[fn::write()]"', false],
    ['RETURN api::invoke("/x")', false],
  ])('has left nothing, for certain: %s: %s', async (text, leavesNothing) => {
    const session = await opened();
    const transaction = await session.begin();
    const tables = 'SELECT * FROM a; SELECT * FROM b';
    const before = await session.send(tables, {}, transaction);
    const call = await session.call(text, { it: new RecordId('a', 1) }, transaction);
    expect(call.leavesNothing).toBe(leavesNothing);
    const after = await session.send(tables, {}, transaction);
    if (leavesNothing) {
      expect(after.map(({ result }) => bytesOf(result))).toEqual(before.map(({ result }) => bytesOf(result)));
    }
    await session.cancel(transaction);
  });
});

describe('the verdict over a call', () => {
  test('says why ids could not be given beforehand, and knows those that were', async () => {
    const session = await opened();
    const row = { table: new Table('a'), row: { v: 1 } };
    const made = await session.call('INSERT INTO $table $row', row);
    expect(made.replayability).toMatchObject({ kind: 'impure', culprit: 'INSERT $row', byTextAlone: false });
    const given = await session.call('INSERT INTO $table $row', { ...row, row: { id: 6, v: 1 } });
    expect(given.replayability, 'the same text, other parameters').toEqual({ kind: 'replayable', byTextAlone: false });
    const content = { table: new Table('a'), content: { id: 7 } };
    const unpinned = await session.call('CREATE $table CONTENT $content', content);
    expect(unpinned.replayability).toMatchObject({ reason: expect.stringContaining('has an id of its own') });
  });

  test('is that of its text, again and again', async () => {
    const session = await opened();
    for (let times = 0; times < 3; times++) {
      expect((await session.call('RETURN rand()')).replayability).toMatchObject({ kind: 'impure', culprit: 'rand()' });
      expect((await session.call('RETURN 1')).replayability.kind).toBe('replayable');
      expect((await session.call('UPDATE a:1 SET v = 1')).onlyReads).toBe(false);
      expect((await session.call('SELECT * FROM a')).onlyReads).toBe(true);
    }
  });
});

describe('the times in the answers of a call', () => {
  test('stand in their records', async () => {
    const session = await opened();
    const times = async (text: string): Promise<unknown[]> =>
      (await session.call(text)).moments.map(({ moment: time, record }) => [time, record]);
    const { nanoseconds } = moment;
    expect(await times('SELECT * FROM a:1')).toEqual([[nanoseconds, 'a:1']]);
    expect(await times('SELECT VALUE at FROM a:1; RETURN 1')).toEqual([[nanoseconds, undefined]]);
    expect(await times('RETURN { id: b:1, x: [{ y: a:1.at }], z: { id: b:2, at: a:1.at } }')).toEqual([
      [nanoseconds, 'b:1'],
      [nanoseconds, 'b:2'],
    ]);
    expect(await times('RETURN b:[a:1.at]')).toEqual([[nanoseconds, undefined]]);
    expect(await times('RETURN <set>[a:1.at, 1]; RETURN "no time"')).toEqual([[nanoseconds, undefined]]);
  });
});

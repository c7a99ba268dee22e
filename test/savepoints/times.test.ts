import fc from 'fast-check';
import {
  BoundExcluded,
  BoundIncluded,
  DateTime,
  Duration,
  GeometryPoint,
  Range,
  RecordId,
  RecordIdRange,
  StringRecordId,
} from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { askTime, ServerClock } from '../../src/savepoints/server-clock.js';
import { givesBackTime } from '../../src/savepoints/times-given-back.js';
import { Times, timesIn } from '../../src/savepoints/times-in-values.js';
import { type RecordedSession, recordedSessions } from '../support/recorded-session.js';
import { surroundings } from '../support/surroundings.js';
import { surrealValue } from '../support/values.js';

const open = recordedSessions(surroundings());
const written = '2024-05-06T07:08:09.123456789Z';
const moment = new DateTime(written);
const { nanoseconds } = moment;

/** The first of these times in values. */
function foundIn(times: Times, ...values: readonly unknown[]): bigint | undefined {
  for (const found of times.foundIn(...values)) return found;
  return undefined;
}

describe('the times in a value', () => {
  test.each([
    ['a datetime', moment],
    ['a text', written],
    ['a part of a text', `UPDATE a:1 SET at = d"${written}" -- so`],
    ['an array', [1, [moment]]],
    ['an object', { a: { b: moment } }],
    ['an object without a prototype', Object.assign(Object.create(null), { a: moment })],
    ['a set', new Set([1, moment])],
    ['a map', new Map([['a', moment]])],
    ['the key of a map', new Map([[moment, 1]])],
    ['the key of a record', new RecordId('log', [moment, 1])],
    ['the key of a record, as an object', new RecordId('log', { at: moment })],
    ['the key of a record, as a text', new RecordId('log', written)],
    ['a record as a text', new StringRecordId(`log:[d'${written}', 1]`)],
    ['a range', new Range(new BoundIncluded(moment), undefined)],
    ['the end of a range', new Range(undefined, new BoundExcluded({ at: moment }))],
    ['a range of records', new RecordIdRange('log', new BoundIncluded([moment]), new BoundIncluded([1]))],
    ['the end of a range of records', new RecordIdRange('log', new BoundIncluded([1]), new BoundExcluded([moment]))],
  ])('are found in %s', (_, value) => {
    expect([...timesIn(value)]).toEqual([nanoseconds]);
  });

  test('are known in other spellings, as a date, and to the millisecond', () => {
    const times = new Times();
    expect([times.isEmpty, foundIn(times, moment)]).toEqual([true, undefined]);
    times.add(nanoseconds);
    expect(times.isEmpty).toBe(false);
    const same = [
      moment,
      moment.toDate(),
      JSON.stringify({ at: moment }),
      '2024-05-06T07:08:09.123Z',
      '2024-05-06T09:08:09.123456789+02:00',
      moment.toDate().toISOString(),
      Number(nanoseconds / 1_000_000n),
      nanoseconds,
      { [written]: 1 },
    ];
    for (const value of same) expect(foundIn(times, 1, 'nothing', value), String(value)).toBeDefined();
    const others = [
      new DateTime('2024-05-06T07:08:09.123456788Z'),
      '2024-05-06T07:08:10Z',
      Number(nanoseconds / 1_000_000_000n),
      new Duration('1h'),
      new GeometryPoint([1, 2]),
    ];
    for (const value of others) expect(foundIn(times, value), String(value)).toBeUndefined();
  });

  test('are looked for in whatever a program may send, and none is made up', () => {
    const times = new Times();
    times.add(nanoseconds);
    fc.assert(
      fc.property(surrealValue, (value) => {
        expect(foundIn(times, value)).toBeUndefined();
        expect(foundIn(times, { value, at: [moment] })).toBe(nanoseconds);
      }),
      { numRuns: 1000 },
    );
    const digits = fc.integer({ min: 0, max: 99 }).map((number) => String(number).padStart(2, '0'));
    const like = fc
      .tuple(
        fc.integer({ min: 0, max: 9999 }),
        digits,
        digits,
        digits,
        digits,
        digits,
        fc.constantFrom('Z', '+99:99', '.5Z', '-00:00'),
      )
      .map(([y, mo, d, h, mi, s, rest]) => `${String(y).padStart(4, '0')}-${mo}-${d}T${h}:${mi}:${s}${rest}`);
    fc.assert(
      fc.property(like, (text) => {
        expect(foundIn(times, text)).toBeUndefined();
      }),
    );
    expect([...timesIn(new Date(Number.NaN))]).toEqual([]);
  });
});

async function clockOf(session: RecordedSession): Promise<ServerClock> {
  const { answers, made } = await session.call(askTime).then((call) => ({ answers: call.answers(), made: call.made }));
  return new ServerClock(answers[0]?.get('result'), made);
}

describe('a call that gives back a time', () => {
  async function prepared(): Promise<RecordedSession> {
    const session = await open('embedded');
    await session.send(
      `DEFINE TABLE own; DEFINE FIELD at ON own DEFAULT time::now() READONLY; DEFINE TABLE other;
       CREATE other:1 SET at = d"2020-01-01T00:00:00Z"; DEFINE TABLE copy`,
    );
    return session;
  }

  /** The index of the call that is found, among calls that were made one after the other. */
  async function found(
    session: RecordedSession,
    calls: readonly ((time: DateTime) => [text: string, bindings?: Record<string, unknown>])[],
  ): Promise<number | undefined> {
    let time = new DateTime(0);
    const made = [];
    for (const next of calls) {
      const call = await session.call(...next(time));
      const [first] = call.moments;
      if (first !== undefined) time = new DateTime([first.moment / 1_000_000_000n, first.moment % 1_000_000_000n]);
      made.push(call);
    }
    const entries = made.map((call) => ({ call, undone: false }));
    const call = await givesBackTime(entries, [], () => clockOf(session));
    return call === undefined ? undefined : made.indexOf(call);
  }

  const create = (): [string] => ['CREATE own:1'];
  const remove = (): [string] => ['DELETE own:1 RETURN NONE'];

  test.each<[string, (time: DateTime) => [string, Record<string, unknown>?]]>([
    ['as a parameter', (time) => ['UPSERT copy:1 SET at = $time', { time }]],
    ['as a date', (time) => ['UPSERT copy:1 SET at = $time', { time: time.toDate() }]],
    ['in its text', (time) => [`SELECT * FROM own WHERE at = d"${time.toISOString()}"`]],
    ['in an object', (time) => ['UPSERT copy:1 MERGE $row', { row: { deep: [{ at: time }] } }]],
    [
      'as a bound',
      (time) => ['SELECT * FROM own WHERE at IN $range', { range: new Range(new BoundIncluded(time), undefined) }],
    ],
    ['in the key of a record', (time) => ['UPSERT $id', { id: new RecordId('copy', [time, 1]) }]],
    [
      'in a range of records',
      (time) => ['SELECT * FROM $ids', { ids: new RecordIdRange('copy', new BoundIncluded([time]), undefined) }],
    ],
  ])('is found: %s', async (_, give) => {
    const session = await prepared();
    expect(await found(session, [create, () => ['SELECT * FROM own:1'], give, remove])).toBe(2);
  });

  test('is not one that gives back what others have made, or what it read before anything was written', async () => {
    const session = await prepared();
    const give = (time: DateTime): [string, Record<string, unknown>] => ['UPSERT copy:1 SET at = $time', { time }];
    expect(await found(session, [() => ['SELECT * FROM other:1'], give])).toBeUndefined();
    expect(await found(session, [create, () => ['SELECT * FROM other:1'], give, remove])).toBeUndefined();
    expect(await found(session, [() => ['SELECT VALUE at FROM other:1'], give])).toBeUndefined();
    expect(await found(session, [create, () => ['SELECT VALUE at FROM other:1'], give, remove])).toBeUndefined();
  });

  test('is none of those that send what is no time', async () => {
    const session = await prepared();
    const give = (): [string, Record<string, unknown>] => [
      'UPSERT copy:1 SET at = $time',
      { time: '2024-99-99T99:99:99Z' },
    ];
    expect(await found(session, [create, give, remove])).toBeUndefined();
  });
});

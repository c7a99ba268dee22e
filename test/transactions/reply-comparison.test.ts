import { createNodeEngines } from '@surrealdb/node';
import fc from 'fast-check';
import {
  BoundExcluded,
  BoundIncluded,
  DateTime,
  Decimal,
  Range,
  RecordId,
  RecordIdRange,
  StringRecordId,
  Surreal,
  type SurrealTransaction,
  Table,
} from 'surrealdb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReplyComparison, type TimeWindows } from '../../src/transactions/reply-comparison.js';
import { arrived, bytesOf, surrealValue } from '../support/values.js';

const never: TimeWindows = { first: { from: 1, until: 0 }, second: { from: 1, until: 0 } };
const windows: TimeWindows = { first: { from: 1000, until: 2000 }, second: { from: 5000, until: 6000 } };
const at = (milliseconds: number) => new DateTime(new Date(milliseconds));

describe('two replies are equal', () => {
  test('exactly when they are in all types of values, in any depth', () => {
    fc.assert(
      fc.property(surrealValue, surrealValue, (one, other) => {
        const [first, second, third] = [arrived(one), arrived(one), arrived(other)];
        const comparison = new ReplyComparison();
        expect(comparison.equal(first, second, never)).toBe(true);
        expect(comparison.equal(first, third, never)).toBe(bytesOf(first) === bytesOf(third));
        expect(comparison.equal([first], [third], never)).toBe(bytesOf(first) === bytesOf(third));
        expect(comparison.equal({ a: first }, { a: first, b: undefined }, never)).toBe(false);
        expect(comparison.equal({ a: undefined }, { b: undefined }, never)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    [new RecordId('a', 1), new RecordId('b', 1)],
    [new RecordId('a', 1), new RecordId('a', '1')],
    [new RecordId('a', 1), new StringRecordId('a:1')],
    [new RecordIdRange('a', new BoundIncluded(1), undefined), new RecordIdRange('b', new BoundIncluded(1), undefined)],
    [new RecordIdRange('a', new BoundIncluded(1), undefined), new RecordIdRange('a', new BoundExcluded(1), undefined)],
    [new RecordIdRange('a', undefined, new BoundIncluded(1)), new RecordIdRange('a', undefined, new BoundIncluded(2))],
    [new Range(new BoundIncluded(1), undefined), new Range(new BoundIncluded(2), undefined)],
    [new Range(undefined, new BoundIncluded(1)), new Range(undefined, undefined)],
    [new Decimal('1.01'), new Decimal('1.02')],
    [new Table('a'), new Table('b')],
    [new Set([1]), [1]],
    [new Set([1]), new Set([2])],
    [undefined, null],
    [0, -0],
    [1, 1n],
    [{}, []],
    [{ a: 1 }, { a: 1, b: 2 }],
    [new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
  ])('not when they differ ever so little: %s, %s', (one, other) => {
    expect(new ReplyComparison().equal(one, other, never)).toBe(false);
    expect(new ReplyComparison().equal(other, one, never)).toBe(false);
  });

  test('when a moment of the first run has become one of the replay, and the same everywhere', () => {
    const comparison = new ReplyComparison();
    expect(comparison.equal([at(1500), at(1600)], [at(5500), at(5600)], windows)).toBe(true);
    expect(comparison.equal({ v: at(1500) }, { v: at(5500) }, windows)).toBe(true);
    expect(comparison.equal(at(1500), at(5501), windows)).toBe(false);
    expect(comparison.equal(new RecordId('a', [at(1600)]), new RecordId('a', [at(5600)]), windows)).toBe(true);
    expect(comparison.equal(new Set([at(1600)]), new Set([at(5600)]), windows)).toBe(true);
  });

  test('not when a moment lies outside of its run', () => {
    const fresh = () => new ReplyComparison();
    expect(fresh().equal(at(1000), at(6000), windows)).toBe(true);
    expect(fresh().equal(at(999), at(5500), windows)).toBe(false);
    expect(fresh().equal(at(2001), at(5500), windows)).toBe(false);
    expect(fresh().equal(at(1500), at(4999), windows)).toBe(false);
    expect(fresh().equal(at(1500), at(6001), windows)).toBe(false);
    expect(fresh().equal(at(1), at(1), windows)).toBe(true);
  });
});

describe('on a server', () => {
  const db = new Surreal({ engines: createNodeEngines() });
  beforeAll(async () => {
    await db.connect('mem://');
    await db.use({ namespace: 'test', database: 'test' });
    await db.query(
      'DEFINE TABLE thing; DEFINE FIELD created_at ON thing TYPE datetime DEFAULT time::now() READONLY; DEFINE TABLE seen',
    );
  });
  afterAll(() => db.close());

  /** Runs texts in two transactions, one after the other, and compares the replies as a rollback does. */
  async function replayed(texts: readonly string[], between: string[] = texts.slice()): Promise<boolean[]> {
    const run = async (all: readonly string[]): Promise<{ from: number; replies: unknown[]; ends: number[] }> => {
      const from = Date.now();
      const transaction: SurrealTransaction = await db.beginTransaction();
      const replies: unknown[] = [];
      const ends: number[] = [];
      for (const text of all) {
        replies.push(await transaction.query(text).collect());
        ends.push(Date.now() + 1);
      }
      await transaction.cancel();
      return { from, replies, ends };
    };
    const first = await run(texts);
    // Moments of the two runs have to differ, also by a coarse clock.
    const start = Date.now();
    while (Date.now() === start);
    const second = await run(between);
    const comparison = new ReplyComparison();
    return texts.map((_, index) =>
      comparison.equal(first.replies[index], second.replies[index], {
        first: { from: first.from, until: first.ends[index] ?? 0 },
        second: { from: second.from, until: Date.now() + 1 },
      }),
    );
  }

  test('moments the server made pass, also when they are read back, updated, copied and deleted later', async () => {
    const texts = [
      'CREATE thing:1 SET v = 1',
      'CREATE thing:2 SET v = 2',
      'SELECT * FROM thing',
      'UPDATE thing:1 SET v = 3 RETURN BEFORE',
      'CREATE seen:1 SET at = thing:1.created_at',
      'SELECT VALUE created_at FROM thing ORDER BY created_at',
      'DELETE thing RETURN BEFORE',
      'SELECT * FROM seen',
    ];
    expect(await replayed(texts)).toEqual(texts.map(() => true));
  });

  test('explicit dates have to be equal', async () => {
    expect(
      await replayed(
        ['RETURN d"2020-01-01T00:00:00Z"', 'RETURN d"2020-01-01T00:00:00Z"'],
        ['RETURN d"2020-01-01T00:00:00Z"', 'RETURN d"2020-01-01T00:00:01Z"'],
      ),
    ).toEqual([true, false]);
  });

  test('one moment that has become two is a difference', async () => {
    const first = 'CREATE seen:2 SET at = time::now()';
    expect(await replayed([first, 'RETURN seen:2.at'], [first, 'RETURN time::now()'])).toEqual([true, false]);
  });
});

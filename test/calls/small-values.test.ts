import {
  DateTime,
  Decimal,
  Duration,
  FileRef,
  GeometryPoint,
  Range,
  RecordId,
  StringRecordId,
  Table,
  Uuid,
} from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { Room } from '../../src/calls/small-values.js';

const sent: readonly unknown[] = [
  ...[undefined, null, true, 0, -1.5, Number.NaN, Number.POSITIVE_INFINITY, 2n ** 62n, '', "it's $v"],
  ...[new Date(0), new DateTime('2024-01-01T00:00:00.123456789Z'), new Duration('1h'), new Decimal('-12.50')],
  ...[new Uuid('018f2f2e-7c5b-7f00-8000-000000000001'), new Table('t'), new Uint8Array(3), new ArrayBuffer(3)],
  ...[new RecordId('t', 1), new RecordId('t', 'a b'), new RecordId('t', [1, { a: 2n }]), [], {}, [[{ a: [1] }]]],
  Object.create(null),
];

const kept: readonly unknown[] = [
  ...[() => 1, Symbol('s'), 2n ** 63n, -(2n ** 64n), 1e300, 2 ** 60, new Date(Number.NaN), new Date(8.64e15)],
  ...[
    new DateTime([10n ** 14n, 0n]),
    new Decimal('1'.repeat(40)),
    new StringRecordId('no record'),
    new Map(),
    new Set(),
  ],
  ...[new RecordId('t', 1.5), new RecordId('t', [Symbol('s')] as never), /x/, new Error('x'), new Float32Array(1)],
  ...[new FileRef('a b', 'c'), new GeometryPoint([1, 2]), new Range(undefined, undefined), { toJSON: () => 1 }],
  ...[{ a: { b: [1, 2n ** 70n] } }, { a: new (class Own {})() }, 'x'.repeat(101), Array.from({ length: 101 }, () => 0)],
  ...[{ ['x'.repeat(101)]: 1 }, new Uint8Array(101), new RecordId('t', 'x'.repeat(101)), new Table('x'.repeat(101))],
];

describe('in a message that several calls share', () => {
  test.each(sent.map((value) => [value]))('there is room for %o', (value) => {
    expect(new Room(100).fits(value)).toBe(true);
  });

  test.each(kept.map((value, at) => [at, value] as const))(
    'there is none for value %i, which may fail it',
    (_, value) => {
      expect(new Room(100).fits(value)).toBe(false);
    },
  );

  test('there is room for all of them together, or for none', () => {
    const room = new Room(100);
    expect([room.fits('x'.repeat(60)), room.fits('x'.repeat(60))]).toEqual([true, false]);
    const circle: unknown[] = [];
    circle.push(circle);
    expect(new Room(100).fits(circle)).toBe(false);
  });
});

import fc from 'fast-check';
import {
  BoundExcluded,
  BoundIncluded,
  CborCodec,
  DateTime,
  Decimal,
  GeometryPoint,
  Range,
  RecordId,
  RecordIdRange,
  StringRecordId,
  Table,
} from 'surrealdb';
import { describe, expect, test } from 'vitest';
import {
  AnswerComparison,
  type ComparedCall,
  type Difference,
  type Part,
} from '../../src/savepoints/answer-comparison.js';
import { EncodedValue } from '../../src/savepoints/encoded-value.js';
import type { LoggedCall } from '../../src/savepoints/logged-call.js';
import { bytesOf, surrealValue } from '../support/values.js';

const encoded = (value: unknown): EncodedValue => new EncodedValue(CborCodec.DEFAULT.encode(value));

/** The call itself is only passed on. */
const itself = { text: 'UPDATE a:1' } as LoggedCall;
const reads: ComparedCall = {
  call: itself,
  madeFirst: () => false,
  madeAgain: () => false,
  wrote: () => false,
  writes: false,
  makesIds: false,
};
/** A call that wrote `a:1`; the server made times from 1000 to 2000 for it, and from 5000 to 6000 for its repetition. */
const writes: ComparedCall = {
  ...reads,
  writes: true,
  wrote: (record) => record === 'a:1',
  madeFirst: (moment) => moment >= 1000n && moment <= 2000n,
  madeAgain: (moment) => moment >= 5000n && moment <= 6000n,
};
const makes: ComparedCall = { ...reads, writes: true, makesIds: true };
const at = (nanoseconds: number): DateTime => new DateTime([0n, BigInt(nanoseconds)]);
const [own, other] = [new RecordId('a', 1), new RecordId('a', 2)];

function compare(
  one: unknown,
  two: unknown,
  call = reads,
  comparison = new AnswerComparison(),
): Difference | undefined {
  return comparison.difference(encoded(one), encoded(two), call);
}

function decoded(part: Part): unknown {
  return part instanceof EncodedValue ? part.decode() : part;
}

/** Ids as the server makes them. */
const made = (letter: string, table = 'a'): RecordId => new RecordId(table, letter.repeat(20));

describe('two answers', () => {
  test('are equal exactly when their bytes are, where the server makes nothing', () => {
    fc.assert(
      fc.property(surrealValue, surrealValue, (one, two) => {
        const same = bytesOf(one) === bytesOf(two);
        for (const call of [reads, writes]) {
          expect(compare(one, one, call)).toBeUndefined();
          expect(compare(one, two, call) === undefined).toBe(same);
          expect(compare([one], [two], call) === undefined).toBe(same);
          expect(compare({ id: own, v: one }, { id: own, v: two }, call) === undefined).toBe(same);
        }
        expect(compare({ a: one }, { a: one, b: undefined })).toBeDefined();
        expect(compare({ a: one }, { b: one })).toBeDefined();
        expect(compare([one], [one, one])).toBeDefined();
      }),
      { numRuns: 1500 },
    );
  });

  test.each<[unknown, unknown]>([
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
    [new GeometryPoint([1, 2]), new GeometryPoint([1, 3])],
    [undefined, null],
    [1, 1.5],
    [1, '1'],
    [{}, []],
    [{ a: 1 }, { a: 1, b: 2 }],
    [new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
    ['a', 'b'],
  ])('differ when they differ ever so little: %s, %s', (one, two) => {
    for (const call of [reads, writes, makes]) {
      expect(compare(one, two, call)).toBeDefined();
      expect(compare(two, one, call)).toBeDefined();
    }
  });

  test('differ as 0 and -0 do, which the SDK sends as the same', () => {
    const [zero, negative] = [0x00, 0x80].map((first) => new EncodedValue(Uint8Array.of(0xf9, first, 0)));
    if (zero === undefined || negative === undefined) throw new Error('not encoded');
    expect([zero.decode(), negative.decode()]).toEqual([0, -0]);
    expect(new AnswerComparison().difference(zero, negative, writes)).toBeDefined();
  });

  test('differ in a place that is said, and with what stands there', () => {
    const difference = compare(
      {
        rows: [
          { id: own, v: 1 },
          { id: other, v: [1, 2] },
        ],
      },
      {
        rows: [
          { id: own, v: 1 },
          { id: other, v: [1, 3] },
        ],
      },
    );
    expect(difference?.path).toBe('rows[1].v[1]');
    expect(decoded(difference?.expected)).toBe(2);
    expect(decoded(difference?.found)).toBe(3);
    expect(compare(1, 2)?.path).toBe('');
    expect(compare([1], [1, 2])?.path).toBe('');
    expect(compare([{ a: 1 }], [{ a: 1, b: 1 }])?.path).toBe('[0]');
  });
});

describe('a time that the server makes', () => {
  test('may be another one in what the call has written, and then everywhere', () => {
    const comparison = new AnswerComparison();
    const row = (time: number): unknown => ({ id: own, at: at(time) });
    expect(compare(row(1500), row(5500), writes, comparison)).toBeUndefined();
    expect(compare([at(1500)], [at(5500)], reads, comparison), 'read later').toBeUndefined();
    expect(compare({ id: other, at: at(1500) }, { id: other, at: at(5500) }, reads, comparison)).toBeUndefined();
    expect(compare(new Set([at(1500)]), new Set([at(5500)]), reads, comparison)).toBeUndefined();
    expect(compare(at(1500), at(5501), reads, comparison), 'it has become two').toBeDefined();
    expect(compare(at(1500), at(1500), reads, comparison)).toBeUndefined();
    expect([...comparison.moments]).toEqual([[1500n, { young: 5500n, call: itself }]]);
  });

  test('is the same one in what others have written, and in what was only read', () => {
    expect(compare({ id: other, at: at(1500) }, { id: other, at: at(5500) }, writes)?.path).toBe('at');
    expect(
      compare({ id: own, x: { id: other, at: at(1500) } }, { id: own, x: { id: other, at: at(5500) } }, writes)?.path,
    ).toBe('x.at');
    expect(compare({ id: own, x: [{ at: at(1500) }] }, { id: own, x: [{ at: at(5500) }] }, writes)).toBeUndefined();
    expect(compare(at(1500), at(5500), writes), 'by itself, of a statement that writes').toBeUndefined();
    expect(compare(at(1500), at(5500), { ...writes, writes: false }), 'of one that reads').toBeDefined();
    expect(
      compare({ id: 'a:1', at: at(1500) }, { id: 'a:1', at: at(5500) }, { ...writes, writes: false }),
    ).toBeDefined();
  });

  test('was made while its call was made, in each run', () => {
    const isEqual = (old: number, young: number): boolean => compare(at(old), at(young), writes) === undefined;
    expect([isEqual(1000, 6000), isEqual(2000, 5000)]).toEqual([true, true]);
    expect([isEqual(999, 5500), isEqual(2001, 5500)]).toEqual([false, false]);
    expect([isEqual(1500, 4999), isEqual(1500, 6001)]).toEqual([false, false]);
    expect(isEqual(1, 1)).toBe(true);
  });

  test('is never something else in the other run', () => {
    for (const [one, two] of [
      [at(1500), 'text'],
      [at(1500), undefined],
      [at(1500), [at(5500)]],
      [undefined, at(5500)],
    ]) {
      expect(compare(one, two, writes)).toBeDefined();
    }
  });
});

describe('an id that the server makes', () => {
  test('may be another one where ids are made, and then everywhere', () => {
    const comparison = new AnswerComparison();
    expect(compare([{ id: made('x') }], [{ id: made('y') }], makes, comparison)).toBeUndefined();
    expect(compare([made('x')], [made('y')], reads, comparison), 'read later').toBeUndefined();
    expect(compare(made('x'), made('z'), reads, comparison), 'it has become two').toBeDefined();
    expect(compare(made('x'), made('z'), makes, comparison), 'it has become two').toBeDefined();
    expect(comparison.keys).toEqual(new Map([['x'.repeat(20), 'y'.repeat(20)]]));
  });

  test('is never that of two records', () => {
    const comparison = new AnswerComparison();
    expect(compare([made('x'), made('v')], [made('y'), made('y')], makes, comparison)?.path).toBe('[1]');
  });

  test('is the same one where none is made, in another table, or when it does not look like one', () => {
    expect(compare(made('x'), made('y'), reads)).toBeDefined();
    expect(compare(made('x'), made('y'), writes)).toBeDefined();
    expect(compare(made('x'), made('y', 'b'), makes)).toBeDefined();
    expect(compare(made('x'), new RecordId('a', 1), makes)).toBeDefined();
    expect(compare(new RecordId('a', 'x'.repeat(19)), new RecordId('a', 'y'.repeat(19)), makes)).toBeDefined();
    expect(compare(new RecordId('a', 'X'.repeat(20)), new RecordId('a', 'Y'.repeat(20)), makes)).toBeDefined();
    expect(compare('x'.repeat(20), 'y'.repeat(20), makes), 'a text is no id').toBeDefined();
  });
});

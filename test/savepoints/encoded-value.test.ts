import fc from 'fast-check';
import { CborCodec, DateTime, RecordId, StringRecordId } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { EncodedValue, encodedMap } from '../../src/savepoints/encoded-value.js';
import { arrived, bytesOf, surrealValue } from '../support/values.js';

const encode = (value: unknown): Uint8Array => CborCodec.DEFAULT.encode(value);
const encoded = (value: unknown): EncodedValue => new EncodedValue(encode(value));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What the SDK decodes, without what it cannot hold: put together again from the parts. */
function rebuilt(value: EncodedValue): Uint8Array {
  if (value.isMap) {
    return encodedMap(value.entries().map(({ key, value: inner }) => [key.text ?? '', rebuilt(inner)] as const));
  }
  return value.bytes;
}

describe('an encoded value', () => {
  test('decodes to what the codec of the SDK decodes', () => {
    fc.assert(
      fc.property(surrealValue, (value) => {
        const bytes = encode(value);
        const whole = new EncodedValue(bytes);
        expect(hex(whole.bytes)).toBe(hex(bytes));
        expect(bytesOf(whole.decode())).toBe(bytesOf(CborCodec.DEFAULT.decode(bytes)));
      }),
      { numRuns: 2000 },
    );
  });

  test('ends where it ends, wherever it stands among others', () => {
    fc.assert(
      fc.property(surrealValue, surrealValue, fc.uint8Array({ maxLength: 5 }), (one, other, rest) => {
        const [first, second] = [encode(one), encode(other)];
        const all = Buffer.concat([rest, first, second, rest]);
        expect(hex(new EncodedValue(all, rest.length).bytes)).toBe(hex(first));
        expect(hex(new EncodedValue(all, rest.length + first.length).bytes)).toBe(hex(second));
      }),
      { numRuns: 2000 },
    );
  });

  test('gives the items of an array, and the entries of a map in their order', () => {
    fc.assert(
      fc.property(fc.array(surrealValue, { maxLength: 30 }), (values) => {
        const array = encoded(values);
        expect([array.isArray, array.isMap, array.entries()]).toEqual([true, false, []]);
        expect(array.items().map(({ bytes }) => hex(bytes))).toEqual(values.map((value) => hex(encode(value))));
        const keys = values.map((_, index) => `key ${index}`);
        const map = encoded(Object.fromEntries(values.map((value, index) => [keys[index], value])));
        expect([map.isArray, map.isMap, map.items()]).toEqual([false, true, []]);
        expect(map.entries().map(({ key }) => key.text)).toEqual(keys);
        for (const [index, value] of values.entries()) {
          expect(hex(map.get(`key ${index}`)?.bytes ?? encode('nothing'))).toBe(hex(encode(value)));
        }
        expect(map.get('another')).toBeUndefined();
      }),
    );
  });

  test('tells texts, records and moments, and nothing else, for what they are', () => {
    fc.assert(
      fc.property(surrealValue, (value) => {
        const { text, record, moment } = encoded(value);
        expect(text).toBe(typeof value === 'string' ? value : undefined);
        const isRecord = value instanceof RecordId || value instanceof StringRecordId;
        expect(record).toBe(isRecord ? String(arrived(value)) : undefined);
        expect(moment).toBe(value instanceof DateTime ? value.nanoseconds : undefined);
      }),
      { numRuns: 2000 },
    );
    expect(encoded(new Date(1500)).moment).toBe(1_500_000_000n);
    expect(encoded(new DateTime([-5n, 999_999_999n])).moment).toBe(-4_000_000_001n);
  });

  test('is equal to another exactly when the bytes are', () => {
    fc.assert(
      fc.property(surrealValue, surrealValue, (one, other) => {
        expect(encoded([one]).items()[0]?.equals(encoded(one))).toBe(true);
        expect(encoded(one).equals(encoded(other))).toBe(bytesOf(one) === bytesOf(other));
      }),
      { numRuns: 1000 },
    );
  });

  test('holds lengths of every size', () => {
    for (const length of [0, 1, 23, 24, 255, 256, 65_535, 65_536, 70_000]) {
      const text = 'x'.repeat(length);
      expect(encoded(text).text, `${length} letters`).toBe(text);
      expect(encoded([text, 1]).items()).toHaveLength(2);
      expect(encoded(new Array(length).fill(1)).items(), `${length} items`).toHaveLength(length);
      expect(encoded(new Uint8Array(length).buffer).bytes.length).toBeGreaterThan(length);
    }
    // The longest head of all, as another encoder may write a short text.
    expect(new EncodedValue(Uint8Array.of(0x7b, 0, 0, 0, 0, 0, 0, 0, 1, 0x61)).text).toBe('a');
  });

  test('does not say what bytes without an end may mean', () => {
    fc.assert(
      fc.property(surrealValue, (value) => {
        const bytes = encode(value);
        for (let length = 0; length < bytes.length; length++) {
          const cut = bytes.slice(0, length);
          expect(() => new EncodedValue(cut), hex(cut)).toThrow(RangeError);
        }
      }),
      { numRuns: 200 },
    );
    for (const open of [0x5f, 0x7f, 0x9f, 0xbf, 0xff]) {
      expect(() => new EncodedValue(Uint8Array.of(open, 0xff))).toThrow(/unknown length/);
    }
  });
});

describe('an encoded map', () => {
  const entries = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), surrealValue), {
    selector: ([key]) => key,
    maxLength: 30,
  });

  test('is what the codec of the SDK makes of the same entries', () => {
    fc.assert(
      fc.property(entries, (all) => {
        const map = encodedMap(all.map(([key, value]) => [key, encode(value)]));
        expect(hex(rebuilt(new EncodedValue(map)))).toBe(hex(map));
        expect(hex(map)).toBe(hex(encode(new Map(all))));
      }),
      { numRuns: 500 },
    );
  });

  test('keeps the keys that an object of JavaScript loses, and any number of entries', () => {
    const map = new EncodedValue(
      encodedMap([
        ['__proto__', encode(1)],
        ['constructor', encode(2)],
      ]),
    );
    expect(map.get('__proto__')?.decode()).toBe(1);
    expect(map.entries().map(({ key }) => key.text)).toEqual(['__proto__', 'constructor']);
    for (const count of [23, 24, 255, 256, 65_536]) {
      const many = encodedMap(Array.from({ length: count }, (_, index) => [`k${index}`, encode(index)] as const));
      const decoded = CborCodec.DEFAULT.decode(many) as Record<string, number>;
      expect(Object.keys(decoded)).toHaveLength(count);
      expect(decoded[`k${count - 1}`]).toBe(count - 1);
    }
  });
});

import fc from 'fast-check';
import { CborCodec } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { NotCommonError, ReplyDecoder } from '../../src/wire/reply-decoder.js';
import { bytesOf, surrealValue } from '../support/values.js';

/** Gives its own tags away, with which a decoder of ours makes the same values. */
class OpenCodec extends CborCodec {
  readonly own = new ReplyDecoder(this.tagged);
}

const codec = new OpenCodec({});
const encode = (value: unknown): Uint8Array => codec.encode(value);

/** What comes out, or that the SDK has to say it. */
function outcome(decode: () => unknown): unknown {
  try {
    return bytesOf(decode());
  } catch (error) {
    return error instanceof NotCommonError ? 'not common' : 'refused';
  }
}

describe('a reply', () => {
  test('is decoded to what the SDK makes of it', () => {
    fc.assert(
      fc.property(surrealValue, (value) => {
        const bytes = encode({ id: '7', result: [{ status: 'OK', time: '1µs', result: value }] });
        expect(codec.own.decode(bytes)).toEqual(codec.decode(bytes));
        expect(outcome(() => codec.own.decode(bytes))).toBe(outcome(() => codec.decode(bytes)));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([23, 24, 255, 256, 65_535, 65_536, 70_000])(
    'may have texts, bytes and lists of the length %i',
    (length) => {
      for (const value of ['x'.repeat(length), 'é'.repeat(length), new Uint8Array(length), Array(length).fill(1)]) {
        const bytes = encode(value);
        expect(codec.own.decode(bytes)).toEqual(codec.decode(bytes));
      }
    },
  );

  test.each([0n, 23n, 24n, 255n, 256n, 65_536n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n])(
    'may hold the number %i, and the one below zero',
    (number) => {
      expect(BigInt(codec.own.decode(encode(number)) as number)).toBe(number);
      expect(BigInt(codec.own.decode(encode(-number - 1n)) as number)).toBe(-number - 1n);
    },
  );

  test('is decoded with the bytes around it left alone: it may be part of a larger buffer', () => {
    const bytes = encode({ result: ['x', new Uint8Array([1, 2])] });
    const around = new Uint8Array(bytes.length + 20).fill(0xff);
    around.set(bytes, 10);
    const value = codec.own.decode(around.subarray(10, 10 + bytes.length));
    around.fill(0);
    expect(value).toEqual(codec.decode(bytes));
  });

  test('keeps what the SDK loses: a byte order mark, and a key __proto__', () => {
    expect(codec.own.decode(encode('\uFEFFx'))).toBe('\uFEFFx');
    // { __proto__: { a: 1 } }
    const bytes = Buffer.concat([Uint8Array.of(0xa1, 0x69), Buffer.from('__proto__'), encode({ a: 1 })]);
    const value = codec.own.decode(bytes) as object;
    expect(Object.entries(value)).toEqual([['__proto__', { a: 1 }]]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  test('is left to the SDK when it is cut off, and never read beyond its end', () => {
    fc.assert(
      fc.property(surrealValue, fc.nat(), (value, at) => {
        const bytes = encode([value]);
        const cut = bytes.subarray(0, at % bytes.length);
        expect(outcome(() => codec.own.decode(cut))).toBe('not common');
      }),
      { numRuns: 500 },
    );
  });

  test('with a byte that is wrong becomes the same, or is left to the SDK', () => {
    fc.assert(
      fc.property(surrealValue, fc.nat(), fc.nat({ max: 255 }), (value, at, byte) => {
        const bytes = new Uint8Array(encode([{ key: value }]));
        bytes[at % bytes.length] = byte;
        const own = outcome(() => codec.own.decode(bytes));
        if (own !== 'not common') expect(own).toBe(outcome(() => codec.decode(bytes)));
      }),
      { numRuns: 2_000 },
    );
  });

  const key = fc.string({ maxLength: 40 }).filter((text) => text !== '__proto__');

  test('with keys that fall on each other in the memory of keys keeps them apart', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(key, fc.nat()), { minLength: 1 }), (rows) => {
        const bytes = encode(rows);
        expect(codec.own.decode(bytes)).toEqual(codec.decode(bytes));
      }),
      { numRuns: 500 },
    );
  });
});

import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { DateTime, Decimal, Duration, RecordId, StringRecordId, Table, Uuid } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { type ConnectionManager, type ConnectionManager as Pool, UsageError } from '../../src/index.js';
import { StrictCodec } from '../../src/wire/sendable.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

async function open(kind: 'embedded' | 'socket'): Promise<ConnectionManager> {
  const options = { maxConnections: 2, minConnections: 1 };
  return kind === 'embedded' ? await own.pool('mem://', options) : await own.connect(await own.listen(), options);
}

class Money {
  readonly #amount = 5;
  get amount(): number {
    return this.#amount;
  }
}
class Person {
  constructor(
    readonly name: string,
    readonly born: Date,
  ) {}
}
class Empty {}

/** What would arrive as something else, or not at all, and what is said of it. */
const lost: readonly (readonly [name: string, value: unknown, said: string])[] = [
  ['an int of 65 bits', 2n ** 63n, 'BigInt'],
  ['an int of 65 bits below 0', -(2n ** 63n) - 1n, 'BigInt'],
  ['an int of 64 bits without a sign', 2n ** 64n - 1n, 'BigInt'],
  ['a number that the SDK does not send', 2 ** 60, 'BigInt'],
  ['the largest number', Number.MAX_VALUE, 'BigInt'],
  ['floats', new Float32Array([0.5]), 'Array.from'],
  ['doubles', new Float64Array([0.5]), 'Array.from'],
  ['ints of 16 bits', new Uint16Array([256]), 'Array.from'],
  ['clamped bytes', new Uint8ClampedArray(2), 'Array.from'],
  ['ints of 64 bits', new BigInt64Array(2), 'Array.from'],
  ['a view', new DataView(new ArrayBuffer(2)), 'new Uint8Array'],
  ['shared bytes', new SharedArrayBuffer(2), 'new Uint8Array'],
  ['a Map with a number as a key', new Map([[1, 1]]), 'Map'],
  ['an invalid Date', new Date(Number.NaN), 'invalid Date'],
  ['the last Date', new Date(8.64e15), 'years'],
  ['a symbol', Symbol('x'), 'symbol'],
  ['a function', () => 1, 'function'],
  ['a regular expression', /a/, 'source'],
  ['an error', new Error('x'), 'message'],
  ['a boxed number', Object(5), 'valueOf'],
  ['a boxed text', Object('ab'), 'valueOf'],
  ['an object that hides its content', new Money(), 'Money'],
  ['a URL', new URL('http://db'), 'URL'],
  ['a promise', Promise.resolve(1), 'await'],
  ['a WeakMap', new WeakMap(), 'WeakMap'],
  ['half a surrogate pair', 'a\ud800', 'surrogate'],
  ['a decimal that would be rounded', new Decimal('0.12345678901234567890123456789'), '28 digits'],
  ['a decimal that is too large', new Decimal('79228162514264337593543950336'), '28 digits'],
  ['a record id that is no int', new RecordId('a', 1.5), 'record id'],
  ['a record id of 65 bits', new RecordId('a', 2n ** 64n - 1n), 'BigInt'],
  ['an object within itself', circular(), 'contains itself'],
];

function circular(): object {
  const value: Record<string, unknown> = {};
  value.self = [value];
  return value;
}

/** What arrives as it is, and what it is when it comes back, where that is another object. */
const kept: readonly (readonly [name: string, value: unknown, back?: unknown])[] = [
  ['the largest number', 2 ** 53],
  ['the smallest', -(2 ** 53)],
  ['the largest int', 2n ** 63n - 1n],
  ['the smallest int', -(2n ** 63n)],
  ['what is no number', Number.NaN],
  ['infinity', Number.NEGATIVE_INFINITY],
  ['a tiny number', Number.MIN_VALUE],
  ['bytes', new Uint8Array([1, 255]), new Uint8Array([1, 255]).buffer],
  ['a part of bytes', new Uint8Array([1, 2, 3]).subarray(1), new Uint8Array([2, 3]).buffer],
  ['a Buffer', Buffer.from('ab'), new Uint8Array([97, 98]).buffer],
  ['bytes with a sign', new Int8Array([-1]), new Uint8Array([255]).buffer],
  ['a buffer', new ArrayBuffer(2)],
  ['a Map', new Map([['a', 1]]), { a: 1 }],
  ['a Set', new Set([1, 'a'])],
  ['a Date', new Date(1), new DateTime(new Date(1))],
  ['a Date before 1970', new Date(-1), new DateTime([-1n, 999_000_000n])],
  ['a Date long before 1970', new Date(-1_001), new DateTime([-2n, 999_000_000n])],
  ['the year 10000', new Date(253_402_300_800_000), new DateTime(new Date(253_402_300_800_000))],
  ['nanoseconds', new DateTime('2026-01-01T00:00:00.123456789Z')],
  ['an object of a class', new Person('Ada', new Date(0)), { name: 'Ada', born: new DateTime(new Date(0)) }],
  ['an object of a class without anything', new Empty(), {}],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  [
    'a property that is computed',
    {
      get a() {
        return 1;
      },
    },
    { a: 1 },
  ],
  ['an array with a hole', Object.assign(Array(2), { 1: 3 }), [undefined, 3]],
  ['what is not there', { a: undefined, b: null }],
  ['a text with a zero', 'a\0b'],
  ['a text of two languages', 'aä€😀'],
  ['the largest decimal', new Decimal('79228162514264337593543950335')],
  ['the longest decimal', new Decimal('0.1234567890123456789012345678')],
  ['the longest duration', new Duration('584942417355y3w5d7h15s')],
  ['a record id', new RecordId('a', 2n ** 60n)],
  ['a table', new Table('a')],
  ['a Uuid', Uuid.v4()],
  ['a record id as text', new StringRecordId('a:1'), new RecordId('a', 1)],
  ['a Date of another realm', runInNewContext('new Date(5)'), new DateTime(new Date(5))],
  ['bytes of another realm', runInNewContext('new Uint8Array([1, 2])'), new Uint8Array([1, 2]).buffer],
  ['a buffer of another realm', runInNewContext('new ArrayBuffer(2)'), new ArrayBuffer(2)],
  ['a Map of another realm', runInNewContext('new Map([["a", 1]])'), { a: 1 }],
  ['a Set of another realm', runInNewContext('new Set([1])'), new Set([1])],
  ['an object of another realm', runInNewContext('({ a: [1] })'), { a: [1] }],
];

describe.each(['embedded', 'socket'] as const)('a value (%s)', (kind) => {
  test('that would arrive as another is refused before it is sent, with its place and what to do', async () => {
    const pool = await open(kind);
    for (const [name, value, said] of lost) {
      const refused = await pool
        .query('RETURN $v', { v: { items: [0, value] } })
        .collect()
        .catch((error: unknown) => error);
      expect(refused, name).toBeInstanceOf(UsageError);
      expect(String(refused), name).toContain('$v.items[1]');
      expect(String(refused), name).toContain(said);
      expect(refused, name).toMatchObject({ outcome: 'not-sent', retryable: false });
    }
    expect(pool.poolStats()).toMatchObject({ leased: 0, closed: 0 });
  });

  test('that arrives is sent', async () => {
    const pool = await open(kind);
    for (const [name, value, back = value] of kept) {
      expect(await pool.query('RETURN [$v]', { v: value }), name).toEqual([[back]]);
      const same = await pool.query('RETURN $v = $again', { v: value, again: back });
      // NaN is equal to nothing, and so is what holds it.
      if (name !== 'what is no number') expect(same, name).toEqual([true]);
    }
  });

  test('that throws when it is read is refused, and the connection goes on', async () => {
    const pool = await open(kind);
    const throwing = {
      get b(): never {
        throw new TypeError('not now');
      },
    };
    const { proxy: revoked, revoke } = Proxy.revocable({}, {});
    revoke();
    await pool.withConnection(async (lease) => {
      await expect(lease.query('RETURN $v', { v: { a: throwing } })).rejects.toThrow('$v.a.b cannot be read: not now');
      await expect(lease.query('RETURN $v', { v: [revoked] })).rejects.toThrow('$v[0] cannot be read');
      expect(await lease.query('RETURN 1')).toEqual([1]);
    });
    expect(pool.poolStats()).toMatchObject({ leased: 0, closed: 0 });
  });

  test('is refused wherever it is given', async () => {
    const pool = await open(kind);
    const id = new RecordId('thing', 1);
    const table = new Table('thing');
    const v = new Float32Array(1);
    const content = { deep: { v } };
    for (const { name, ask } of [
      { name: 'create', ask: () => pool.create(id).content(content) },
      { name: 'insert', ask: () => pool.insert(table, [{ n: 1 }, content]) },
      { name: 'update', ask: () => pool.update(id).replace(content) },
      { name: 'upsert', ask: () => pool.upsert(id).merge(content) },
      { name: 'patch', ask: () => pool.update(id).patch([{ op: 'add', path: '/v', value: v }]) },
      { name: 'relate', ask: () => pool.relate(id, table, id, content) },
      { name: 'run', ask: () => pool.run('fn::f', [content]) },
      { name: 'set', ask: () => pool.withConnection((lease) => lease.set('v', content)) },
      { name: 'variables', ask: async () => await pool.scope({ variables: { content } }).query('RETURN 1').collect() },
      {
        name: 'signup',
        ask: () =>
          pool.withConnection((lease) =>
            lease.signup({ namespace: 'test', database: 'test', access: 'a', variables: { content } }),
          ),
      },
    ]) {
      await expect((async () => await ask())(), name).rejects.toThrow(
        /cannot be sent: .*\bv is a typed array|value is a typed array/,
      );
    }
    await expect(pool.withConnection((lease) => lease.set('v', content))).rejects.toThrow('$v.deep.v');
    await expect(pool.query('RETURN "\ud800"').collect()).rejects.toThrow('the text of the query is a text with half');
    const large = new RecordId('thing', 2n ** 64n);
    await expect(pool.query('RETURN $v', { v: [large] }).collect()).rejects.toThrow('$v[0] is a BigInt');
    await expect(pool.create(id).content(content)).rejects.toThrow('sent: deep.v is');
    expect(() => pool.scope({ variables: { content } })).toThrow('sent: content.deep.v is');
    expect(await own.engine.query('SELECT VALUE id FROM thing', { namespace: 'test', database: 'test' })).toEqual([[]]);
  });

  test('is refused in a transaction, which goes on', async () => {
    const pool = await open(kind);
    const id = new RecordId('thing', 7);
    const v = 2n ** 70n;
    const stored = await pool.withTransaction(async (transaction) => {
      await transaction.create(id).content({ n: 1 });
      await expect(transaction.update(id).merge({ list: [v] })).rejects.toThrow('list[0] is a BigInt');
      await expect(transaction.query('UPDATE $id SET v = $v', { id, v })).rejects.toThrow('$v is a BigInt');
      return await transaction.select(id);
    });
    expect(stored).toEqual({ id, n: 1 });
    expect(await pool.select(id)).toEqual({ id, n: 1 });
  });

  test('fails its own call alone, among those that go in one message', async () => {
    const pool = await open(kind);
    const ask = (v: unknown) => pool.query('RETURN $v', { v }).collect();
    for (let round = 0; round < 3; round++) {
      const values = [1, 'a\ud800', 3, 'b', 2n ** 64n];
      const answers = await Promise.allSettled(values.map(ask));
      expect(answers.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'fulfilled',
        'fulfilled',
        'rejected',
      ]);
      for (const [index, answer] of answers.entries()) {
        if (answer.status === 'fulfilled') expect(answer.value).toEqual([values[index]]);
        else expect(String(answer.reason)).toContain('$v is');
      }
    }
  });
});

test('a value that cannot be sent is found wherever it stands, and not shown', async () => {
  const pool: Pool = await own.pool('mem://', { maxConnections: 1, minConnections: 1 });
  const step = fc.oneof(fc.nat(3), fc.constantFrom('a', 'b', 'with space', '$d', '0'));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.constantFrom(...lost), async (steps, [, value]) => {
      const within = steps.reduceRight<unknown>(
        (inner, at) =>
          typeof at === 'number' ? [...Array(at).fill('x'), inner] : { [`${at}_`]: 'secret', [at]: inner },
        value,
      );
      const path = steps
        .map((at) =>
          typeof at === 'number'
            ? `[${at}]`
            : /^[a-z$]/.test(at) && !at.includes(' ')
              ? `.${at}`
              : `[${JSON.stringify(at)}]`,
        )
        .join('');
      const refused = await pool
        .query('RETURN $v', { v: within })
        .collect()
        .catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(UsageError);
      expect(String(refused)).toContain(`$v${path}`);
      expect(String(refused)).not.toContain('secret');
    }),
    { numRuns: 200 },
  );
});

test('what the SDK sends rightly is sent in the same bytes', async () => {
  const { CborCodec } = await import('surrealdb');
  const value = fc.anything({
    withMap: false,
    withSet: true,
    withDate: false,
    withNullPrototype: true,
    values: [
      fc.string({ unit: 'grapheme' }),
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.constant(undefined),
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    ],
  });
  fc.assert(
    fc.property(
      value.filter((given) => !hasLargeNumber(given)),
      (given) => {
        expect(Buffer.from(new StrictCodec().encode(given))).toEqual(Buffer.from(CborCodec.DEFAULT.encode(given)));
      },
    ),
    { numRuns: 500 },
  );
});

function hasLargeNumber(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) > 2 ** 53;
  if (value instanceof Set) return [...value].some(hasLargeNumber);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasLargeNumber);
}

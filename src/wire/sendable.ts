import { types } from 'node:util';
import { CborCodec } from 'surrealdb';
import { NotCommonError, ReplyDecoder } from './reply-decoder.js';

/** What the SDK takes for a codec. */
export type CodecOptions = ConstructorParameters<typeof CborCodec>[0];

/** A value that would arrive changed, or not at all. The message says why and what to send instead. */
export class Unsendable extends Error {
  override readonly name = 'Unsendable';
}

/** The SDK sends numbers from -2^53 to 2^53 as an int; an int of SurrealDB has 64 bits. */
const largestNumber = 2 ** 53;
const largestInteger = 2n ** 63n - 1n;
const smallestInteger = -(2n ** 63n);
/** The times a server knows, in seconds: the years -262143 to 262142. */
const firstSecond = -8_334_601_228_800n;
const lastSecond = 8_210_266_876_799n;
const nanosecondsPerMillisecond = 1_000_000n;
const longestDuration = 2n ** 64n - 1n;
/** A decimal of SurrealDB has 96 bits for its digits, at most 28 of them behind the point. */
const largestDigits = 2n ** 96n - 1n;
const mostDecimals = 28;

/** What the SDK writes for a value of SurrealDB: a CBOR tag with a value. The SDK does not export this class. */
interface Tagged {
  tag: number;
  value: unknown;
}

const tags = { datetime: 12, record: 8, decimal: 10, duration: 14, durationAsText: 13 } as const;

/**
 * The SDK's codec, but it refuses a value that would arrive changed: {@link Unsendable}. It checks each value while
 * encoding, so nothing is walked twice. What it decodes loses nothing either.
 */
export class StrictCodec extends CborCodec {
  readonly #decoder = new ReplyDecoder(this.tagged);

  constructor({ valueEncodeVisitor: visit, ...options }: CodecOptions = {}) {
    super(options);
    const { replacer } = this;
    this.replacer =
      visit === undefined ? (value) => prepared(value, replacer) : (value) => prepared(visit(value), replacer);
  }

  override decode<T>(bytes: Uint8Array): T {
    try {
      return this.#decoder.decode(bytes) as T;
    } catch (error) {
      if (error instanceof NotCommonError) return super.decode<T>(bytes);
      throw error;
    }
  }

  /** What is sent for this value, with its parts not yet checked. Used to find the part at fault. */
  partsOf(value: unknown): unknown {
    const part: unknown = this.replacer(value);
    return isTagged(part) ? part.value : part;
  }
}

/** @throws Unsendable for half of a surrogate pair, which an encoder replaces */
export function refuseHalfCharacters(text: string): void {
  if (text.isWellFormed()) return;
  throw new Unsendable(
    'a text with half of a surrogate pair, which would be replaced: cut it between whole characters',
  );
}

type Replacer = (value: unknown) => unknown;

/** @throws Unsendable */
function prepared(value: unknown, replacer: Replacer): unknown {
  switch (typeof value) {
    case 'string':
      refuseHalfCharacters(value);
      return value;
    case 'boolean':
      return value;
    case 'number':
      if (Number.isInteger(value) && (value > largestNumber || value < -largestNumber)) {
        throw new Unsendable(
          'a whole number beyond 2 ** 53, which the SDK does not send: give it as a BigInt up to 2n ** 63n, or as a Decimal',
        );
      }
      return value;
    case 'bigint':
      if (value <= largestInteger && value >= smallestInteger) return value;
      throw new Unsendable(
        'a BigInt that has not room in the 64 bits of an int, and would arrive as another: give it as a Decimal',
      );
    case 'function':
      throw new Unsendable('a function, which would arrive as an empty object: was it to be called?');
    case 'symbol':
      throw new Unsendable('a symbol, which would arrive as an empty object');
    case 'object':
      return value === null || isPlain(value) ? value : preparedObject(value, replacer);
    default:
      return replacer(value);
  }
}

/** An array or an object without a class, from any realm. */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function preparedObject(value: object, replacer: Replacer): unknown {
  // `types.isDate` accepts Dates of another realm, as each test file of Jest is.
  if (types.isDate(value)) {
    const time = Number(value);
    if (Number.isNaN(time)) throw new Unsendable('an invalid Date');
    const replaced = replacer(new Date(time));
    // Before 1970 the SDK counts the fraction of a second backwards, which no server reads.
    const second = Math.floor(time / 1_000);
    if (isTagged(replaced))
      replaced.value = [BigInt(second), BigInt(time - second * 1_000) * nanosecondsPerMillisecond];
    return withinRange(replaced, value);
  }
  const replaced = replacer(value);
  if (replaced !== value) return withinRange(replaced, value);
  if (types.isMap(value)) {
    for (const key of value.keys()) {
      if (typeof key !== 'string') throw new Unsendable('a Map with a key that is no text, which an object has not');
    }
    return value instanceof Map ? value : new Map(value);
  }
  if (types.isSet(value)) return replacer(new Set(value));
  if (ArrayBuffer.isView(value)) return bytesOf(value);
  if (types.isAnyArrayBuffer(value)) {
    if (types.isSharedArrayBuffer(value))
      throw new Unsendable('a SharedArrayBuffer: give its bytes as new Uint8Array(buffer)');
    return value instanceof ArrayBuffer ? value : new Uint8Array(value);
  }
  refuseWithoutContent(value);
  return value;
}

/** Returns a view that arrives as bytes; refuses the others. */
function bytesOf(view: ArrayBufferView): unknown {
  if (view instanceof Uint8Array || view instanceof Int8Array) return view;
  if (types.isUint8Array(view) || types.isInt8Array(view)) {
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  }
  const bytes = 'its bytes as new Uint8Array(it.buffer, it.byteOffset, it.byteLength)';
  throw new Unsendable(
    types.isDataView(view)
      ? `a DataView, whose content would be lost: give ${bytes}`
      : `a typed array (${kindOf(view)}), whose content would be lost: give its numbers as Array.from(it), or ${bytes}`,
  );
}

/** Refuses objects of which the SDK would send only own properties and lose the content. */
function refuseWithoutContent(value: object): void {
  if (types.isNativeError(value)) {
    throw new Unsendable('an Error, whose message would be lost: give what is to be kept of it');
  }
  if (types.isBoxedPrimitive(value)) throw new Unsendable(`a ${kindOf(value)} object: give its valueOf()`);
  if (types.isRegExp(value)) throw new Unsendable('a RegExp, which would arrive as an empty object: give its source');
  if (types.isPromise(value) || typeof (value as { then?: unknown }).then === 'function') {
    throw new Unsendable('a promise, or a query that was not awaited, which would arrive as an empty object: await it');
  }
  if (hidesContent(value)) {
    throw new Unsendable(
      `an object of the class ${kindOf(value)} without properties of its own, which would arrive empty: give a plain object, or a text`,
    );
  }
}

/** Whether an object has no properties that would be sent, but some that would not. */
function hidesContent(value: object): boolean {
  if (Object.keys(value).length > 0) return false;
  if (Symbol.toStringTag in value) return true;
  let prototype: object | null = Object.getPrototypeOf(value);
  // `Object.prototype`, of this realm or another, has no prototype itself.
  for (let next: object | null; prototype !== null; prototype = next) {
    next = Object.getPrototypeOf(prototype);
    if (next === null) return false;
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (property.get !== undefined || name === 'toJSON') return true;
    }
  }
  return false;
}

function kindOf(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== '' ? name : Object.prototype.toString.call(value).slice(8, -1);
}

function isTagged(value: unknown): value is Tagged {
  return typeof value === 'object' && value !== null && 'tag' in value && 'value' in value && !isPlain(value);
}

/** Refuses a value of SurrealDB that the server would change, or could not read. */
function withinRange(replaced: unknown, original: object): unknown {
  if (!isTagged(replaced)) return replaced;
  const { tag, value } = replaced;
  if (tag === tags.datetime) refuseMoment(value);
  if (tag === tags.duration && isLongDuration(value)) {
    replaced.tag = tags.durationAsText;
    replaced.value = String(original);
  }
  if (tag === tags.decimal && !isExactDecimal(String(value))) {
    throw new Unsendable('a Decimal of more than 28 digits, which would be rounded: round it, or give it as a text');
  }
  if (tag === tags.record && Array.isArray(value)) {
    const [, key]: unknown[] = value;
    if (typeof key === 'number' && !Number.isSafeInteger(key)) {
      throw new Unsendable('a record id with a number that is not whole, or beyond 2 ** 53: give a BigInt or a text');
    }
  }
  return replaced;
}

/** @param compact seconds and nanoseconds since 1970 */
function refuseMoment(compact: unknown): void {
  const [seconds = 0n, nanoseconds = 0n]: (bigint | undefined)[] = Array.isArray(compact) ? compact : [];
  if (nanoseconds < 0n) {
    throw new Unsendable('a DateTime before 1970 that the SDK made of a Date, and made wrongly: give the Date itself');
  }
  if (seconds < firstSecond || seconds > lastSecond) {
    throw new Unsendable('a time outside of the years -262143 to 262142, which no server knows');
  }
}

/**
 * Whether its seconds need 64 unsigned bits, which an int does not have. The longest duration of a server is one of
 * these.
 */
function isLongDuration(compact: unknown): boolean {
  const [seconds]: unknown[] = Array.isArray(compact) ? compact : [];
  if (typeof seconds !== 'bigint' || seconds <= largestInteger) return false;
  if (seconds > longestDuration) throw new Unsendable('a Duration that is longer than any of SurrealDB');
  return true;
}

function isExactDecimal(text: string): boolean {
  const [, digits, decimals = ''] = /^[+-]?(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (digits === undefined) return true;
  const meant = decimals.replace(/0+$/, '');
  return meant.length <= mostDecimals && BigInt(digits + meant) <= largestDigits;
}

import { CborCodec, RecordId, StringRecordId } from 'surrealdb';

/** Kinds of items in CBOR: RFC 8949, section 3.1. */
const major = { bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;

/** The CBOR tags of SurrealDB's own types. */
const tag = { record: 8, datetime: 12 } as const;

/** The head of one item: its kind, its number (a length, a value or a tag), and where its content begins. */
interface Head {
  readonly kind: number;
  readonly count: number;
  readonly next: number;
}

/**
 * A CBOR value as received, read without decoding it. Decoding loses what JavaScript cannot hold, such as a key
 * `__proto__`; bytes can be compared and sent again unchanged.
 */
export class EncodedValue {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = endOf(bytes, start)) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  get isArray(): boolean {
    return this.#head().kind === major.array;
  }

  get isMap(): boolean {
    return this.#head().kind === major.map;
  }

  /** The items of an array, or the one value behind a tag; empty for anything else. */
  items(): EncodedValue[] {
    const { kind, count, next } = this.#head();
    if (kind !== major.array && kind !== major.tag) return [];
    const items: EncodedValue[] = [];
    let at = next;
    for (let left = kind === major.tag ? 1 : count; left > 0; left--) {
      const item = new EncodedValue(this.#bytes, at);
      items.push(item);
      at = item.#end;
    }
    return items;
  }

  /** The entries of a map, in order; empty for anything else. */
  entries(): { readonly key: EncodedValue; readonly value: EncodedValue }[] {
    const { kind, count, next } = this.#head();
    if (kind !== major.map) return [];
    const entries: { key: EncodedValue; value: EncodedValue }[] = [];
    let at = next;
    for (let left = count; left > 0; left--) {
      const key = new EncodedValue(this.#bytes, at);
      const value = new EncodedValue(this.#bytes, key.#end);
      entries.push({ key, value });
      at = value.#end;
    }
    return entries;
  }

  /** The value of a key of a map. */
  get(key: string): EncodedValue | undefined {
    return this.entries().find((entry) => entry.key.text === key)?.value;
  }

  /** The string of a text; undefined for anything else. */
  get text(): string | undefined {
    const { kind, next } = this.#head();
    return kind === major.text ? Buffer.from(this.#bytes.subarray(next, this.#end)).toString() : undefined;
  }

  /** A key for the record this names; undefined when it is no record id. */
  get record(): string | undefined {
    const { kind, count } = this.#head();
    if (kind !== major.tag || count !== tag.record) return undefined;
    // A range of ids has the same tag.
    const named = this.decode();
    return named instanceof RecordId || named instanceof StringRecordId ? String(named) : undefined;
  }

  /** A datetime, in nanoseconds since 1970; undefined for anything else. */
  get moment(): bigint | undefined {
    const { kind, count } = this.#head();
    if (kind !== major.tag || count !== tag.datetime) return undefined;
    const { nanoseconds } = Object(this.decode()) as { nanoseconds?: unknown };
    return typeof nanoseconds === 'bigint' ? nanoseconds : undefined;
  }

  /** The value as the SDK decodes it. */
  decode(): unknown {
    return CborCodec.DEFAULT.decode(this.bytes);
  }

  equals(other: EncodedValue): boolean {
    return Buffer.compare(this.bytes, other.bytes) === 0;
  }

  /** Whether both have the same kind, number of items and tag, so that their parts can be compared. */
  isLike(other: EncodedValue): boolean {
    const [one, two] = [this.#head(), other.#head()];
    const hasParts = one.kind === major.array || one.kind === major.map || one.kind === major.tag;
    return hasParts && one.kind === two.kind && one.count === two.count;
  }

  #head(): Head {
    return headAt(this.#bytes, this.#start);
  }
}

/** @throws RangeError when the bytes end too early, or do not follow the parts of CBOR that SurrealDB uses */
function headAt(bytes: Uint8Array, at: number): Head {
  const first = bytes[at];
  if (first === undefined) throw new RangeError('the value ends too early');
  const [kind, short] = [first >> 5, first & 31];
  if (short < 24) return { kind, count: short, next: at + 1 };
  const size = { 24: 1, 25: 2, 26: 4, 27: 8 }[short];
  if (size === undefined) throw new RangeError('values of unknown length are not used by SurrealDB');
  let count = 0;
  for (let byte = at + 1; byte <= at + size; byte++) count = count * 256 + (bytes[byte] ?? 0);
  return { kind, count, next: at + 1 + size };
}

function endOf(bytes: Uint8Array, at: number): number {
  const { kind, count, next } = headAt(bytes, at);
  const parts = kind === major.array ? count : kind === major.map ? count * 2 : kind === major.tag ? 1 : 0;
  let end = kind === major.text || kind === major.bytes ? next + count : next;
  for (let left = parts; left > 0; left--) end = endOf(bytes, end);
  if (end > bytes.length) throw new RangeError('the value ends too early');
  return end;
}

/** Encodes a map with text keys from values already encoded. */
export function encodedMap(entries: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const parts = [headOf(major.map, entries.length)];
  for (const [key, value] of entries) {
    const text = Buffer.from(key);
    parts.push(headOf(major.text, text.length), text, value);
  }
  return Buffer.concat(parts);
}

function headOf(kind: number, count: number): Uint8Array {
  const first = kind << 5;
  if (count < 24) return Uint8Array.of(first | count);
  if (count < 256) return Uint8Array.of(first | 24, count);
  if (count < 65_536) return Uint8Array.of(first | 25, count >> 8, count & 255);
  return Uint8Array.of(first | 26, count >>> 24, (count >> 16) & 255, (count >> 8) & 255, count & 255);
}

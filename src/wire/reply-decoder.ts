/** How the SDK converts tagged values, by tag. */
export type Tags = Readonly<Record<number, ((value: never) => unknown) | undefined>>;

/** Kinds of items in CBOR: RFC 8949, section 3.1. */
const major = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;

const nothing = Buffer.alloc(0);

/** The largest integer that the SDK returns as a number. */
const largestNumber = 2 ** 53;
/** The longest key, in bytes, that is cached, and how many are. */
const longestKey = 32;
const rememberedKeys = 1_024;

/**
 * Decodes replies to the same values as the SDK's codec, in a third of the time: known keys are recognised by their
 * bytes, and texts are decoded without a `TextDecoder`, whose fixed cost exceeds that of most texts. Two things are
 * better: a text keeps a byte order mark at its start, and a key `__proto__` is a key.
 *
 * Items that servers do not send, such as those without a length, are left to the SDK.
 */
export class ReplyDecoder {
  readonly #tags: Tags;
  readonly #keys = new Array<string>(rememberedKeys).fill('');
  #bytes: Buffer = nothing;
  #view: DataView = new DataView(nothing.buffer);
  #at = 0;

  constructor(tags: Tags) {
    this.#tags = tags;
  }

  /** @throws NotCommonError when the SDK has to decode it, or report what is wrong with it */
  decode(bytes: Uint8Array): unknown {
    const { buffer, byteOffset, byteLength } = bytes;
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength);
    this.#view = new DataView(buffer, byteOffset, byteLength);
    this.#at = 0;
    try {
      return this.#value();
    } finally {
      this.#bytes = nothing;
      this.#view = new DataView(nothing.buffer);
    }
  }

  #value(): unknown {
    const head = this.#byte();
    const length = head & 31;
    switch (head >> 5) {
      case major.unsigned:
        return this.#number(length);
      case major.negative: {
        const number = this.#number(length);
        return typeof number === 'bigint' || number === largestNumber ? -(BigInt(number) + 1n) : -(number + 1);
      }
      case major.bytes: {
        const count = this.#count(length);
        return new Uint8Array(this.#bytes.subarray(this.#at, this.#skip(count))).buffer;
      }
      case major.text: {
        const count = this.#count(length);
        const start = this.#at;
        return this.#bytes.toString('utf8', start, this.#skip(count));
      }
      case major.array: {
        const count = this.#count(length);
        const items: unknown[] = [];
        for (let left = count; left > 0; left--) items.push(this.#value());
        return items;
      }
      case major.map: {
        const object: Record<string, unknown> = {};
        for (let left = this.#count(length); left > 0; left--) {
          const key = this.#key();
          const value = this.#value();
          if (key === '__proto__') define(object, key, value);
          else object[key] = value;
        }
        return object;
      }
      case major.tag: {
        const known = this.#tags[Number(this.#number(length))];
        if (known === undefined) throw new NotCommonError();
        return known(this.#value() as never);
      }
      default:
        return this.#simple(length);
    }
  }

  #simple(length: number): unknown {
    if (length === 20) return false;
    if (length === 21) return true;
    if (length === 22) return null;
    if (length === 23) return undefined;
    const at = this.#at;
    if (length === 26) {
      this.#skip(4);
      return this.#view.getFloat32(at);
    }
    if (length !== 27) throw new NotCommonError();
    this.#skip(8);
    return this.#view.getFloat64(at);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new NotCommonError();
    return byte;
  }

  /** The number in the head of an item. */
  #number(length: number): number | bigint {
    if (length < 24) return length;
    const at = this.#at;
    if (length === 24) return this.#byte();
    if (length === 25) {
      this.#skip(2);
      return this.#view.getUint16(at);
    }
    if (length === 26) {
      this.#skip(4);
      return this.#view.getUint32(at);
    }
    if (length !== 27) throw new NotCommonError();
    this.#skip(8);
    const number = this.#view.getBigUint64(at);
    return number > largestNumber ? number : Number(number);
  }

  /** How many bytes, items or entries follow. Each takes at least one byte, so a larger count is an error. */
  #count(length: number): number {
    const count = this.#number(length);
    if (count > this.#bytes.length - this.#at) throw new NotCommonError();
    return Number(count);
  }

  /** Skips this many bytes. @returns where they end */
  #skip(count: number): number {
    this.#at += count;
    if (this.#at > this.#bytes.length) throw new NotCommonError();
    return this.#at;
  }

  #key(): string {
    const head = this.#byte();
    if (head >> 5 !== major.text) throw new NotCommonError();
    const length = this.#count(head & 31);
    const start = this.#at;
    const end = this.#skip(length);
    const bytes = this.#bytes;
    if (length === 0 || length > longestKey) return bytes.toString('utf8', start, end);
    // The key has at least one byte.
    const place = (length * 31 + Number(bytes[start]) * 7 + Number(bytes[end - 1]) * 131) % rememberedKeys;
    const remembered = String(this.#keys[place]);
    if (isText(remembered, bytes, start, length)) return remembered;
    const key = bytes.toString('utf8', start, end);
    this.#keys[place] = key;
    return key;
  }
}

/** The bytes are not of the form that servers send. */
export class NotCommonError extends Error {
  constructor() {
    super('not a common reply');
  }
}

/** Whether the bytes are this text. False for a text with multi-byte characters, which is shorter than its bytes. */
function isText(text: string, bytes: Buffer, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}

function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

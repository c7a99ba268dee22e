import { DateTime, Decimal, Duration, RecordId, Table, Uuid } from 'surrealdb';

/** The years 1 to 9999, in milliseconds: a server refuses a whole message for a time outside its range. */
const firstTime = -62_135_596_800_000;
const lastTime = 253_402_300_799_999;
const largestInteger = 2n ** 63n - 1n;
/** A decimal with no more digits than a server takes. */
const plainDecimal = /^-?\d{1,14}(?:\.\d{1,14})?$/;

/**
 * The room for values in a message that several calls share. A value of a type that the SDK or a server may refuse
 * never fits: they would refuse the whole message, or the server would not answer it at all.
 */
export class Room {
  #left: number;

  /** @param size in characters, bytes and values */
  constructor(size: number) {
    this.#left = size;
  }

  fits(value: unknown): boolean {
    if (--this.#left < 0) return false;
    switch (typeof value) {
      case 'undefined':
      case 'boolean':
        return true;
      case 'string':
        return this.#takes(value.length);
      case 'number':
        return !Number.isInteger(value) || Number.isSafeInteger(value);
      case 'bigint':
        return value >= -largestInteger && value <= largestInteger;
      case 'object':
        return value === null || this.#fitsObject(value);
      default:
        return false;
    }
  }

  #fitsObject(value: object): boolean {
    if (Array.isArray(value)) return value.every((item) => this.fits(item));
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      return Object.entries(value).every(([name, item]) => this.#takes(name.length) && this.fits(item));
    }
    if (value instanceof RecordId) return this.fits(value.table.name) && this.#fitsKey(value.id);
    if (value instanceof Uint8Array || value instanceof ArrayBuffer) return this.#takes(value.byteLength);
    if (value instanceof Uuid || value instanceof Duration) return true;
    if (value instanceof Table) return this.fits(value.name);
    if (value instanceof Date || value instanceof DateTime) return isNear(value);
    return value instanceof Decimal && plainDecimal.test(value.toString());
  }

  #fitsKey(key: unknown): boolean {
    return (typeof key !== 'number' || Number.isSafeInteger(key)) && this.fits(key);
  }

  #takes(size: number): boolean {
    this.#left -= size;
    return this.#left >= 0;
  }
}

function isNear(time: Date | DateTime): boolean {
  const at = time instanceof Date ? time.getTime() : Number(time.toCompact()[0] ?? 0n) * 1_000;
  return at >= firstTime && at <= lastTime;
}

import {
  BoundExcluded,
  BoundIncluded,
  DateTime,
  Range,
  RecordId,
  RecordIdRange,
  StringRecordId,
  Value,
} from 'surrealdb';

const isoTime = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g;

/** Nanoseconds in a millisecond, the resolution of a `Date`. */
const perMillisecond = 1_000_000n;

/** A number above this may be a present time since 1970. */
const leastMilliseconds = 10n ** 12n;
const leastNanoseconds = 10n ** 18n;

/**
 * Every time in a value, in nanoseconds since 1970: datetimes, dates, times written in strings, and numbers that may be
 * milliseconds or nanoseconds since 1970; also in keys, record ids and range bounds.
 */
export function* timesIn(value: unknown): Generator<bigint> {
  if (typeof value === 'string') {
    for (const [written] of value.matchAll(isoTime)) yield* timeOf(written);
  } else if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) {
    const number = BigInt(value);
    if (number > leastNanoseconds) yield number;
    else if (number > leastMilliseconds) yield number * perMillisecond;
  } else if (value instanceof Date) {
    if (Number.isFinite(value.getTime())) yield BigInt(value.getTime()) * perMillisecond;
  } else if (value instanceof DateTime) {
    yield value.nanoseconds;
  } else if (value instanceof RecordId) {
    yield* timesIn(value.id);
  } else if (value instanceof StringRecordId) {
    yield* timesIn(value.toString());
  } else if (value instanceof Range || value instanceof RecordIdRange) {
    yield* timesIn(value.begin);
    yield* timesIn(value.end);
  } else if (value instanceof BoundIncluded || value instanceof BoundExcluded) {
    yield* timesIn(value.value);
  } else if (Array.isArray(value) || value instanceof Set || value instanceof Map) {
    for (const item of value) yield* timesIn(item);
  } else if (typeof value === 'object' && value !== null && !(value instanceof Value)) {
    for (const key of Object.keys(value)) {
      yield* timesIn(key);
      yield* timesIn(Reflect.get(value, key));
    }
  }
}

/** Parses a written time. An invalid one (`2024-13-01T00:00:00Z`) is skipped. */
function* timeOf(written: string): Generator<bigint> {
  if (Number.isFinite(Date.parse(written))) yield new DateTime(written).nanoseconds;
}

/** A set of times that also matches times cut to milliseconds, as in a `Date`. */
export class Times {
  /** The times, by the forms in which they may be sent back. */
  readonly #times = new Map<bigint, bigint>();

  get isEmpty(): boolean {
    return this.#times.size === 0;
  }

  add(moment: bigint): void {
    this.#times.set(moment - (moment % perMillisecond), moment);
    this.#times.set(moment, moment);
  }

  /** The times of this set found in these values. */
  *foundIn(...values: readonly unknown[]): Generator<bigint> {
    if (this.isEmpty) return;
    for (const moment of timesIn(values)) {
      const found = this.#times.get(moment);
      if (found !== undefined) yield found;
    }
  }
}

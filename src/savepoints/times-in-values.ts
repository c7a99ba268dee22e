import { DateTime, Range, RecordId, RecordIdRange, StringRecordId } from 'surrealdb';

const isoTime = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g;

/** Nanoseconds in a millisecond: what a `Date` cannot tell. */
const perMillisecond = 1_000_000n;

/** Every time in a value, in nanoseconds since 1970: datetimes, dates, and times that are written out in strings. */
export function* timesIn(value: unknown): Generator<bigint> {
  if (typeof value === 'string') {
    for (const [written] of value.matchAll(isoTime)) yield* timeOf(written);
  } else if (value instanceof RecordId) {
    yield* timesIn(value.id);
  } else if (value instanceof StringRecordId) {
    yield* timesIn(value.toString());
  } else if (value instanceof Range || value instanceof RecordIdRange) {
    yield* timesIn(value.begin);
    yield* timesIn(value.end);
  } else if (value instanceof Date) {
    if (Number.isFinite(value.getTime())) yield BigInt(value.getTime()) * perMillisecond;
  } else if (value instanceof DateTime) {
    yield value.nanoseconds;
  } else if (Array.isArray(value) || value instanceof Set) {
    for (const item of value) yield* timesIn(item);
  } else if (value instanceof Map) {
    for (const entry of value) yield* timesIn(entry);
  } else if (typeof value === 'object' && value !== null) {
    for (const key of Object.keys(value)) yield* timesIn(Reflect.get(value, key));
  }
}

/** What is only written like a time (`2024-13-01T00:00:00Z`) is none. */
function* timeOf(written: string): Generator<bigint> {
  if (Number.isFinite(Date.parse(written))) yield new DateTime(written).nanoseconds;
}

/** A set of times that also knows them without what is less than a millisecond, as a `Date` holds them. */
export class Times {
  readonly #times = new Set<bigint>();

  get isEmpty(): boolean {
    return this.#times.size === 0;
  }

  add(moment: bigint): void {
    this.#times.add(moment);
    this.#times.add(moment - (moment % perMillisecond));
  }

  has(moment: bigint): boolean {
    return this.#times.has(moment);
  }

  /** The first of them in a text or its parameters. */
  foundIn(...values: readonly unknown[]): bigint | undefined {
    if (this.isEmpty) return undefined;
    for (const value of values) for (const moment of timesIn(value)) if (this.#times.has(moment)) return moment;
    return undefined;
  }
}

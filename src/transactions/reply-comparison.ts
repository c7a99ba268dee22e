import { BoundExcluded, BoundIncluded, DateTime, Range, RecordId, RecordIdRange, Value } from 'surrealdb';

/** A stretch of the server's time, in milliseconds since 1970. */
export interface TimeWindow {
  readonly from: number;
  readonly until: number;
}

/** Where the moments lie that the server may have taken for `time::now()`, then and at the replay. */
export interface TimeWindows {
  /** From the begin of the first transaction to the end of the statement. */
  readonly first: TimeWindow;
  /** From the begin of the second transaction until now. */
  readonly second: TimeWindow;
}

/**
 * Compares the replies of a replay with those of the first time. They have to be equal in depth, but for the moments
 * the server made itself: one that lies within the first run may have become one that lies within the replay, always the
 * same, because what `time::now()` gave is written once and read, updated and deleted later. One object serves a whole
 * replay.
 */
export class ReplyComparison {
  readonly #moments = new Map<bigint, bigint>();

  equal(expected: unknown, found: unknown, windows: TimeWindows): boolean {
    if (Object.is(expected, found)) return true;
    if (typeof expected !== 'object' || typeof found !== 'object' || expected === null || found === null) return false;
    if (Object.getPrototypeOf(expected) !== Object.getPrototypeOf(found)) return false;
    const both = (a: unknown, b: unknown): boolean => this.equal(a, b, windows);
    if (expected instanceof DateTime) return found instanceof DateTime && this.#sameMoment(expected, found, windows);
    if (expected instanceof ArrayBuffer) {
      return found instanceof ArrayBuffer && Buffer.from(expected).equals(Buffer.from(found));
    }
    // What follows may have moments inside.
    if (expected instanceof RecordId) {
      return found instanceof RecordId && expected.table.name === found.table.name && both(expected.id, found.id);
    }
    if (expected instanceof RecordIdRange) {
      return (
        found instanceof RecordIdRange &&
        expected.table.name === found.table.name &&
        both(expected.begin, found.begin) &&
        both(expected.end, found.end)
      );
    }
    if (expected instanceof Range) {
      return found instanceof Range && both(expected.begin, found.begin) && both(expected.end, found.end);
    }
    if (expected instanceof BoundIncluded || expected instanceof BoundExcluded) {
      return both(expected.value, (found as { value: unknown }).value);
    }
    // The rest of the server's types have all they are in their text.
    if (expected instanceof Value) return String(expected) === String(found);
    if (expected instanceof Set) return found instanceof Set && both([...expected], [...found]);
    const keys = Object.keys(expected);
    return (
      keys.length === Object.keys(found).length &&
      keys.every((key) => Object.hasOwn(found, key) && both(Reflect.get(expected, key), Reflect.get(found, key)))
    );
  }

  #sameMoment(expected: DateTime, found: DateTime, { first, second }: TimeWindows): boolean {
    const [old, young] = [expected.nanoseconds, found.nanoseconds];
    if (old === young) return true;
    const known = this.#moments.get(old);
    if (known !== undefined) return known === young;
    if (!isWithin(old, first) || !isWithin(young, second)) return false;
    this.#moments.set(old, young);
    return true;
  }
}

function isWithin(moment: bigint, { from, until }: TimeWindow): boolean {
  const milliseconds = Number(moment) / 1e6;
  return milliseconds >= from && milliseconds <= until;
}

import type { EncodedValue } from './encoded-value.js';
import type { LoggedCall } from './logged-call.js';

/** Two values that should have been equal, and where they stand in the answer. */
export interface Difference {
  /** `[0].created_at`; empty for the answer as a whole. */
  readonly path: string;
  readonly expected: Part;
  readonly found: Part;
}

/** A part of an answer: a value, an error with which the server refused the whole call, or nothing. */
export type Part = EncodedValue | Error | undefined;

/** What has to be known of a call to compare its answers in two runs. */
export interface ComparedCall {
  readonly call: LoggedCall;
  /** Whether the server may have made this time for the first run, when it executed a call that writes. */
  madeFirst(moment: bigint): boolean;
  /** Whether the server may have made this time for the second run. */
  madeAgain(moment: bigint): boolean;
  /** Whether the transaction has written this record by then. */
  wrote(record: string): boolean;
  /** Whether the answer is that of a statement that writes: what stands in it by itself is of its records. */
  readonly writes: boolean;
  /** Whether the server chose ids for the records that the call created. */
  readonly makesIds: boolean;
}

/** Ids as the server makes them. */
const generatedId = /^([^:]+):([a-z0-9]{20})$/;

/**
 * Compares the answers of two runs of one history. They have to be equal, byte by byte, but for what the server makes
 * itself, which is another one in each run:
 *
 * - a time (`DEFAULT time::now()`): only in records that the transaction has written, only from when a call was made, and
 *   from then on the same one wherever it occurs
 * - the id of a record created without one, also where its key stands in a text or in another key
 *
 * One object serves a whole run, since what was made once is read, updated and deleted later.
 */
export class AnswerComparison {
  /** The times that the server made: those of the first run, and what they became. */
  readonly moments: Map<bigint, { readonly young: bigint; readonly call: LoggedCall }> = new Map();
  /** The keys of records that the server chose, likewise. */
  readonly keys: Map<string, string> = new Map();
  /** What they became. */
  readonly #keysAgain = new Set<string>();

  /** Where two answers differ. */
  difference(expected: EncodedValue, found: EncodedValue, call: ComparedCall): Difference | undefined {
    return this.#difference(expected, found, { call, record: undefined, path: '' });
  }

  #difference(expected: EncodedValue, found: EncodedValue, at: Place): Difference | undefined {
    if (expected.equals(found)) return undefined;
    const [old, young] = [expected.moment, found.moment];
    if (old !== undefined && young !== undefined) {
      return this.#sameMoment(old, young, at) ? undefined : between(expected, found, at);
    }
    const [one, other] = [expected.record, found.record];
    if (one !== undefined && other !== undefined) {
      return this.#sameKey(one, other, at) ? undefined : between(expected, found, at);
    }
    const [text, again] = [expected.text, found.text];
    if (text !== undefined && again !== undefined) {
      return withKeys(text, this.keys) === again ? undefined : between(expected, found, at);
    }
    if (!expected.isLike(found)) return between(expected, found, at);
    return expected.isMap ? this.#ofMaps(expected, found, at) : this.#ofItems(expected, found, at);
  }

  #ofItems(expected: EncodedValue, found: EncodedValue, at: Place): Difference | undefined {
    const others = found.items();
    for (const [index, value] of expected.items().entries()) {
      const other = others[index];
      if (other === undefined) return between(expected, found, at);
      const difference = this.#difference(value, other, { ...at, path: `${at.path}[${index}]` });
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  #ofMaps(expected: EncodedValue, found: EncodedValue, at: Place): Difference | undefined {
    const others = found.entries();
    // An object with an id is a record; what stands in it belongs to that record.
    const record = expected.get('id')?.record ?? at.record;
    for (const [index, { key, value }] of expected.entries().entries()) {
      const other = others[index];
      if (other === undefined || !key.equals(other.key)) return between(expected, found, at);
      const path = at.path === '' ? `${key.text}` : `${at.path}.${key.text}`;
      const difference = this.#difference(value, other.value, { ...at, record, path });
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  #sameMoment(old: bigint, young: bigint, { call, record }: Place): boolean {
    const known = this.moments.get(old);
    if (known !== undefined) return known.young === young;
    const isOwn = record === undefined ? call.writes : call.wrote(record);
    if (!isOwn || !call.madeFirst(old) || !call.madeAgain(young)) return false;
    this.moments.set(old, { young, call: call.call });
    return true;
  }

  #sameKey(old: string, young: string, { call }: Place): boolean {
    // A key may be a part of another: edge:[key, key].
    const renamed = withKeys(old, this.keys);
    if (renamed !== old && renamed === young) return true;
    const [, table, key] = generatedId.exec(old) ?? [];
    const [, otherTable, otherKey] = generatedId.exec(young) ?? [];
    if (key === undefined || otherKey === undefined || table !== otherTable) return false;
    const known = this.keys.get(key);
    if (known !== undefined) return known === otherKey;
    if (!call.makesIds || this.#keysAgain.has(otherKey)) return false;
    this.#keysAgain.add(otherKey);
    this.keys.set(key, otherKey);
    return true;
  }
}

/** Where in an answer a value stands, and in which record. */
interface Place {
  readonly call: ComparedCall;
  readonly record: string | undefined;
  readonly path: string;
}

function between(expected: EncodedValue, found: EncodedValue, { path }: Place): Difference {
  return { path, expected, found };
}

/** A text that names records by the keys which the server has chosen for them this time. */
export function withKeys(text: string, keys: ReadonlyMap<string, string>): string {
  let changed = text;
  for (const [old, young] of keys) changed = changed.replaceAll(old, young);
  return changed;
}

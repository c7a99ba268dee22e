import { onlyReads } from './only-reads.js';
import { SurrealText } from './surreal-text.js';

/** Faults of a server within transactions that added statements can work around. */
export interface TransactionFaults {
  /**
   * A record written by the transaction is read from a cache in which it has no id: `WHERE id = …`, edges, references
   * and `record::exists()` do not find it. SurrealDB 3.0.
   */
  readonly hidesOwnWrites: boolean;
  /** `ORDER BY` with `LIMIT` sorts only the first records: the planner does not know the database. SurrealDB 3.0.2. */
  readonly losesOrder: boolean;
}

/** What to add to texts. */
export interface Mending {
  /** Whether to empty the cache after each statement that may have written. */
  readonly emptiesCache: boolean;
  /** A `USE` of the session's database; undefined where the planner knows it. */
  readonly use: string | undefined;
}

/** Nothing is added. */
export const noMending: Mending = { emptiesCache: false, use: undefined };

/** What works around these faults for a session in this database. */
export function mendingOf(faults: TransactionFaults, place: { namespace: string; database: string }): Mending {
  const { hidesOwnWrites, losesOrder } = faults;
  const use = losesOrder ? `USE NS ${quoted(place.namespace)} DB ${quoted(place.database)}` : undefined;
  return { emptiesCache: hidesOwnWrites, use };
}

function quoted(name: string): string {
  return `'${name.replace(/[\\']/g, '\\$&')}'`;
}

/**
 * Empties the cache of a transaction. It asks for the grants of an access method that does not exist, so its answer is
 * an error, which the caller never sees. Any system user may ask; it writes nothing and conflicts with nothing.
 */
export const emptyCache = 'ACCESS _own_writes ON DATABASE SHOW ALL';

/** Which answers to a text belong to the pool's statements: by index, or the last of all. */
export type AddedAnswers = ReadonlySet<number | 'last'>;

/** A text with statements of the pool added to those of the caller. */
export interface MendedText {
  readonly text: string;
  readonly added: AddedAnswers;
}

/** Adds the statements that work around faults of the server. */
export function mendedText(given: SurrealText, { emptiesCache, use }: Mending): MendedText {
  const { text } = given;
  const before = use === undefined ? '' : `${use};\n`;
  const added = new Set<number | 'last'>(use === undefined ? [] : [0]);
  if (!emptiesCache || onlyReads(given)) return { text: before + text, added };
  const { statements, certain } = given.split;
  // If it is not certain how the server splits the text, the cache is emptied once, at the end.
  if (!certain) return { text: `${before}${text}\n;\n${emptyCache}`, added: added.add('last') };
  let mended = before;
  let from = 0;
  let answers = added.size;
  for (const { start, end } of statements) {
    mended += text.slice(from, end);
    from = end;
    answers++;
    if (onlyReads(new SurrealText(text.slice(start, end)))) continue;
    mended += `; ${emptyCache}`;
    added.add(answers++);
  }
  return { text: mended + text.slice(from), added };
}

/** The answers to the caller's own statements. */
export function withoutAdded<T>(answers: readonly T[], added: AddedAnswers): T[] {
  const last = answers.length - 1;
  return answers.filter((_, index) => !added.has(index) && !(index === last && added.has('last')));
}

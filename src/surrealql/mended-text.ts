import { onlyReads } from './only-reads.js';
import { SurrealText } from './surreal-text.js';

/** What a server gets wrong within transactions, as far as statements that are added to a text can mend it. */
export interface TransactionFaults {
  /**
   * A record that the transaction has written is read from a cache in which it has no id: `WHERE id = …`, edges,
   * references and `record::exists()` do not find it. SurrealDB 3.0.
   */
  readonly hidesOwnWrites: boolean;
  /** `ORDER BY` with `LIMIT` sorts only the first records: the planner does not know the database. SurrealDB 3.0.2. */
  readonly losesOrder: boolean;
}

/** What is added to texts. */
export interface Mending {
  /** Whether the cache is emptied after each statement that may have written. */
  readonly emptiesCache: boolean;
  /** A `USE` of the database in which the session is; undefined where the planner knows it. */
  readonly use: string | undefined;
}

/** Nothing is added. */
export const noMending: Mending = { emptiesCache: false, use: undefined };

/** What mends these faults for a session in this database. */
export function mendingOf(faults: TransactionFaults, place: { namespace: string; database: string }): Mending {
  const { hidesOwnWrites, losesOrder } = faults;
  const use = losesOrder ? `USE NS ${quoted(place.namespace)} DB ${quoted(place.database)}` : undefined;
  return { emptiesCache: hidesOwnWrites, use };
}

function quoted(name: string): string {
  return `'${name.replace(/[\\']/g, '\\$&')}'`;
}

/**
 * Empties the cache of a transaction. It asks for the grants of an access method that does not exist, so its answer is an
 * error, which is not the caller's. Any system user may ask; it writes nothing and conflicts with nothing.
 */
export const emptyCache = 'ACCESS _own_writes ON DATABASE SHOW ALL';

/** Which answers to a text are the pool's own: by index, or the last of all. */
export type AddedAnswers = ReadonlySet<number | 'last'>;

/** A text with statements of the pool's among those of the caller. */
export interface MendedText {
  readonly text: string;
  readonly added: AddedAnswers;
}

/** Adds to a text what mends the faults of its server. */
export function mendedText(given: SurrealText, { emptiesCache, use }: Mending): MendedText {
  const { text } = given;
  const before = use === undefined ? '' : `${use};\n`;
  const added = new Set<number | 'last'>(use === undefined ? [] : [0]);
  if (!emptiesCache || onlyReads(given)) return { text: before + text, added };
  const { statements, certain } = given.split;
  // Where it is not certain how the server cuts the text, the cache is emptied once, behind all of it.
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

/** The answers of the caller's own statements. */
export function withoutAdded<T>(answers: readonly T[], added: AddedAnswers): T[] {
  const last = answers.length - 1;
  return answers.filter((_, index) => !added.has(index) && !(index === last && added.has('last')));
}

import { onlyReads } from '../surrealql/only-reads.js';
import { SurrealText } from '../surrealql/surreal-text.js';
import type { EncodedValue } from './encoded-value.js';

/** With more tables than these, looking at all of them costs more than it saves. */
const mostTables = 100;

/** A table, as far as it matters whether reading it can write. */
interface Table {
  readonly name: string;
  readonly permissions?: { readonly select?: unknown };
}

interface Field {
  readonly computed?: unknown;
  readonly permissions?: { readonly select?: unknown };
}

/**
 * Finds out whether reading can write in a database: a `SELECT` evaluates the computed fields of the records that it
 * meets, and a record user's also the permissions for it. These may be any expression. All tables are looked at, because
 * a read reaches others than those it names, by links.
 */
export class SchemaScan {
  /** The names of the tables, when they were looked at last, by database. */
  readonly #tables = new Map<string, readonly string[]>();

  /**
   * The statements that look at a database, to be executed where the reads are; undefined when it has too many tables.
   * @param database the same text for the same database
   */
  statements(database: string): string[] | undefined {
    const names = this.#tables.get(database) ?? [];
    if (names.length > mostTables) return undefined;
    return ['INFO FOR DB STRUCTURE', ...names.map((name) => `INFO FOR TABLE ${escaped(name)} STRUCTURE`)];
  }

  /** Whether reads certainly do not write, by the answers to the statements. */
  readsOnlyRead(database: string, answers: readonly EncodedValue[]): boolean {
    const [whole, ...each] = answers.map((answer) => resultOf(answer));
    const tables = (whole as { tables?: readonly Table[] } | undefined)?.tables;
    if (tables === undefined) return false;
    const before = this.#tables.get(database);
    const names = tables.map(({ name }) => name);
    this.#tables.set(database, names);
    // Others have come since: they were not looked at.
    if (before === undefined ? names.length > 0 : names.join('\n') !== before.join('\n')) return false;
    const ofTables = each.map((table) => (table as { fields?: readonly Field[] } | undefined)?.fields);
    if (ofTables.length < names.length || ofTables.includes(undefined)) return false;
    const fields = ofTables.flatMap((known) => known ?? []);
    const expressions = [
      ...tables.map(({ permissions }) => permissions?.select),
      ...fields.flatMap(({ computed, permissions }) => [computed, permissions?.select]),
    ];
    return expressions.every(isHarmless);
  }
}

function resultOf(answer: EncodedValue): unknown {
  return answer.get('status')?.text === 'OK' ? answer.get('result')?.decode() : undefined;
}

/** Nothing, a permission that is given or not, or an expression that only reads. */
function isHarmless(expression: unknown): boolean {
  if (expression === undefined || typeof expression === 'boolean') return true;
  return typeof expression === 'string' && onlyReads(new SurrealText(expression));
}

function escaped(name: string): string {
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``;
}

import { onlyReads } from '../surrealql/only-reads.js';
import { SurrealText } from '../surrealql/surreal-text.js';
import type { EncodedValue } from './encoded-value.js';

/** With more tables than these, looking at all of them costs more than it saves. */
const mostTables = 100;
/** For how many users and databases the tables are remembered. */
const mostPlaces = 1000;

const lookAtDatabase = 'INFO FOR DB STRUCTURE';

/** Asks something, and gives the answer to each statement. */
type Ask = (text: string) => Promise<readonly EncodedValue[]>;

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
  /** The names of the tables when they were looked at last, by place; undefined where this user may not look. */
  readonly #tables = new Map<string, readonly string[] | undefined>();

  /**
   * The statements that look at a database, to be executed where the reads are; undefined when that cannot be had, or is
   * not worth it.
   * @param place the same text for the same user of the same database
   * @param ask asks outside of the transaction which tables there are, the first time
   */
  async statements(place: string, ask: Ask): Promise<string[] | undefined> {
    if (!this.#tables.has(place)) {
      const [whole] = await ask(lookAtDatabase);
      const [oldest] = this.#tables.size < mostPlaces ? [] : this.#tables.keys();
      if (oldest !== undefined) this.#tables.delete(oldest);
      this.#tables.set(place, namesOf(tablesIn(whole)));
    }
    const names = this.#tables.get(place);
    if (names === undefined || names.length > mostTables) return undefined;
    return [lookAtDatabase, ...names.map((name) => `INFO FOR TABLE ${escaped(name)} STRUCTURE`)];
  }

  /** Whether reads certainly do not write, by the answers to the statements. */
  readsOnlyRead(place: string, [whole, ...each]: readonly EncodedValue[]): boolean {
    const tables = tablesIn(whole);
    const names = namesOf(tables);
    const before = this.#tables.get(place);
    if (tables === undefined || names === undefined || before === undefined) return false;
    this.#tables.set(place, names);
    // Others have come since: they were not looked at.
    if (names.join('\n') !== before.join('\n')) return false;
    const ofTables = each.map((table) => (resultOf(table) as { fields?: readonly Field[] } | undefined)?.fields);
    if (ofTables.length < names.length || ofTables.includes(undefined)) return false;
    const fields = ofTables.flatMap((known) => known ?? []);
    const expressions = [
      ...tables.map(({ permissions }) => permissions?.select),
      ...fields.flatMap(({ computed, permissions }) => [computed, permissions?.select]),
    ];
    return expressions.every(isHarmless);
  }
}

function tablesIn(answer: EncodedValue | undefined): readonly Table[] | undefined {
  return (resultOf(answer) as { tables?: readonly Table[] } | undefined)?.tables;
}

function namesOf(tables: readonly Table[] | undefined): readonly string[] | undefined {
  return tables?.map(({ name }) => name);
}

function resultOf(answer: EncodedValue | undefined): unknown {
  return answer?.get('status')?.text === 'OK' ? answer.get('result')?.decode() : undefined;
}

/** Nothing, a permission that is given or not, or an expression that only reads. */
function isHarmless(expression: unknown): boolean {
  if (expression === undefined || typeof expression === 'boolean') return true;
  return typeof expression === 'string' && onlyReads(new SurrealText(expression));
}

function escaped(name: string): string {
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``;
}

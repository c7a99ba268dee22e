import { onlyReads } from '../surrealql/only-reads.js';
import { SurrealText } from '../surrealql/surreal-text.js';
import type { EncodedValue } from './encoded-value.js';

/** With more tables than this, reading all their definitions costs more than it saves. */
const mostTables = 100;
/** For how many users and databases the table names are cached. */
const mostPlaces = 1000;

const lookAtDatabase = 'INFO FOR DB STRUCTURE';

/** Runs a query and returns the answer to each statement. */
type Ask = (text: string) => Promise<readonly EncodedValue[]>;

/** The parts of a table definition that can make a read write. */
interface Table {
  readonly name: string;
  readonly permissions?: { readonly select?: unknown };
}

interface Field {
  readonly computed?: unknown;
  readonly permissions?: { readonly select?: unknown };
}

/**
 * Finds out whether a read can write in a database. A `SELECT` evaluates the computed fields of the records it meets
 * and, for a record user, the permissions; these may be any expression. All tables are checked, because a read reaches
 * tables it does not name, by links.
 */
export class SchemaScan {
  /** The table names last seen, by place; undefined where this user has no right to see them. */
  readonly #tables = new Map<string, readonly string[] | undefined>();

  /**
   * The statements that read the definitions of a database, to be executed in the transaction of the reads; undefined
   * when the user has no right to, or there are too many tables.
   * @param place a key for user and database
   * @param ask asks outside of the transaction for the table names, the first time
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

  /** Whether reads certainly do not write, judged by the answers to the statements. */
  readsOnlyRead(place: string, [whole, ...each]: readonly EncodedValue[]): boolean {
    const tables = tablesIn(whole);
    const names = namesOf(tables);
    const before = this.#tables.get(place);
    if (tables === undefined || names === undefined || before === undefined) return false;
    this.#tables.set(place, names);
    // Tables were added or removed since: new ones were not checked.
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

/** Whether this is nothing, a plain permission, or an expression that only reads. */
function isHarmless(expression: unknown): boolean {
  if (expression === undefined || typeof expression === 'boolean') return true;
  return typeof expression === 'string' && onlyReads(new SurrealText(expression));
}

function escaped(name: string): string {
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``;
}

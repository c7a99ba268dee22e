import { RecordId, StringRecordId, Table } from 'surrealdb';
import type { SurrealText } from '../surrealql/surreal-text.js';

/** The text that defines the table unless it is there; its last answer is what {@link whyUnfit} reads. */
export function definitionOf(table: string): string {
  // Without permissions, record users can neither read nor change it.
  const define = `DEFINE TABLE IF NOT EXISTS ${table} SCHEMALESS PERMISSIONS NONE COMMENT "written by surreal-pool"`;
  return `${define}; LET $defined = (INFO FOR DB STRUCTURE); RETURN $defined.tables[WHERE name = "${table}"]`;
}

/** Why a table that was there before cannot be used: it would lose its rows, or record users could change them. */
export function whyUnfit(answer: unknown): string | undefined {
  const definition: unknown = Array.isArray(answer) ? answer[0] : undefined;
  const { drop, view, permissions } = Object(definition) as Record<string, unknown>;
  if (drop === true) return 'it is defined with DROP, and keeps no rows';
  if (view !== undefined) return 'it is defined as a view of other tables';
  // Without any answer about them nothing is known, and so nothing is promised.
  const allowed = Object.entries(Object(permissions) as object).filter(([, given]) => given !== false);
  if (permissions === undefined || allowed.length > 0) return 'record users have permissions on it';
  return undefined;
}

/**
 * Whether a call may touch a table: its text names it, in whatever way, or a parameter does. A guard, as a text can put
 * a name together that it does not show.
 */
export function namesTable(table: string, text: SurrealText, bindings: Readonly<Record<string, unknown>>): boolean {
  const lower = table.toLowerCase();
  if (text.text.toLowerCase().includes(lower)) return true;
  for (const name in bindings) if (valueNames(lower, bindings[name])) return true;
  return false;
}

function valueNames(table: string, value: unknown): boolean {
  if (typeof value === 'string') return isOf(table, value);
  if (typeof value !== 'object' || value === null) return false;
  if (value instanceof Table) return isOf(table, value.name);
  if (value instanceof RecordId) return isOf(table, value.table.name);
  if (value instanceof StringRecordId) return isOf(table, value.toString());
  if (Array.isArray(value)) return value.some((inner) => valueNames(table, inner));
  return isPlain(value) && Object.values(value).some((inner) => valueNames(table, inner));
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether a text is the name of the table, or a record in it. */
function isOf(table: string, text: string): boolean {
  return text.length >= table.length && nameIn(text) === table;
}

function nameIn(text: string): string {
  return text.slice(0, 200).toLowerCase().split(':', 1).join('').replace(/[`⟨⟩]/g, '').trim();
}

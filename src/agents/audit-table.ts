import { RecordId, StringRecordId, Table } from 'surrealdb';
import type { SurrealText } from '../surrealql/surreal-text.js';

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
  return Array.isArray(value) && value.some((inner) => valueNames(table, inner));
}

/** Whether a text is the name of the table, or a record in it. */
function isOf(table: string, text: string): boolean {
  return text.length >= table.length && nameIn(text) === table;
}

function nameIn(text: string): string {
  return text.slice(0, 200).toLowerCase().split(':', 1).join('').replace(/[`⟨⟩]/g, '').trim();
}

import type { BoundQuery } from 'surrealdb';
import { UsageError } from '../errors.js';

/** What to do instead of a statement that does nothing lasting when it is sent as text. */
const remedies: Readonly<Record<string, string>> = {
  BEGIN: 'it opens no transaction: send BEGIN, the statements and COMMIT in one query',
  LET: 'the variable is gone with the query: call set(name, value) on the connection, or send it with what uses it',
  USE: 'the session does not move: call use({ namespace, database }) on the connection',
};

/** A cheap look that lets nearly every query pass. */
const suspicious = /\b(?:BEGIN|LET|USE)\b/i;

/** What may last though its result is forgotten: a statement that writes, and a call, which may do anything. */
const lasting = /\b(?:CREATE|UPDATE|UPSERT|INSERT|DELETE|RELATE|DEFINE|ALTER|REMOVE|REBUILD)\b|[\w"]\s*\(/i;

/**
 * Refuses a query that consists of nothing but `BEGIN`, `LET` or `USE`. SurrealDB 3 accepts each of them alone, answers
 * with success, and has forgotten it when the next query comes: a program that relies on it is wrong in silence. One
 * that may do something lasting on its way passes.
 */
export function refuseLoneStatement(query: BoundQuery): void {
  const text = query.query;
  if (!suspicious.test(text)) return;
  const all = statements(text);
  const keywords = all.map((statement) => /^[a-z]+/i.exec(statement)?.[0].toUpperCase() ?? '');
  const last = keywords.at(-1);
  if (last === undefined || keywords.some((keyword) => remedies[keyword] === undefined)) return;
  if (all.some((statement) => lasting.test(statement))) return;
  throw new UsageError(`a lone ${last} does nothing on SurrealDB 3: ${remedies[last]}`);
}

/** Quoted text, comments, brackets and the end of a statement, in the spellings SurrealQL has. */
const token =
  /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|⟨[^⟩]*⟩|(\/\*[\s\S]*?\*\/|(?:--|#|\/\/)[^\n]*)|([{([])|([})\]])|(;)/g;

/** The statements of a text, without comments and without what stands in quotes; empty ones are left out. */
export function statements(text: string): string[] {
  const found: string[] = [];
  let current = '';
  let depth = 0;
  let from = 0;
  for (const match of text.matchAll(token)) {
    const [all, comment, opening, closing, end] = match;
    current += text.slice(from, match.index);
    from = match.index + all.length;
    if (opening !== undefined) depth++;
    if (closing !== undefined) depth--;
    if (end !== undefined && depth <= 0) {
      found.push(current.trim());
      current = '';
    } else {
      current += comment !== undefined ? ' ' : (opening ?? closing ?? end ?? '""');
    }
  }
  found.push((current + text.slice(from)).trim());
  return found.filter((statement) => statement !== '');
}

import { splitStatements } from '../surrealql/statements.js';
import type { Token } from '../surrealql/token.js';
import { tokenize } from '../surrealql/tokens.js';
import { operationName, otherOperation } from '../telemetry/operation-name.js';

/** What is looked at of a text: it may have millions of characters. */
const longestRead = 2_000;
/** As OpenTelemetry's conventions bound `db.query.summary`, in characters. */
const longestSummary = 255;

/** What a text does. */
export interface QuerySummary {
  /** What its first statement does, as `db.operation.name`; undefined when it is a mere value, or cannot be told. */
  readonly operation: string | undefined;
  /** What its statements do and to which tables, as `db.query.summary`: `SELECT person`. Undefined where that is not sure. */
  readonly summary: string | undefined;
}

/** Reads what a text does. It holds no value: of a record id only the table is named. */
export function summarise(text: string): QuerySummary {
  const { statements, certain } = splitStatements(tokenize(text.slice(0, longestRead)));
  const operation = operationOf(statements[0]?.tokens ?? []);
  if (!certain || text.length > longestRead) return { operation, summary: undefined };
  let summary = '';
  for (const { tokens } of statements) {
    const words = wordsOf(tokens);
    if (words === undefined) continue;
    const longer = summary === '' ? words : `${summary} ${words}`;
    if (longer.length > longestSummary) break;
    summary = longer;
  }
  return { operation, summary: summary === '' ? undefined : summary };
}

function wordsOf(tokens: readonly Token[]): string | undefined {
  const operation = operationOf(tokens);
  if (operation === undefined) return undefined;
  const target = targetOf(operation, tokens);
  return target === undefined ? operation : `${operation} ${target}`;
}

function operationOf([first, second]: readonly Token[]): string | undefined {
  if (first?.kind !== 'word') return undefined;
  // `SELECT *`, `DELETE $id` or `RETURN (1)`, but not `select.x`.
  if (second?.kind === 'mark' && !'([{*<|-!'.includes(second.text)) return undefined;
  const operation = operationName(first.text);
  return operation === otherOperation ? undefined : operation;
}

/** The one table that a statement is about, if it names it. */
function targetOf(operation: string, tokens: readonly Token[]): string | undefined {
  switch (operation) {
    case 'SELECT': {
      const from = outermost(tokens).filter((at) => isWord(tokens[at], 'FROM'));
      const [only] = from;
      return only === undefined || from.length > 1 ? undefined : tableAt(tokens, behind(tokens, only + 1, 'ONLY'));
    }
    case 'CREATE':
    case 'UPDATE':
    case 'UPSERT':
      return tableAt(tokens, behind(tokens, 1, 'ONLY'));
    case 'DELETE':
      return tableAt(tokens, behind(tokens, 1, 'FROM', 'ONLY'));
    case 'INSERT': {
      const into = behind(tokens, 1, 'RELATION', 'IGNORE');
      // What follows the table in brackets are fields or rows.
      const isFunction = tokens[into + 2]?.text === '::';
      return isWord(tokens[into], 'INTO') && !isFunction ? nameOf(tokens[into + 1]) : undefined;
    }
    default:
      return undefined;
  }
}

/** The index behind these words, of which each may be there or not. */
function behind(tokens: readonly Token[], from: number, ...words: readonly string[]): number {
  let at = from;
  for (const word of words) if (isWord(tokens[at], word)) at++;
  return at;
}

function isWord(token: Token | undefined, keyword: string): boolean {
  return token?.kind === 'word' && token.value === keyword;
}

/** The indexes of the tokens that are in no brackets. */
function outermost(tokens: readonly Token[]): number[] {
  const found: number[] = [];
  let depth = 0;
  for (const [at, { kind, text }] of tokens.entries()) {
    if (kind === 'mark' && ')]}'.includes(text)) depth--;
    if (depth === 0) found.push(at);
    if (kind === 'mark' && '([{'.includes(text)) depth++;
  }
  return found;
}

/** Marks behind what is not a table, or not the only one. */
const notAlone: ReadonlySet<string> = new Set(['::', '(', '.', ',', '[', '->', '<-', '<->', '..']);

function tableAt(tokens: readonly Token[], at: number): string | undefined {
  const name = nameOf(tokens[at]);
  let last = at;
  if (tokens[at + 1]?.text === ':') {
    // A record id may be the beginning of a path to other tables. Its key is in brackets, or has no space in it.
    last = tokens[at + 2]?.partner ?? at + 2;
    while (tokens[last + 1]?.start === tokens[last]?.end && !isNotAlone(tokens[last + 1])) last++;
  }
  return isNotAlone(tokens[last + 1]) ? undefined : name;
}

function nameOf(token: Token | undefined): string | undefined {
  if (token?.kind === 'word') return token.text;
  return token?.kind === 'name' ? token.value : undefined;
}

function isNotAlone(token: Token | undefined): boolean {
  return token?.kind === 'mark' && notAlone.has(token.text);
}

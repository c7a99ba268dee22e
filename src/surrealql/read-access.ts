import { onlyReads } from './only-reads.js';
import { shownStatement } from './shown-statement.js';
import { SurrealText } from './surreal-text.js';
import type { Token } from './token.js';

/** Keywords of statements that read, or that only lead to others. */
const reading = new Set(
  'SELECT RETURN INFO SHOW LET IF FOR THROW BREAK CONTINUE SLEEP EXPLAIN ELSE END TRUE FALSE NONE NULL'.split(' '),
);

/** The first word of an expression may be a name, which one of these follows. */
const behindName = new Set([
  '::',
  '(',
  '.',
  ':',
  '[',
  '->',
  '<-',
  '+',
  '-',
  '*',
  '/',
  '%',
  '=',
  '!',
  '<',
  '>',
  '?',
  '&',
  '||',
  '~',
]);

/** Marks a statement may begin with. */
const opening = new Set(['(', '[', '{', '-', '+', '!', '<', '->', '<-']);

/**
 * The first statement of a text that is not known to only read, as errors show it; undefined when all of them are.
 *
 * It is an allow-list: `SELECT`, `RETURN`, `LET`, `INFO`, `SHOW`, `EXPLAIN` of these, expressions, and blocks, `IF` and
 * `FOR` of them, which call only functions of the server known to change nothing. What it does not know counts as
 * writing. It does not see what the database has defined: see {@link onlyReads}.
 */
export function writingStatement(
  text: SurrealText,
  bindings: Readonly<Record<string, unknown>> = {},
): string | undefined {
  const { statements, certain } = text.split;
  if (onlyReads(text, bindings) && statements.every(({ tokens }) => isKnown(tokens))) return undefined;
  const culprit = statements.find(({ tokens, start, end }) => {
    return !isKnown(tokens) || !onlyReads(new SurrealText(text.text.slice(start, end)), bindings);
  });
  return shownStatement(culprit && certain ? text.text.slice(culprit.start, culprit.end) : text.text);
}

/** Whether it begins with a keyword of a statement that reads, or else is an expression. */
function isKnown([first, second]: readonly Token[]): boolean {
  switch (first?.kind) {
    case 'word':
      if (reading.has(first.value) || second === undefined) return true;
      return second.kind === 'mark' ? behindName.has(second.text) : isOperator(second);
    case 'mark':
      return opening.has(first.text);
    case 'script':
    case 'unknown':
      return false;
    default:
      return true;
  }
}

function isOperator({ kind, value }: Token): boolean {
  return (
    kind === 'word' && /^(?:AND|OR|IS|IN|NOT|(?:NOT|ALL|ANY|NONE)?INSIDE|OUTSIDE|INTERSECTS|CONTAINS\w*)$/.test(value)
  );
}

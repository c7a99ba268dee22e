import type { BoundQuery } from 'surrealdb';
import { UsageError } from '../errors.js';
import { splitStatements } from '../surrealql/statements.js';
import type { Token } from '../surrealql/tokens.js';

/** What to do instead. */
const remedies: Readonly<Record<string, string>> = {
  BEGIN: 'it is open already; for a part that may fail use a savepoint',
  COMMIT: 'call commit() on the transaction',
  CANCEL: 'call rollback() on the transaction',
  USE: 'it would move only this query; choose the database before the transaction begins',
  LIVE: 'a live query of a transaction never delivers: start it outside',
  KILL: 'it takes effect at once, whatever becomes of the transaction: do it outside',
};

/** A cheap look that lets nearly every query pass. */
const suspicious = /\b(?:BEGIN|COMMIT|CANCEL|USE|LIVE|KILL)\b/i;

/**
 * Refuses a text with a statement that means nothing inside a transaction, or something that lasts whatever becomes of
 * it. SurrealDB answers some of them with success.
 * @throws UsageError
 */
export function refuseForbiddenStatements(query: BoundQuery): void {
  if (!suspicious.test(query.query)) return;
  for (const statement of splitStatements(query.query)) {
    const found = statement.findIndex((_, index) => isForbidden(statement, index));
    const keyword = statement[found]?.value;
    if (keyword !== undefined) {
      throw new UsageError(`${keyword} cannot be used inside a transaction: ${remedies[keyword]}`);
    }
  }
}

/** At the beginning of a statement each of them is one; within a block only `LIVE` and `KILL` are, with an operand. */
function isForbidden(statement: readonly Token[], index: number): boolean {
  const token = statement[index];
  if (token?.kind !== 'word' || remedies[token.value] === undefined) return false;
  const next = statement[index + 1];
  if (index === 0) return next?.text !== ':' && next?.text !== '::' && next?.text !== '(';
  const before = statement[index - 1]?.text;
  if (before !== '{' && before !== ';' && before !== '(') return false;
  if (token.value === 'LIVE') return next?.value === 'SELECT';
  return token.value === 'KILL' && (next?.kind === 'string' || next?.kind === 'parameter');
}

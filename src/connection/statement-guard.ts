import type { BoundQuery } from 'surrealdb';
import { UsageError } from '../errors.js';
import { splitStatements } from '../surrealql/statements.js';
import type { Token } from '../surrealql/tokens.js';

/** What to do instead of a statement that does nothing lasting when it is sent as text. */
const remedies: Readonly<Record<string, string>> = {
  BEGIN: 'it opens no transaction: send BEGIN, the statements and COMMIT in one query',
  LET: 'the variable is gone with the query: call set(name, value) on the connection, or send it with what uses it',
  USE: 'the session does not move: call use({ namespace, database }) on the connection',
};

/** A cheap look that lets nearly every query pass. */
const suspicious = /\b(?:BEGIN|LET|USE)\b/i;

const writing = new Set('CREATE UPDATE UPSERT INSERT DELETE RELATE DEFINE ALTER REMOVE REBUILD'.split(' '));

/**
 * Refuses a query that consists of nothing but `BEGIN`, `LET` or `USE`. SurrealDB 3 accepts each of them alone, answers
 * with success, and has forgotten it when the next query comes: a program that relies on it is wrong in silence. One
 * that may do something lasting on its way passes.
 */
export function refuseLoneStatement(query: BoundQuery): void {
  if (!suspicious.test(query.query)) return;
  const statements = splitStatements(query.query);
  const keywords = statements.map(([first]) => (first?.kind === 'word' ? first.value : ''));
  const last = keywords.at(-1);
  if (last === undefined || keywords.some((keyword) => remedies[keyword] === undefined)) return;
  if (statements.some(mayLast)) return;
  throw new UsageError(`a lone ${last} does nothing on SurrealDB 3: ${remedies[last]}`);
}

/** Whether it does something that lasts though its result is forgotten: it writes, or calls what may do anything. */
function mayLast(statement: readonly Token[]): boolean {
  return statement.some((token, index) => {
    if (token.kind === 'word' && writing.has(token.value)) return true;
    const before = statement[index - 1];
    return token.text === '(' && before !== undefined && before.kind !== 'mark';
  });
}

import { statements } from '../connection/statement-guard.js';
import { UsageError } from '../errors.js';

/** What to do instead of a statement that a transaction cannot hold. */
const remedies: Readonly<Record<string, string>> = {
  BEGIN: 'the transaction is open already',
  COMMIT: 'call commit() on the transaction',
  CANCEL: 'call rollback() on the transaction',
  USE: 'it would move the rest of this query to another database: choose the database before the transaction',
  LIVE: 'it would never bring a message: call live() on the connection, outside of the transaction',
  KILL: 'it takes effect at once and is not rolled back: end the live query outside of the transaction',
};

/** A cheap look that lets nearly every query pass. */
const suspicious = /\b(?:BEGIN|COMMIT|CANCEL|USE|LIVE|KILL)\b/i;
const atStart =
  /^(?:(BEGIN|COMMIT|CANCEL)(?:\s+TRANSACTION)?$|(USE)\s+(?:NS|NAMESPACE|DB|DATABASE|DEFAULT)\b|(LIVE)\s+SELECT\b|(KILL)\b)/i;
/** The only one of them that SurrealDB also takes in a block, where the other words are names of fields. */
const inBlock = /[{;]\s*(KILL)\s*(?:\$|[a-z]?")/i;

/**
 * Refuses what has no place in the text of a transaction: SurrealDB answers such statements with an error, or with
 * success and does something else.
 * @throws UsageError
 */
export function refuseForbiddenStatement(text: string): void {
  if (!suspicious.test(text)) return;
  for (const statement of statements(text)) {
    const keyword = (atStart.exec(statement) ?? inBlock.exec(statement))?.slice(1).find((found) => found !== undefined);
    if (keyword === undefined) continue;
    const name = keyword.toUpperCase();
    throw new UsageError(`${name} has no place in a transaction: ${remedies[name]}`);
  }
}

/** The statements of SurrealQL that a database counts apart; a list, so that no text of a caller becomes a name. */
const statements: ReadonlySet<string> = new Set([
  ...[
    'ACCESS',
    'ALTER',
    'BEGIN',
    'CREATE',
    'DEFINE',
    'DELETE',
    'EXPLAIN',
    'FOR',
    'IF',
    'INFO',
    'INSERT',
    'KILL',
    'LET',
  ],
  ...['LIVE', 'REBUILD', 'RELATE', 'REMOVE', 'RETURN', 'SELECT', 'SHOW', 'SLEEP', 'UPDATE', 'UPSERT', 'USE'],
]);

/** What is none of SurrealQL's statements. */
export const otherOperation = 'OTHER';

const firstWord = /^\s*([A-Za-z]+)/;

/**
 * What a text does, as OpenTelemetry's `db.operation.name`: the first word of its first statement in upper case, such as
 * `SELECT`; `OTHER` when that is none of SurrealQL's statements, as in a text that begins with a comment or a parenthesis.
 */
export function operationName(text: string): string {
  const word = firstWord.exec(text)?.[1]?.toUpperCase();
  return word !== undefined && statements.has(word) ? word : otherOperation;
}

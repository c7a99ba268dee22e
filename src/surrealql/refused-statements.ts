import { UsageError } from '../errors/configuration.js';
import { type Statement, splitStatements } from './statements.js';
import type { SurrealText } from './surreal-text.js';
import type { Token } from './token.js';

/** Where a text is to be sent: by a single call of the pool, on a session that a lease holds, or in a transaction. */
export type Place = 'pool' | 'session' | 'transaction';

type Remedies = Readonly<Record<string, string>>;

const aloneOnSession: Remedies = {
  BEGIN: 'it opens no transaction: send BEGIN, the statements and COMMIT in one query',
  LET: 'the variable is gone with the query: call set(name, value) on the connection, or send it with what uses it',
  USE: 'the session does not move: call use({ namespace, database }) on the connection',
};

/** Statements that do nothing lasting when a text has no others, and what to do instead. */
const alone: Readonly<Record<Place, Remedies>> = {
  pool: aloneOnSession,
  session: aloneOnSession,
  transaction: {
    LET: 'the variable is gone with the query: send the LET in one query with what uses it, or call set(name, value) on the connection before the transaction begins',
  },
};

/**
 * What to do instead of statements that have no place there: in a transaction they mean nothing, or do what lasts whatever
 * becomes of it; a single call of the pool has no connection on which a live query could go on.
 */
const forbidden: Readonly<Record<Place, Remedies>> = {
  pool: { LIVE: 'it needs a connection of its own for as long as it runs: acquire() one and call live() on it' },
  session: {},
  transaction: {
    BEGIN: 'it is open already; for a part that may fail use a savepoint',
    COMMIT: 'call commit() on the transaction',
    CANCEL: 'call rollback() on the transaction',
    USE: 'it would move only this query; choose the database before the transaction begins',
    LIVE: 'a live query of a transaction never delivers: start it outside',
    KILL: 'it takes effect at once, whatever becomes of the transaction: do it outside',
  },
};

/** A cheap look that lets nearly every text pass. */
const suspicious: Readonly<Record<Place, RegExp>> = {
  pool: /\b(?:BEGIN|LET|USE|LIVE)\b/i,
  session: /\b(?:BEGIN|LET|USE)\b/i,
  transaction: /\b(?:BEGIN|COMMIT|CANCEL|USE|LIVE|KILL|LET)\b/i,
};

/**
 * Refuses a text before it is sent.
 *
 * - On a session, and by a call of the pool: nothing but `BEGIN`, `LET` or `USE`. SurrealDB 3 accepts each of them alone, answers with success, and
 *   has forgotten it when the next query comes: a program that relies on it is wrong in silence.
 * - By a call of the pool: `LIVE`, also beside others. The text is sent as a whole or not at all, so nothing before it in
 *   the text is done when it is refused.
 * - In a transaction: a statement that would end it, leave it, or outlast it, and nothing but `LET`.
 *
 * Where the server may read a text in several ways, a forbidden statement is refused in any of them, a lone one only if
 * it is alone in all: the first would do harm, the second only does nothing.
 * @throws UsageError
 */
export function refuseStatements(text: SurrealText, place: Place): void {
  if (!suspicious[place].test(text.text)) return;
  const readings = text.readings?.map((tokens) => splitStatements(tokens).statements);
  if (readings === undefined) {
    refuseUnreadable(text, place);
    return;
  }
  for (const statements of readings) refuseForbidden(statements, place);
  const lone = readings.map((statements) => loneKeyword(statements, alone[place]));
  const [keyword] = lone;
  if (keyword !== undefined && !lone.includes(undefined)) {
    throw new UsageError(`a lone ${keyword} does nothing on SurrealDB 3: ${alone[place][keyword]}`);
  }
}

const where: Readonly<Record<Place, string>> = {
  pool: 'from the pool itself',
  session: 'on a connection',
  transaction: 'inside a transaction',
};

function refuseUnreadable({ text }: SurrealText, place: Place): void {
  const keyword = Object.keys(forbidden[place]).find((word) => new RegExp(`\\b${word}\\b`, 'i').test(text));
  if (keyword === undefined) return;
  throw new UsageError(
    `${keyword} cannot be used ${where[place]}, and this text has too many slashes that may divide or begin a regular expression to tell whether it does: put what stands around them into parameters`,
  );
}

function refuseForbidden(statements: readonly Statement[], place: Place): void {
  for (const { tokens } of statements) {
    const keyword = keywordOf(tokens);
    const remedy = forbidden[place][keyword];
    if (remedy !== undefined) throw new UsageError(`${keyword} cannot be used ${where[place]}: ${remedy}`);
  }
}

/** The keyword of the last statement, when all of them do nothing lasting. */
function loneKeyword(statements: readonly Statement[], remedies: Remedies): string | undefined {
  const keywords = statements.map(({ tokens }) => keywordOf(tokens));
  if (keywords.some((keyword) => remedies[keyword] === undefined) || statements.some(mayLast)) return undefined;
  return keywords.at(-1);
}

/**
 * The keyword a statement begins with, or nothing. Only there does the server take these words for keywords: in
 * `{ LIVE SELECT * FROM t }` they are names. What it cannot read, like `use.x` or `begin = 1`, it refuses by itself.
 */
export function keywordOf([first, second]: readonly Token[]): string {
  if (first?.kind !== 'word') return '';
  const needsMore = first.value === 'USE' || first.value === 'LIVE' || first.value === 'KILL' || first.value === 'LET';
  if (second === undefined) return needsMore ? '' : first.value;
  return second.kind === 'mark' ? '' : first.value;
}

const writing = new Set('CREATE UPDATE UPSERT INSERT DELETE RELATE DEFINE ALTER REMOVE REBUILD'.split(' '));

/** Whether it does something that lasts though its result is forgotten: it writes, or calls what may do anything. */
function mayLast({ tokens }: Statement): boolean {
  return tokens.some((token, index) => {
    if (token.kind === 'word' && writing.has(token.value)) return true;
    const before = tokens[index - 1];
    return token.text === '(' && before !== undefined && before.kind !== 'mark';
  });
}

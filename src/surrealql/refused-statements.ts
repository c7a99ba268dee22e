import { UsageError } from '../errors/configuration.js';
import { type Statement, splitStatements } from './statements.js';
import type { SurrealText } from './surreal-text.js';
import type { Token } from './token.js';

/** Where a text is sent: by a single call of the pool, on the session of a lease, or in a transaction. */
export type Place = 'pool' | 'session' | 'transaction';

type Remedies = Readonly<Record<string, string>>;

const aloneOnSession: Remedies = {
  BEGIN: 'it opens no transaction: send BEGIN, the statements and COMMIT in one query',
  LET: 'the variable is gone with the query: call set(name, value) on the connection, or send it with what uses it',
  USE: 'the session does not move: call use({ namespace, database }) on the connection',
};

/** Statements without lasting effect when a text has no others, and what to do instead. */
const alone: Readonly<Record<Place, Remedies>> = {
  pool: aloneOnSession,
  session: aloneOnSession,
  transaction: {
    LET: 'the variable is gone with the query: send the LET in one query with what uses it, or call set(name, value) on the connection before the transaction begins',
  },
};

/**
 * Statements that are refused, and what to do instead. In a transaction they have no effect, or one that outlasts a
 * rollback; a single call of the pool keeps no connection for a live query.
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

/** A cheap first test that lets nearly every text pass. */
const suspicious: Readonly<Record<Place, RegExp>> = {
  pool: /\b(?:BEGIN|LET|USE|LIVE)\b/i,
  session: /\b(?:BEGIN|LET|USE)\b/i,
  transaction: /\b(?:BEGIN|COMMIT|CANCEL|USE|LIVE|KILL|LET)\b/i,
};

/**
 * Refuses a text before it is sent.
 *
 * - On a session, and by a call of the pool: a text of only `BEGIN`, `LET` or `USE`. SurrealDB 3 accepts each of them
 *   alone, answers with success, and drops the effect before the next query: a program that relies on it is silently
 *   wrong.
 * - By a call of the pool: `LIVE`, also with other statements. The text is sent as a whole or not at all, so nothing
 *   before it is executed.
 * - In a transaction: a statement that would end it, leave it, or outlast it, and a text of only `LET`.
 *
 * If the server may read a text in several ways, a forbidden statement is refused if any reading has one, since it
 * would do harm. A lone one is refused only if it is alone in all readings, since it merely has no effect.
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

/** The keyword of the last statement, if none has a lasting effect. */
function loneKeyword(statements: readonly Statement[], remedies: Remedies): string | undefined {
  const keywords = statements.map(({ tokens }) => keywordOf(tokens));
  if (keywords.some((keyword) => remedies[keyword] === undefined) || statements.some(mayLast)) return undefined;
  return keywords.at(-1);
}

/**
 * The keyword a statement begins with, or an empty text. The server reads these words as keywords only there: in `{
 * LIVE SELECT * FROM t }` they are names. It refuses by itself what it cannot read, such as `use.x` or `begin = 1`.
 */
export function keywordOf([first, second]: readonly Token[]): string {
  if (first?.kind !== 'word') return '';
  const needsMore = first.value === 'USE' || first.value === 'LIVE' || first.value === 'KILL' || first.value === 'LET';
  if (second === undefined) return needsMore ? '' : first.value;
  return second.kind === 'mark' ? '' : first.value;
}

const writing = new Set('CREATE UPDATE UPSERT INSERT DELETE RELATE DEFINE ALTER REMOVE REBUILD'.split(' '));

/** Whether it has a lasting effect beyond its result: it writes, or calls something unknown. */
function mayLast({ tokens }: Statement): boolean {
  return tokens.some((token, index) => {
    if (token.kind === 'word' && writing.has(token.value)) return true;
    const before = tokens[index - 1];
    return token.text === '(' && before !== undefined && before.kind !== 'mark';
  });
}

import { UsageError } from '../errors.js';
import { type Statement, splitStatements } from './statements.js';
import type { SurrealText } from './surreal-text.js';
import type { Token } from './tokens.js';

/** Where a text is to be sent. */
export type Place = 'session' | 'transaction';

type Remedies = Readonly<Record<string, string>>;

/** Statements that do nothing lasting when a text has no others, and what to do instead. */
const alone: Readonly<Record<Place, Remedies>> = {
  session: {
    BEGIN: 'it opens no transaction: send BEGIN, the statements and COMMIT in one query',
    LET: 'the variable is gone with the query: call set(name, value) on the connection, or send it with what uses it',
    USE: 'the session does not move: call use({ namespace, database }) on the connection',
  },
  transaction: {
    LET: 'the variable is gone with the query: send the LET in one query with what uses it, or call set(name, value) on the connection before the transaction begins',
  },
};

/** Statements that mean nothing in a transaction, or do what lasts whatever becomes of it, and what to do instead. */
const forbidden: Readonly<Record<Place, Remedies>> = {
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
  session: /\b(?:BEGIN|LET|USE)\b/i,
  transaction: /\b(?:BEGIN|COMMIT|CANCEL|USE|LIVE|KILL|LET)\b/i,
};

/**
 * Refuses a text before it is sent.
 *
 * - On a session: nothing but `BEGIN`, `LET` or `USE`. SurrealDB 3 accepts each of them alone, answers with success, and
 *   has forgotten it when the next query comes: a program that relies on it is wrong in silence.
 * - In a transaction: a statement that would end it, leave it, or outlast it, and nothing but `LET`.
 *
 * Where the server may read a text in several ways, what is refused in one of them is refused.
 * @throws UsageError
 */
export function refuseStatements(text: SurrealText, place: Place): void {
  if (!suspicious[place].test(text.text)) return;
  const readings = text.readings;
  if (readings === undefined) {
    throw new UsageError(
      'this text may hold a statement that is refused here, and it has too many slashes that may begin a regular expression to tell: put each value with a slash into a parameter',
    );
  }
  for (const tokens of readings) {
    const { statements } = splitStatements(tokens);
    refuseForbidden(statements, forbidden[place]);
    refuseAlone(statements, alone[place]);
  }
}

function refuseForbidden(statements: readonly Statement[], remedies: Remedies): void {
  for (const { tokens } of statements) {
    const keyword = keywordOf(tokens);
    const remedy = remedies[keyword];
    if (remedy !== undefined) throw new UsageError(`${keyword} cannot be used inside a transaction: ${remedy}`);
  }
}

function refuseAlone(statements: readonly Statement[], remedies: Remedies): void {
  const keywords = statements.map(({ tokens }) => keywordOf(tokens));
  const last = keywords.at(-1);
  if (last === undefined || keywords.some((keyword) => remedies[keyword] === undefined)) return;
  if (statements.some(mayLast)) return;
  throw new UsageError(`a lone ${last} does nothing on SurrealDB 3: ${remedies[last]}`);
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

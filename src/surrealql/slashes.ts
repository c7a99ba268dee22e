import type { Token } from './token.js';

/** How the server reads a slash: as a division, as the start of a regular expression, or not certain. */
export type Slash = 'division' | 'regex' | 'doubtful';

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));

/**
 * Keywords after which the parsers of SurrealDB 3.0 to 3.3 read a value, in some statement. All of them are names too:
 * `SET when = limit / 2`. A keyword too many makes a slash doubtful; one too few would hide text from the checks.
 */
const beforeValue = words(
  'ACCESS AFTER ALL ALLINSIDE ALTER ALWAYS ANALYZE ANALYZER AND ANY ANYINSIDE API AS ASSERT ASYNC AT AUDIENCE ' +
    'AUTHENTICATE BACKEND BATCH BEFORE BUCKET BY CHANGEFEED COLUMNS COMMENT COMPUTED CONCURRENTLY CONFIG CONTAINS ' +
    'CONTAINSALL CONTAINSANY CONTAINSNONE CONTAINSNOT CONTENT CONTEXT CREATE DATABASE DB DEFAULT DEFINE DELETE ' +
    'DIFF DIMENSION DROP DUPLICATE DURATION ELSE EVENT EXISTS EXPLAIN EXPUNGE FETCH FIELD FIELDS FILTERS FLEXIBLE ' +
    'FOR FORMAT FROM FULL FUNCTION FUNCTIONS GRANT GRAPHQL GRAPHQL_ALIAS GRAPHQL_DEPRECATED GROUP IF IGNORE IN ' +
    'INCLUDE INDEX INFO INLINE INSERT INSIDE INTERSECTS INTO IS ISSUER JSON KEY KILL LET LIMIT LIVE MATCHES ' +
    'MAXDEPTH MERGE MIDDLEWARE ML MODEL MODULE NAMESPACE NONEINSIDE NOT NOTINSIDE NS OMIT ON ONLY OPTION OR ORDER ' +
    'OUTSIDE OVERWRITE PARALLEL PARAM PASSHASH PASSWORD PATCH PERMISSIONS REBUILD REFERENCE REFRESH RELATE ' +
    'RELATION REMOVE REPLACE RETRY RETURN REVOKE ROOT SELECT SEQUENCE SESSION SET SHOW SIGNIN SIGNUP SINCE SLEEP ' +
    'SPLIT START STRUCTURE SYSTEM TABLE TB TEXT THEN THROW TIMEOUT TOKEN TOKENIZERS UNSET UPDATE UPSERT URL USE ' +
    'USER VALUE VALUES VERSION WHEN WHERE WITH',
);

/** Keywords that begin a statement or condition where a value may begin, and so are no names there. */
const beforeStatement = words(
  'ACCESS ALTER BEGIN CREATE DEFINE DELETE EXPLAIN FOR FUNCTION IF INFO INSERT KILL LET LIVE NOT OPTION REBUILD RELATE ' +
    'REMOVE RETURN SELECT SHOW SLEEP THROW UPDATE UPSERT USE WHERE',
);

/** Keywords that are operators after a value, anywhere. */
const operators = words(
  'AND OR IS IN INSIDE NOTINSIDE ALLINSIDE ANYINSIDE NONEINSIDE OUTSIDE INTERSECTS CONTAINS CONTAINSALL CONTAINSANY ' +
    'CONTAINSNONE CONTAINSNOT',
);

/** Marks that are followed by a value, anywhere. */
const opening = new Set('+-%=;:<!([{&×÷∋∌∈∉⊇⊃⊅⊆⊂⊄');
const closing = new Set(')]}');

/**
 * Tells how the server reads a slash after these tokens. The server decides by its grammar: where a value may begin, a
 * slash begins a regular expression, in which quotes, semicolons and comments have no meaning. This function decides by
 * the tokens before the slash.
 */
export function slashBehind(tokens: readonly Token[]): Slash {
  const last = tokens.length - 1;
  const token = tokens[last];
  if (token === undefined) return 'regex';
  if (token.kind === 'mark') return behindMark(tokens, last);
  if (token.kind === 'unknown') return 'doubtful';
  // `INSERT INTO t /x/`: the rows are a value directly after the table.
  if (isWord(tokens[last - 1], 'INTO')) return 'doubtful';
  return token.kind === 'word' ? behindWord(tokens, last) : 'division';
}

/** The likely reading of a doubtful slash, when only one reading is needed. */
export function likelySlash(token: Token | undefined): Exclude<Slash, 'doubtful'> {
  if (token?.kind === 'word') return beforeValue.has(token.value) ? 'regex' : 'division';
  return token?.text === '?' || token?.text === '|' || token?.text === '@' ? 'regex' : 'division';
}

function behindMark(tokens: readonly Token[], at: number): Slash {
  const mark = tokens[at]?.text ?? '';
  if (closing.has(mark)) return 'division';
  // `DEFINE USER … DURATION FOR TOKEN 1h, / 2`: the one list that may end with a comma without brackets.
  if (mark === ',') return tokens.some((token) => isWord(token, 'DURATION')) ? 'doubtful' : 'regex';
  if (opening.has(mark) || mark === '||' || mark === '/') return 'regex';
  // `a.* / 2`, `UPDATE t RETURN * / 2`: all fields; after a value a star multiplies.
  if (mark === '*') return endsValue(tokens, at - 1) ? 'regex' : 'doubtful';
  // `DEFINE FIELD a ON t TYPE array<int> / 2`: a statement is a value too, whatever its last token is.
  if (mark === '>') return tokens.some(({ text, kind }) => kind === 'mark' && text === '<') ? 'doubtful' : 'regex';
  // `a.? / 2` and `a ?? /x/`, `a… / 2` and `a../x/`, `|t:3| / 2` and `|$a| /x/`, `a.@ / 2` and `a @@ /x/`.
  return 'doubtful';
}

function behindWord(tokens: readonly Token[], at: number): Slash {
  const keyword = tokens[at]?.value ?? '';
  if (!beforeValue.has(keyword) || isMember(tokens, at)) return 'division';
  const before = tokens[at - 1];
  const beginsValue = before === undefined || (before.kind === 'mark' && behindMark(tokens, at - 1) === 'regex');
  if (beginsValue) return beforeStatement.has(keyword) ? 'doubtful' : 'division';
  // Not the start of a clause: the first two statements of a block may follow each other directly, as in `{ 1 when / 2
  // }`.
  return operators.has(keyword) && endsValue(tokens, at - 1) ? 'regex' : 'doubtful';
}

function endsValue(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at];
  if (token === undefined || token.kind === 'unknown' || isWord(tokens[at - 1], 'INTO')) return false;
  if (token.kind === 'mark') return closing.has(token.text);
  return token.kind !== 'word' || !beforeValue.has(token.value) || isMember(tokens, at);
}

/** A field after a dot, the table after an arrow, the end of a path. */
function isMember(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]?.text;
  if (before === '.') return tokens[at - 2]?.text !== '.';
  return before === '->' || before === '<-' || before === '::';
}

function isWord(token: Token | undefined, keyword: string): boolean {
  return token?.kind === 'word' && token.value === keyword;
}

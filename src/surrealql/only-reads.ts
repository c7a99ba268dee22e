import { BoundValues } from './bound-values.js';
import { constantFamilies, pureFunctions, pureMethods } from './pure-functions.js';
import { isPlain } from './replayability.js';
import type { SurrealText } from './surreal-text.js';
import type { Token } from './token.js';
import { statementWords, TokenContext } from './token-context.js';
import { tokenize } from './tokens.js';

/** Keywords of statements that write, define, or act on more than the data. */
const acting = new Set(
  'CREATE UPSERT UPDATE DELETE INSERT RELATE DEFINE REMOVE ALTER REBUILD ACCESS USE LIVE KILL BEGIN COMMIT CANCEL OPTION FUNCTION'.split(
    ' ',
  ),
);

/** Behind one of these, a statement may begin. */
const beginning = new Set(['RETURN', 'THEN', 'ELSE']);

/** Families of functions that only compute or look, though some of them give something else each time. */
const harmlessFamilies = new Set(
  'bytes crypto duration encoding geo math meta parse rand record search session string time vector'.split(' '),
);

/** Keywords that a statement may begin with which only reads. */
const readingWords = new Set(
  'SELECT RETURN LET IF FOR THROW BREAK CONTINUE INFO SHOW SLEEP EXPLAIN VALUE ONLY NOT DISTINCT TRUE FALSE NONE NULL'.split(
    ' ',
  ),
);

/** Words that may stand behind a name: they make an expression of it, and not a statement that begins with it. */
const joiningWords = new Set(
  'IN AND OR IS NOT WHERE AS CONTAINS CONTAINSNOT CONTAINSALL CONTAINSANY CONTAINSNONE INSIDE NOTINSIDE ALLINSIDE ANYINSIDE NONEINSIDE OUTSIDE INTERSECTS THEN ELSE END'.split(
    ' ',
  ),
);

/**
 * Whether a text only reads, for certain: no keyword of a writing statement stands in it as a word, wherever, no statement
 * in it is unknown, and all that it calls is known not to write.
 *
 * What a text cannot show are the COMPUTED fields and permissions of the tables it reads. They cannot write either:
 * SurrealDB before 3.1 reads in transactions that refuse it, later ones refuse such a field. But they may call what is not
 * undone by a transaction, such as `http::` or `sequence::nextval`.
 */
export function onlyReads(text: SurrealText, bindings: Readonly<Record<string, unknown>> = {}): boolean {
  return judgeReading(text, bindings).onlyReads;
}

/** The same, with whether it was seen from the text alone, and so holds for it with any parameters. */
export function judgeReading(
  text: SurrealText,
  bindings: Readonly<Record<string, unknown>>,
): { readonly onlyReads: boolean; readonly byTextAlone: boolean } {
  const bound = new BoundValues(text.tokens, bindings);
  return { onlyReads: allRead(text.tokens, bound), byTextAlone: !bound.used };
}

function allRead(tokens: readonly Token[], bound: BoundValues): boolean {
  const context = new TokenContext(tokens);
  return tokens.every((token, at) => reads(token, at, context, bound));
}

function reads(token: Token, at: number, context: TokenContext, bound: BoundValues): boolean {
  if (token.doubtful) return false;
  switch (token.kind) {
    case 'unknown':
    case 'script':
      return false;
    case 'word':
      return !acting.has(token.value) && !isUnknownStatement(token, at, context) && readsPath(at, context, bound);
    case 'name':
      return readsPath(at, context, bound);
    case 'string':
      return readsString(token, bound);
    case 'mark':
      return token.text !== '(' || !callsValue(at, context);
    default:
      return true;
  }
}

/** `TRUNCATE thing`: a word this list does not know, in the place of a statement, with what it acts on behind it. */
function isUnknownStatement(token: Token, at: number, context: TokenContext): boolean {
  const before = context.at(at - 1);
  const begins =
    before === undefined || (before.kind === 'mark' ? ';{([=,'.includes(before.text) : beginning.has(before.value));
  if (!begins || readingWords.has(token.value)) return false;
  const next = context.at(at + 1);
  if (next === undefined || next.kind === 'mark') return false;
  return next.kind !== 'word' || !joiningWords.has(next.value);
}

/** `$f(1)`, `(|$x| …)(1)`: what is called has no name. */
function callsValue(open: number, context: TokenContext): boolean {
  const before = context.at(open - 1);
  return before?.kind !== 'word' && before?.kind !== 'name' && context.endsValue(open - 1);
}

/** A name, or several with `::` between, that may be called; looked at from its first part. */
function readsPath(at: number, context: TokenContext, bound: BoundValues): boolean {
  if (context.is(at - 1, '::')) return true;
  const parts: string[] = [];
  let end = at;
  for (let part = context.at(at); part?.kind === 'word' || part?.kind === 'name'; part = context.at(end)) {
    parts.push((part.kind === 'name' ? part.value : part.text).toLowerCase());
    end++;
    if (!context.is(end, '::')) break;
    end++;
  }
  const name = parts.join('::');
  const family = parts[0] ?? '';
  if (!context.is(end, '(')) return parts.length === 1 || constantFamilies.has(family);
  if (context.is(at - 1, '.')) return pureMethods.has(name);
  // `WHERE (a)`, `IF (a)`: nothing is called.
  const token = context.at(at);
  if (parts.length === 1 && token?.kind === 'word' && !context.isMember(at)) {
    if (statementWords.has(token.value) || !context.endsValue(at)) return true;
  }
  if (name === 'type::field' || name === 'type::fields') {
    const argument = context.at(end + 1);
    return argument?.kind === 'parameter' && context.is(end + 2, ')') && isPlain(bound.of(argument));
  }
  return name === 'rand' || pureFunctions.has(name) || (parts.length > 1 && harmlessFamilies.has(family));
}

function readsString({ text }: Token, bound: BoundValues): boolean {
  if (text.startsWith('f')) return false;
  if (!text.startsWith('r')) return true;
  // A record id in quotes is a text of its own, with whatever an expression may hold.
  return !text.includes('\\') && allRead(tokenize(text.slice(2, -1)), bound);
}

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

/** After one of these, a statement may begin. */
const beginning = new Set(['RETURN', 'THEN', 'ELSE']);

/** Families of functions that only compute or read, though some return something else each time. */
const harmlessFamilies = new Set(
  'bytes crypto duration encoding geo math meta parse rand record search session string time vector'.split(' '),
);

/** Keywords that may begin a statement that only reads. */
const readingWords = new Set(
  'SELECT RETURN LET IF FOR THROW BREAK CONTINUE INFO SHOW SLEEP EXPLAIN VALUE ONLY NOT DISTINCT TRUE FALSE NONE NULL'.split(
    ' ',
  ),
);

/** Words that may follow a name in an expression, so that the name does not begin a statement. */
const joiningWords = new Set(
  'IN AND OR IS NOT WHERE AS CONTAINS CONTAINSNOT CONTAINSALL CONTAINSANY CONTAINSNONE INSIDE NOTINSIDE ALLINSIDE ANYINSIDE NONEINSIDE OUTSIDE INTERSECTS THEN ELSE END'.split(
    ' ',
  ),
);

/**
 * Whether a text certainly only reads: it contains no keyword of a writing statement as a word, no unknown statement,
 * and calls only functions known not to write.
 *
 * A text does not show the COMPUTED fields and permissions of the tables it reads. These cannot write either: SurrealDB
 * before 3.1 reads in transactions that refuse writes, and later versions refuse such a field. But they may call
 * functions that a transaction does not undo, such as `http::` or `sequence::nextval`.
 */
export function onlyReads(text: SurrealText, bindings: Readonly<Record<string, unknown>> = {}): boolean {
  return judgeReading(text, bindings).onlyReads;
}

/** The same, and whether the text alone decided it, so that it holds with any parameters. */
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

/** `TRUNCATE thing`: an unknown word in the place of a statement, followed by its object. */
function isUnknownStatement(token: Token, at: number, context: TokenContext): boolean {
  const before = context.at(at - 1);
  const begins =
    before === undefined || (before.kind === 'mark' ? ';{([=,'.includes(before.text) : beginning.has(before.value));
  if (!begins || readingWords.has(token.value)) return false;
  const next = context.at(at + 1);
  if (next === undefined || next.kind === 'mark') return false;
  return next.kind !== 'word' || !joiningWords.has(next.value);
}

/** `$f(1)`, `(|$x| …)(1)`: a call of a value, not of a named function. */
function callsValue(open: number, context: TokenContext): boolean {
  const before = context.at(open - 1);
  return before?.kind !== 'word' && before?.kind !== 'name' && context.endsValue(open - 1);
}

/** Whether a path of names joined by `::`, which may be called, only reads; checked at its first part. */
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
  if (name === 'type::field' || name === 'type::fields') return namesFields(end, context, bound);
  return (
    name === 'rand' ||
    name === 'type::table' ||
    pureFunctions.has(name) ||
    (parts.length > 1 && harmlessFamilies.has(family))
  );
}

/** Whether the arguments in these brackets are names of fields, without any call in them. */
function namesFields(open: number, context: TokenContext, bound: BoundValues): boolean {
  const argument = context.at(open + 1);
  if (argument?.kind === 'parameter') return context.is(open + 2, ')') && isPlain(bound.of(argument));
  const close = context.at(open)?.partner ?? -1;
  if (close < open) return false;
  return context.tokens.slice(open + 1, close).every(({ kind, text }) => {
    return kind === 'string' ? /^["'][\w.*]*["']$/.test(text) : kind === 'mark' && '[],'.includes(text);
  });
}

function readsString({ text }: Token, bound: BoundValues): boolean {
  if (text.startsWith('f')) return false;
  if (!text.startsWith('r')) return true;
  // A quoted record id is a text of its own, which may hold any expression.
  return !text.includes('\\') && allRead(tokenize(text.slice(2, -1)), bound);
}

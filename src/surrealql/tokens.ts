/**
 * The tokens of SurrealQL, as far as one has to know them to see what a text does: where a string, a comment or an
 * escaped name ends, and what stands next to what. No more: it finds no syntax errors.
 */

/**
 * - `word`: a bare name or keyword; `name` the same in backticks or ⟨⟩, whose `value` is without them
 * - `string`: with its prefix, as in `r"a:1"`; `number`: also durations and keys as in `1h30m`, `12ab`
 * - `parameter`: its `value` is the name without `$`
 * - `regex`; `mark`: punctuation
 * - `unknown`: a character no token begins with, or one that is not closed before the end of the text
 */
export type TokenKind = 'word' | 'name' | 'string' | 'number' | 'parameter' | 'regex' | 'mark' | 'unknown';

export interface Token {
  readonly kind: TokenKind;
  /** As it is written. */
  readonly text: string;
  /** What it says: a word in capitals, a name or a parameter without its marks, else as written. */
  readonly value: string;
  /** Where it begins and ends in the text. */
  readonly start: number;
  readonly end: number;
}

// SurrealDB takes five characters as the end of a line, in a comment too: whoever knows only "\n" sees a comment where
// the server sees a statement.
const lineEnd = '\\n\\r\\u0085\\u2028\\u2029';

// Of what is quoted only the beginning: a long string would be too much for a regular expression.
const lexer = new RegExp(
  [
    `(?<space>[\\s\\u0085]+|(?:--|#|//)[^${lineEnd}]*|/\\*.*?\\*/)`,
    `(?<string>[bdfrsu]?["'])`,
    '(?<word>[A-Za-z_][A-Za-z0-9_]*)',
    '(?<name>[`⟨])',
    '(?<number>[0-9][A-Za-z0-9_µμ]*(?:\\.[0-9][A-Za-z0-9_]*)?)',
    '(?<parameter>\\$(?:[A-Za-z0-9_]+|[`⟨]))',
    '(?<mark>::|->|<-|\\|\\||/(?!\\*)|[-+*%=!<>?:;,.|&~@(){}[\\]])',
  ].join('|'),
  'yus',
);

/** Words after which a value comes, so that a slash begins a regular expression there and is no division. */
const beforeValue = new Set(
  'AND AS ASSERT BY CONTAINS CONTAINSALL CONTAINSANY CONTAINSNONE CONTAINSNOT CONTENT DEFAULT ELSE FROM IF IN INSIDE IS LET LIMIT NOT ON ONLY OR RETURN SELECT SET THEN THROW VALUE WHERE'.split(
    ' ',
  ),
);

/** Reads a text. Comments and white space are left out; whatever the text, all of it is read and nothing is thrown. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    lexer.lastIndex = at;
    const groups = lexer.exec(text)?.groups;
    const start = at;
    if (groups === undefined) {
      // An open comment reaches to the end; of another character nothing is known but that it is one.
      at = text.startsWith('/*', start)
        ? text.length
        : start + String.fromCodePoint(text.codePointAt(start) ?? 0).length;
      tokens.push({ kind: 'unknown', text: text.slice(start, at), value: '', start, end: at });
      continue;
    }
    at = lexer.lastIndex;
    if (groups.space !== undefined) continue;
    let kind = kindOf(groups);
    const opening = text[at - 1] ?? '';
    const closing = kind === 'mark' ? regexMark(opening, tokens.at(-1)) : closingMarks[opening];
    if (closing !== undefined) {
      at = endOfQuoted(text, at, closing);
      if (kind === 'mark') kind = 'regex';
      if (at === -1) {
        kind = 'unknown';
        at = text.length;
      }
    }
    const written = text.slice(start, at);
    tokens.push({ kind, text: written, value: meaningOf(kind, written), start, end: at });
  }
  return tokens;
}

function kindOf(groups: Record<string, string | undefined>): TokenKind {
  if (groups.word !== undefined) return 'word';
  if (groups.mark !== undefined) return 'mark';
  if (groups.parameter !== undefined) return 'parameter';
  if (groups.string !== undefined) return 'string';
  if (groups.number !== undefined) return 'number';
  return 'name';
}

function meaningOf(kind: TokenKind, written: string): string {
  if (kind === 'word') return written.toUpperCase();
  if (kind === 'name') return written.slice(1, -1);
  if (kind === 'parameter') return written.slice(1).replace(/^[`⟨](.*)[`⟩]$/s, '$1');
  return written;
}

const closingMarks: Readonly<Record<string, string>> = { '"': '"', "'": "'", '`': '`', '⟨': '⟩' };

function regexMark(mark: string, before: Token | undefined): string | undefined {
  return mark === '/' && !endsValue(before) ? '/' : undefined;
}

/** Where what is quoted ends, or -1; behind a backslash it does not end. */
function endOfQuoted(text: string, from: number, closing: string): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === closing) return at + 1;
  }
  return -1;
}

/** Whether a value may end with this token, so that an operator follows. */
function endsValue(token: Token | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === 'mark') return token.text === ')' || token.text === ']' || token.text === '}';
  return token.kind !== 'word' || !beforeValue.has(token.value);
}

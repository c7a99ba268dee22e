import { likelySlash, slashBehind } from './slashes.js';
import type { Token, TokenKind } from './token.js';

/**
 * Reads the tokens of SurrealQL, as far as needed to see what a text does: where a string, a comment or an escaped name
 * ends, and which tokens are neighbours. It finds no syntax errors.
 */

// SurrealDB accepts five characters as the end of a line, in a comment too: with "\n" alone a comment would cover text
// that the server reads as a statement.
const lineEnd = '\\n\\r\\u0085\\u2028\\u2029';
const space = '\\t\\n\\v\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000';

// Matches only the start of quoted tokens: a long string would be too much for a regular expression.
const lexer = new RegExp(
  [
    `(?<space>[${space}]+|(?:--|#|//)[^${lineEnd}]*[${lineEnd}]?|/\\*.*?\\*/)`,
    `(?<string>[bdfrsu]?["'])`,
    '(?<word>[A-Za-z_][A-Za-z0-9_]*)',
    '(?<name>[`⟨])',
    '(?<number>[0-9][A-Za-z0-9_µ]*(?:\\.[0-9][A-Za-z0-9_]*)?)',
    '(?<parameter>\\$(?:[A-Za-z0-9_]+|[`⟨]))',
    '(?<mark>::|->|<-|\\|\\||/(?!\\*)|[-+*%=!<>?:;,.|&~@$(){}[\\]…×÷∋∌∈∉⊇⊃⊅⊆⊂⊄])',
  ].join('|'),
  'yus',
);

/** Reads a text, without comments and white space. It always reads all of the text and never throws. */
export function tokenize(text: string): readonly Token[] {
  return new Reading(text, []).tokens;
}

const mostReadings = 64;

/**
 * Every way the server may read a text: one for each combination of its doubtful tokens. Undefined when there are too
 * many.
 */
export function readings(text: string): readonly (readonly Token[])[] | undefined {
  const found: (readonly Token[])[] = [];
  const open: (readonly boolean[])[] = [[]];
  for (let choices = open.pop(); choices !== undefined; choices = open.pop()) {
    if (found.length === mostReadings) return undefined;
    const reading = new Reading(text, choices);
    found.push(reading.tokens);
    for (let at = choices.length; at < reading.doubts; at++) {
      open.push([...choices, ...new Array<boolean>(at - choices.length).fill(false), true]);
    }
  }
  return found;
}

const closingMarks: Readonly<Record<string, string>> = { '"': '"', "'": "'", '`': '`', '⟨': '⟩' };
const brackets: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

class Reading {
  readonly tokens: Mutable<Token>[] = [];
  /** How many doubtful tokens were found. */
  doubts = 0;
  readonly #text: string;
  /** For each doubtful token, whether to take the less likely reading. */
  readonly #unlikely: readonly boolean[];
  /** The indexes of the open brackets. */
  readonly #open: number[] = [];

  constructor(text: string, unlikely: readonly boolean[]) {
    this.#text = text;
    this.#unlikely = unlikely;
    for (let at = 0; at < text.length; ) at = this.#read(at);
  }

  /** Reads the token that begins there and returns where it ends. */
  #read(start: number): number {
    const text = this.#text;
    lexer.lastIndex = start;
    const groups = lexer.exec(text)?.groups;
    if (groups === undefined) {
      // An unclosed comment reaches to the end; any other character is an unknown token.
      const character = String.fromCodePoint(text.codePointAt(start) ?? 0);
      return this.#add('unknown', start, text.startsWith('/*', start) ? text.length : start + character.length);
    }
    const end = lexer.lastIndex;
    if (groups.space !== undefined) return end;
    if (groups.mark !== undefined) return this.#mark(groups.mark, start, end);
    const kind = kindOf(groups);
    const quote = closingMarks[text[end - 1] ?? ''];
    return quote === undefined ? this.#add(kind, start, end) : this.#quoted(kind, start, end, quote);
  }

  #mark(mark: string, start: number, end: number): number {
    if (mark === '/') return this.#slash(start, end);
    if (mark === '{' && this.#beginsScript()) {
      const close = endOfScript(this.#text, end);
      if (!this.#takeUnlikely()) {
        return close === -1
          ? this.#add('unknown', start, this.#text.length, true)
          : this.#add('script', start, close, true);
      }
      return this.#bracket(mark, start, end, true);
    }
    return this.#bracket(mark, start, end);
  }

  #slash(start: number, end: number): number {
    const slash = slashBehind(this.tokens);
    if (slash !== 'doubtful') {
      return slash === 'division' ? this.#add('mark', start, end) : this.#quoted('regex', start, end, '/');
    }
    const regex = (likelySlash(this.tokens.at(-1)) === 'regex') !== this.#takeUnlikely();
    return regex ? this.#quoted('regex', start, end, '/', true) : this.#add('mark', start, end, true);
  }

  #takeUnlikely(): boolean {
    return this.#unlikely[this.doubts++] ?? false;
  }

  #bracket(mark: string, start: number, end: number, doubtful?: true): number {
    const index = this.tokens.length;
    this.#add('mark', start, end, doubtful);
    if (mark === '(' || mark === '[' || mark === '{') this.#open.push(index);
    const opening = brackets[mark];
    const partner = this.tokens[this.#open.at(-1) ?? -1];
    const token = this.tokens[index];
    if (opening !== undefined && partner?.text === opening && token !== undefined) {
      token.partner = this.#open.pop() ?? 0;
      partner.partner = index;
    }
    return end;
  }

  /** Whether `function() {` was just read: these braces hold JavaScript, with other strings and comments. */
  #beginsScript(): boolean {
    const close = this.tokens.at(-1);
    if (close?.text !== ')' || close.partner === undefined) return false;
    const word = this.tokens[close.partner - 1];
    return word?.kind === 'word' && word.value === 'FUNCTION';
  }

  #quoted(kind: TokenKind, start: number, from: number, closing: string, doubtful?: true): number {
    const end = endOfQuoted(this.#text, from, closing);
    return end === -1
      ? this.#add('unknown', start, this.#text.length, doubtful)
      : this.#add(kind, start, end, doubtful);
  }

  #add(kind: TokenKind, start: number, end: number, doubtful?: true): number {
    const text = this.#text.slice(start, end);
    const token: Mutable<Token> = { kind, text, value: meaningOf(kind, text), start, end };
    if (doubtful) token.doubtful = true;
    this.tokens.push(token);
    return end;
  }
}

function kindOf(groups: Record<string, string | undefined>): TokenKind {
  if (groups.word !== undefined) return 'word';
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

/** Where a quoted token ends, or -1; a quote after a backslash does not end it. */
function endOfQuoted(text: string, from: number, closing: string): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === closing) return at + 1;
  }
  return -1;
}

/**
 * Where the body of a JavaScript function ends for the server, or -1. The server knows no regular expressions there.
 */
function endOfScript(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return at + 1;
    else if (character === '"' || character === "'" || character === '`') {
      at = endOfQuoted(text, at + 1, character) - 1;
      if (at < 0) return -1;
    } else if (text.startsWith('//', at)) {
      while (at + 1 < text.length && !/[\n\r\u2028\u2029]/.test(text[at] ?? '')) at++;
    } else if (text.startsWith('/*', at)) {
      at = text.indexOf('*/', at + 2) + 1;
      if (at === 0) return -1;
    }
  }
  return -1;
}

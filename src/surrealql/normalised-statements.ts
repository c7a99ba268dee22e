import { RecentTexts } from './recent-texts.js';
import { splitStatements } from './statements.js';
import type { Token } from './token.js';
import { tokenize } from './tokens.js';

/** The longest normalised statement, in characters, and how many there are of one text. */
const longest = 300;
const mostStatements = 20;
/** What is looked at of a text: it may have millions of characters. */
const longestRead = 4_000;
/** The longest text that is remembered. A program sends the same texts again and again. */
const longestRemembered = 1_000;

const known = new RecentTexts<readonly string[]>();
/** The SDK gives each parameter of `surql`, `select()` and so on a number that it never uses again. */
const numberedParameter = /\$bind__\d+/g;

/**
 * The statements of a text without any value, one line each, so that a log of them holds no data: `?` stands for texts,
 * numbers, regular expressions, true and false, and the keys of record ids. Names of tables, fields, functions and
 * parameters stay. Equal statements with other values become equal lines.
 *
 * Where a value cannot be told from a name, it counts as a value: of `{ a: b }` stays `{ a: ? }`, as b could be a key.
 */
export function normalisedStatements(text: string): readonly string[] {
  const shape = withoutParameterNumbers(text);
  const remembered = known.of(shape);
  if (remembered !== undefined) return remembered;
  const statements = normalise(shape);
  if (shape.length <= longestRemembered) known.remember(shape, statements);
  return statements;
}

/** The same for all texts that differ only in the numbers of the SDK's parameters; a very long text is left as it is. */
export function withoutParameterNumbers(text: string): string {
  return text.length <= longestRead && text.includes('$bind__') ? text.replace(numberedParameter, '$bind__') : text;
}

function normalise(text: string): readonly string[] {
  const tokens = tokenize(text.slice(0, longestRead));
  const lines: string[] = [];
  let from = 0;
  for (const statement of splitStatements(tokens).statements) {
    if (lines.length === mostStatements) break;
    while ((tokens[from]?.start ?? text.length) < statement.start) from++;
    const to = from + statement.tokens.length;
    lines.push(lineOf(tokens, from, to));
    from = to;
  }
  const isWhole = text.length <= longestRead && tokens.slice(from).every((token) => token.text === ';');
  if (!isWhole) lines.push('…');
  return lines;
}

function lineOf(tokens: readonly Token[], from: number, to: number): string {
  let line = '';
  let end = tokens[from]?.start ?? 0;
  /** Where the last value ended that was replaced. */
  let hiddenTo = -1;
  for (let at = from; at < to; at++) {
    const token = tokens[at];
    if (token === undefined) break;
    const space = token.start > end && line !== '' ? ' ' : '';
    const last = lastOfValue(tokens, at, hiddenTo);
    // The server may take what follows for something else, and a text for none.
    if (token.doubtful || last === 'open') return `${line}${space}…`;
    line += space + (last === undefined ? token.text : '?');
    at = last ?? at;
    end = tokens[at]?.end ?? token.end;
    if (last !== undefined) hiddenTo = end;
    if (line.length > longest) return `${line.slice(0, longest)}…`;
  }
  return line;
}

/** The index of the last token of the value that begins there; undefined for no value, `open` for one without an end. */
function lastOfValue(tokens: readonly Token[], at: number, hiddenTo: number): number | 'open' | undefined {
  const token = tokens[at];
  const before = tokens[at - 1];
  switch (token?.kind) {
    case 'string':
    case 'number':
    case 'regex':
    case 'script':
      return at;
    case 'unknown':
      if (token.text.length > 1) return 'open';
      return token.start === hiddenTo ? at : undefined;
    case 'mark':
      // The key of a record id can be an array or an object.
      if (before?.text !== ':' || (token.text !== '[' && token.text !== '{')) return undefined;
      return token.partner ?? 'open';
    case 'word':
    case 'name':
      return isValue(tokens, at, token, hiddenTo) ? at : undefined;
    default:
      return undefined;
  }
}

/** Whether a word is a value: true or false, the key of a record id or the end of a range of keys, or a part of one. */
function isValue(tokens: readonly Token[], at: number, token: Token, hiddenTo: number): boolean {
  if (token.value === 'TRUE' || token.value === 'FALSE' || token.start === hiddenTo) return true;
  const before = tokens[at - 1];
  const next = tokens[at + 1]?.start === token.end ? tokens[at + 1]?.text : undefined;
  if (before?.kind !== 'mark') return false;
  switch (before.text) {
    case ':':
      // A function is called there, or it is the type of a parameter.
      return next !== '(' && next !== '::' && tokens[at - 2]?.kind !== 'parameter';
    case '.':
      return tokens[at - 2]?.text === '.';
    case '=':
      return tokens[at - 2]?.text === '.' && tokens[at - 3]?.text === '.';
    case '-':
      // The parts of a UUID.
      return before.start === hiddenTo && before.end === token.start;
    default:
      return false;
  }
}

import type { Token } from './token.js';

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));

/** Where an expression may begin, a statement may: `LET $x = CREATE …`, `[SELECT …]`. */
export const statementWords: ReadonlySet<string> = words(
  'SELECT CREATE UPDATE UPSERT DELETE RELATE INSERT LET IF FOR THROW BREAK CONTINUE RETURN',
);
/** After one of these comes a value. */
export const openers: ReadonlySet<string> = words(
  'VALUE FROM ONLY WHERE SPLIT ON GROUP BY ORDER LIMIT START AT FETCH OMIT AS TIMEOUT INTO RELATION IGNORE DUPLICATE KEY SET UNSET CONTENT MERGE REPLACE PATCH RETURN THEN ELSE IN AND OR NOT IS CONTAINS CONTAINSNOT CONTAINSALL CONTAINSANY CONTAINSNONE INSIDE NOTINSIDE ALLINSIDE ANYINSIDE NONEINSIDE OUTSIDE INTERSECTS SELECT LET FOR IF THROW UPDATE DELETE CREATE UPSERT RELATE INSERT',
);
/** Keywords that may stand after a value and are the end of something themselves. */
export const closers: ReadonlySet<string> = words('ALL ASC DESC NUMERIC COLLATE END BEFORE AFTER DIFF BREAK CONTINUE');

/** The tokens of a text, and what one of them is by what stands around it. */
export class TokenContext {
  readonly tokens: readonly Token[];
  /** The content of an INSERT, a value right behind another: the name of its table. */
  #content = -1;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  at(index: number): Token | undefined {
    return this.tokens[index];
  }

  is(index: number, text: string): boolean {
    return this.tokens[index]?.text === text;
  }

  isWord(index: number, keyword: string): boolean {
    const token = this.tokens[index];
    return token?.kind === 'word' && token.value === keyword;
  }

  /** Notes that a value begins there though another ends before it. */
  beginsContent(index: number): void {
    this.#content = index;
  }

  /** The key of an object, or the table of a record id. */
  isKey(index: number): boolean {
    return this.is(index + 1, ':') && !this.endsValue(index - 1);
  }

  /** A field or method behind a dot, or the last part of a path. */
  isMember(index: number): boolean {
    const before = this.tokens[index - 1]?.text;
    return before === '.' || before === ':' || before === '->' || before === '<-';
  }

  beginsStatement(index: number): boolean {
    const before = this.tokens[index - 1];
    return before === undefined || before.text === ';';
  }

  /** A word that begins a statement may also begin an expression; then this follows. */
  isExpression(index: number): boolean {
    return ['::', '(', '->', '<-', '.'].includes(this.tokens[index + 1]?.text ?? '');
  }

  endsValue(index: number): boolean {
    const token = this.tokens[index];
    if (token === undefined || index + 1 === this.#content) return false;
    if (token.kind === 'mark') return token.text === ')' || token.text === ']' || token.text === '}';
    if (token.kind !== 'word') return true;
    return this.isMember(index) || this.is(index - 1, '::') || !openers.has(token.value);
  }
}

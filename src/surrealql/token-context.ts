import type { Token } from './token.js';

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));

/**
 * Words that begin a statement. A statement may begin wherever an expression may: `LET $x = CREATE …`, `[SELECT …]`.
 */
export const statementWords: ReadonlySet<string> = words(
  'SELECT CREATE UPDATE UPSERT DELETE RELATE INSERT LET IF FOR THROW BREAK CONTINUE RETURN',
);
/** Keywords that are followed by a value. */
export const openers: ReadonlySet<string> = words(
  'VALUE FROM ONLY WHERE SPLIT ON GROUP BY ORDER LIMIT START AT FETCH OMIT AS TIMEOUT INTO RELATION IGNORE DUPLICATE KEY SET UNSET CONTENT MERGE REPLACE PATCH RETURN THEN ELSE IN AND OR NOT IS CONTAINS CONTAINSNOT CONTAINSALL CONTAINSANY CONTAINSNONE INSIDE NOTINSIDE ALLINSIDE ANYINSIDE NONEINSIDE OUTSIDE INTERSECTS SELECT LET FOR IF THROW UPDATE DELETE CREATE UPSERT RELATE INSERT',
);
/** Keywords that may follow a value and are not followed by one. */
export const closers: ReadonlySet<string> = words('ALL ASC DESC NUMERIC COLLATE END BEFORE AFTER DIFF BREAK CONTINUE');

/** The tokens of a text, with the role of each token by its neighbours. */
export class TokenContext {
  readonly tokens: readonly Token[];
  /** The index of an INSERT's content, a value directly after another: the name of its table. */
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

  /** Notes that a value begins there although another ends just before it. */
  beginsContent(index: number): void {
    this.#content = index;
  }

  /** Whether it is the key of an object, or the table of a record id. */
  isKey(index: number): boolean {
    return this.is(index + 1, ':') && !this.endsValue(index - 1);
  }

  /** Whether it is a field or method after a dot, or the last part of a path. */
  isMember(index: number): boolean {
    const before = this.tokens[index - 1]?.text;
    return before === '.' || before === ':' || before === '->' || before === '<-';
  }

  beginsStatement(index: number): boolean {
    const before = this.tokens[index - 1];
    return before === undefined || before.text === ';';
  }

  /** Whether the word there, which may begin a statement, begins an expression instead, judged by what follows. */
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

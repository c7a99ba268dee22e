/**
 * - `word`: a bare name or keyword; `name` the same in backticks or ⟨⟩, whose `value` is without them
 * - `string`: with its prefix, as in `r"a:1"`; `number`: also durations and keys as in `1h30m`, `12ab`
 * - `parameter`: its `value` is the name without `$`
 * - `regex`; `script`: the body of a JavaScript function, with its braces; `mark`: punctuation
 * - `unknown`: a character no token begins with, or a token that is not closed before the end of the text
 */
export type TokenKind = 'word' | 'name' | 'string' | 'number' | 'parameter' | 'regex' | 'script' | 'mark' | 'unknown';

export interface Token {
  readonly kind: TokenKind;
  /** The token as written. */
  readonly text: string;
  /** Its meaning: a word in capitals, a name or a parameter without its marks, else as written. */
  readonly value: string;
  /** Where it begins and ends in the text. */
  readonly start: number;
  readonly end: number;
  /** For a bracket: the index of its partner. Absent when it has none. */
  readonly partner?: number;
  /** The server may read another token here, and so the rest of the text differently. */
  readonly doubtful?: true;
}

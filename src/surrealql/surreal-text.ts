import { type Split, splitStatements } from './statements.js';
import type { Token } from './token.js';
import { readings, tokenize } from './tokens.js';

/** A query text, parsed on first use and only once. */
export class SurrealText {
  readonly text: string;
  #tokens: readonly Token[] | undefined;
  #split: Split | undefined;
  #readings: readonly (readonly Token[])[] | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** Its tokens, in the likeliest reading. */
  get tokens(): readonly Token[] {
    this.#tokens ??= tokenize(this.text);
    return this.#tokens;
  }

  /** Its statements, in the likeliest reading. */
  get split(): Split {
    this.#split ??= splitStatements(this.tokens);
    return this.#split;
  }

  /** Every way the server may read it; undefined when there are too many. */
  get readings(): readonly (readonly Token[])[] | undefined {
    if (this.#readings === undefined) {
      this.#readings = this.tokens.some(({ doubtful }) => doubtful) ? readings(this.text) : [this.tokens];
    }
    return this.#readings;
  }
}

import type { Token } from './token.js';

/** One statement of a text. */
export interface Statement {
  readonly tokens: readonly Token[];
  /** Where it begins and ends in the text, without the semicolon. */
  readonly start: number;
  readonly end: number;
}

/** A text split at the semicolons between its statements. */
export interface Split {
  /** The statements, without empty ones. */
  readonly statements: readonly Statement[];
  /**
   * Whether the server certainly splits it in the same way. If so, a statement inserted after one of the semicolons is
   * read as a separate one.
   */
  readonly certain: boolean;
}

/** Splits the tokens of a text. Unmatched brackets hide no semicolon. */
export function splitStatements(tokens: readonly Token[]): Split {
  const statements: Statement[] = [];
  let certain = true;
  let from = 0;
  const cut = (to: number): void => {
    const own = tokens.slice(from, to);
    from = to + 1;
    const [first, last] = [own[0], own.at(-1)];
    if (first === undefined || last === undefined) return;
    // `IF a THEN b; ELSE c; END` is one statement.
    if (first.kind === 'word' && (first.value === 'ELSE' || first.value === 'END')) certain = false;
    statements.push({ tokens: own, start: first.start, end: last.end });
  };
  tokens.forEach((token) => {
    if (token.kind === 'unknown' || token.doubtful) certain = false;
    if (token.kind === 'mark' && token.partner === undefined && '()[]{}'.includes(token.text)) certain = false;
  });
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token?.kind !== 'mark') continue;
    if (token.partner !== undefined && token.partner > at) at = token.partner;
    else if (token.text === ';') cut(at);
  }
  cut(tokens.length);
  return { statements, certain };
}

import { type Token, tokenize } from './tokens.js';

/** The statements of a text, each as its tokens; empty ones are left out. */
export function splitStatements(text: string): Token[][] {
  const statements: Token[][] = [];
  let current: Token[] = [];
  let depth = 0;
  for (const token of tokenize(text)) {
    if (token.kind === 'mark') {
      if ('([{'.includes(token.text)) depth++;
      else if (')]}'.includes(token.text)) depth--;
      else if (token.text === ';' && depth <= 0) {
        statements.push(current);
        current = [];
        continue;
      }
    }
    current.push(token);
  }
  statements.push(current);
  return statements.filter((statement) => statement.length > 0);
}

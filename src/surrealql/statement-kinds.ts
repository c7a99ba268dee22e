import { keywordOf } from './refused-statements.js';
import type { SurrealText } from './surreal-text.js';
import { statementWords } from './token-context.js';

/** Statements that do not stand within others. */
const outermost = new Set(
  'BEGIN COMMIT CANCEL USE INFO SHOW SLEEP DEFINE REMOVE ALTER REBUILD LIVE KILL OPTION ACCESS EXPLAIN'.split(' '),
);

/** What each statement of a text begins with: its keyword, or `EXPRESSION` for a mere value. */
export function kindsOf(text: SurrealText): string[] {
  return text.split.statements.map(({ tokens }) => {
    const [first, second] = tokens;
    const keyword = keywordOf(tokens);
    if (outermost.has(keyword)) return keyword;
    // `SELECT *`, `DELETE $id` or `RETURN (1)`, but not `select.x`.
    const isName = second?.kind === 'mark' && !'([{*<|-!'.includes(second.text);
    return first?.kind === 'word' && statementWords.has(first.value) && !isName ? first.value : 'EXPRESSION';
  });
}

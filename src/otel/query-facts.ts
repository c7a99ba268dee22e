import { normalisedStatements, withoutParameterNumbers } from '../surrealql/normalised-statements.js';
import { RecentTexts } from '../surrealql/recent-texts.js';
import { type QuerySummary, summarise } from './query-summary.js';

/** What a span says of a text. */
export interface QueryFacts extends QuerySummary {
  /** Without any value, as `db.query.text`. */
  readonly text: string;
}

/** The longest text that is remembered. A program sends the same texts again and again. */
const longestRemembered = 1_000;

const known = new RecentTexts<QueryFacts>();

export function queryFacts(text: string): QueryFacts {
  const shape = withoutParameterNumbers(text);
  const remembered = known.of(shape);
  if (remembered !== undefined) return remembered;
  const facts = { ...summarise(shape), text: normalisedStatements(shape).join('; ') };
  if (shape.length <= longestRemembered) known.remember(shape, facts);
  return facts;
}

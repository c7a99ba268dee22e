/**
 * What a call or an acquire that failed had asked for, as its error shows it under `asked`: enough to find it, and neither
 * a secret nor the value of a parameter.
 */
export interface Asked {
  /** The name of the pool. */
  readonly pool: string;
  /** The text of the query with the names of its parameters, in one line, shortened; absent when it was no query. */
  readonly statement?: string;
  /** The number of the connection; absent when none was lent. */
  readonly connection?: number;
  /** The number of the transaction, counted from 1 in each pool; absent outside of one. */
  readonly transaction?: number;
  readonly namespace?: string;
  readonly database?: string;
  /** The kind and level of the user, and its name where there is one: `root user "app"`, `record user by access "account"`. */
  readonly user?: string;
}

/** The longest statement that an error shows, in characters. */
const longestShown = 200;
/** What is looked at of a text: it may have millions of characters. */
const longestRead = 2_000;
/** The texts in a statement that are secret by what stands before them; one may be cut off at its end. */
const secrets =
  /\b(PASSWORD|PASSHASH|KEY|TOKEN|SECRET)(\s+)(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|'(?:[^'\\]|\\.)*(?:'|\\?$))/gi;

/** A statement as errors show it: in one line, shortened, and without the secrets of a `DEFINE USER` or `DEFINE ACCESS`. */
export function shortened(text: string): string {
  const line = text.slice(0, longestRead).replace(secrets, "$1$2'…'").replace(/\s+/g, ' ').trim();
  return line.length > longestShown || text.length > longestRead ? `${line.slice(0, longestShown)}…` : line;
}

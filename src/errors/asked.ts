/**
 * What a failed call or acquire had asked for, shown by its error under `asked`. It holds enough to find the call, but
 * no secret and no parameter value.
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
  /** The kind and level of the user, and its name if known: `root user "app"`, `record user by access "account"`. */
  readonly user?: string;
}

/** The longest statement that an error shows, in characters. */
const longestShown = 200;
/** How many characters of a text are read: it may have millions. */
const longestRead = 2_000;
/** Matches texts in a statement that are secret by the words before them; the last may be cut off. */
const secrets =
  /\b(PASSWORD|PASSHASH|KEY|TOKEN|SECRET)(\s+)(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|'(?:[^'\\]|\\.)*(?:'|\\?$))/gi;

/** A statement for errors: in one line, shortened, and without the secrets of a `DEFINE USER` or `DEFINE ACCESS`. */
export function shortened(text: string): string {
  const line = text.slice(0, longestRead).replace(secrets, "$1$2'…'").replace(/\s+/g, ' ').trim();
  return line.length > longestShown || text.length > longestRead ? `${line.slice(0, longestShown)}…` : line;
}

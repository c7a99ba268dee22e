/**
 * What a call or an acquire that failed had asked for, as its error shows it under `asked`: enough to find it, and neither
 * a secret nor the value of a parameter.
 */
export interface Asked {
  /** The name of the pool. */
  readonly pool: string;
  /**
   * The text of the query in one line, shortened: with the names of its parameters, without the texts in quotes and the
   * comments; absent when it was no query.
   */
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

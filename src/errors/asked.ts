/**
 * What a failed call or acquire had asked for, shown by its error under `asked`. It holds enough to find the call, but
 * no secret and no parameter value.
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
  /** The kind and level of the user, and its name if known: `root user "app"`, `record user by access "account"`. */
  readonly user?: string;
}

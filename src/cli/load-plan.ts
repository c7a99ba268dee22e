/** How many of all operations read and how many write, as weights. */
export interface Mix {
  readonly read: number;
  readonly write: number;
}

/** Who decides when the next operation begins: so many callers, each after its last; or the clock, so often a second. */
export type Demand = { readonly workers: number } | { readonly rate: number };

/** A text of the user's own that is an operation. */
export interface Statement {
  /** What a report calls it: `query 1`, or the name of its file. */
  readonly name: string;
  readonly text: string;
  /** How often it is chosen, beside the weights of the others. */
  readonly weight: number;
}

/** How many of all operations read and how many write, as weights. */
export interface Mix {
  readonly read: number;
  readonly write: number;
}

/** Who decides when the next operation begins: so many callers, each after its last; or the clock, so often a second. */
export type Demand = { readonly workers: number } | { readonly rate: number };

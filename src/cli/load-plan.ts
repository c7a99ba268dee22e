/** The proportion of reads and writes, as weights. */
export interface Mix {
  readonly read: number;
  readonly write: number;
}

/** When the next operation begins: after the last one of each of `workers` callers, or at a fixed `rate` per second. */
export type Demand = { readonly workers: number } | { readonly rate: number };

/** A statement of the user, run as an operation. */
export interface Statement {
  /** Its name in reports: `query 1`, or the name of its file. */
  readonly name: string;
  readonly text: string;
  /** How often it is chosen, relative to the weights of the others. */
  readonly weight: number;
}

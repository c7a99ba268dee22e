/** The stack of the caller who acquired a lease. */
export interface Origin {
  /** Formatted when first read: formatting costs several times as much as the acquire. */
  readonly text: string;
}

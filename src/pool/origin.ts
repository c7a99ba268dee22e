/** The stack of the caller who acquired a lease. */
export interface Origin {
  /** Written when it is read for the first time, which costs several times what the acquire does. */
  readonly text: string;
}

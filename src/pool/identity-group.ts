/** What a connection is opened as. Connections whose identities have the same key can stand for each other. */
export interface Identity {
  readonly key: string;
}

/** After an attempt that got no answer the next one waits so long; after each further one twice as long. */
const silencePause = 1000;
const longestSilencePause = 30_000;

/**
 * The connections of one identity and the callers who wait for one, in numbers. A pool has one group of its own, and
 * others for as long as a caller has or wants a connection of theirs.
 */
export class IdentityGroup<I extends Identity> {
  /** Connections that are, or are becoming, of this identity. */
  connections = 0;
  /** Of these, being opened. */
  opening = 0;
  /** Of these, being probed or switched to this identity: each will be idle soon, or closed. */
  preparing = 0;
  /** Callers who wait for one. */
  waiting = 0;
  /** Whether a connection of this identity was ever had: until then they are made one at a time. */
  proven = false;
  /** Attempts in a row that got no answer. */
  silences = 0;
  /** No further attempt is made before, on the pool's clock. */
  notBefore: number = Number.NEGATIVE_INFINITY;
  /** A connection was lost as it was switched to this identity: until then further ones are opened for it instead. */
  noChangeBefore: number = Number.NEGATIVE_INFINITY;

  constructor(readonly identity: I) {}

  /** An attempt got no answer. */
  silent(now: number): void {
    this.notBefore = now + Math.min(silencePause * 2 ** this.silences, longestSilencePause);
    this.silences++;
  }

  /** Whether its silence is so old that it says nothing any more. */
  isForgotten(now: number): boolean {
    return now >= this.notBefore + longestSilencePause;
  }

  get inUse(): boolean {
    return this.connections > 0 || this.waiting > 0;
  }
}

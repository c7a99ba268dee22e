/** What a connection is opened as. Connections whose identities have the same key can stand for each other. */
export interface Identity {
  readonly key: string;
}

/** The pause after an attempt without an answer, in milliseconds; doubled with each further one. */
const silencePause = 1000;
const longestSilencePause = 30_000;

/**
 * Counts the connections of one identity and the callers waiting for one. A pool keeps the group of its own identity;
 * other groups exist while a caller holds or wants such a connection.
 */
export class IdentityGroup<I extends Identity> {
  /** Connections of this identity, including those being switched to it. */
  connections = 0;
  /** Of these, being opened. */
  opening = 0;
  /** How many of these are being probed or switched to this identity. */
  preparing = 0;
  /** Callers who wait for one. */
  waiting = 0;
  /** Whether a connection of this identity ever worked. Until then they are opened one at a time. */
  proven = false;
  /** Attempts in a row that got no answer. */
  silences = 0;
  /** The slot of the endpoint where the last of these was. */
  silentAt: number | undefined = undefined;
  /** When the next attempt may be made, on the pool's clock. */
  notBefore: number = Number.NEGATIVE_INFINITY;
  /**
   * Set when a connection was lost while it was switched to this identity: until then connections are opened for it
   * instead.
   */
  noChangeBefore: number = Number.NEGATIVE_INFINITY;

  constructor(readonly identity: I) {}

  /** An attempt got no answer. */
  silent(now: number): void {
    this.notBefore = now + Math.min(silencePause * 2 ** this.silences, longestSilencePause);
    this.silences++;
  }

  /** Whether its silence is too old to matter. */
  isForgotten(now: number): boolean {
    return now >= this.notBefore + longestSilencePause;
  }

  get inUse(): boolean {
    return this.connections > 0 || this.waiting > 0;
  }
}

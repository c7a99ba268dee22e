/** The reason a server gives, with code 1013, to a client that reads live notifications too slowly. */
const lagging = /notifications were produced faster/i;

/** Close codes: our message was too large for the other side; the other side has no room, or we read too slowly. */
const tooLarge = 1009;
const tryAgainLater = 1013;

/**
 * Close codes of a node that goes: SurrealDB since 3.3 sends a close frame without a code when it is stopped (older ones
 * end the connection without a close frame), proxies and other servers say "going away" or "service restart".
 */
const goesAway: ReadonlySet<number> = new Set([1001, 1005, 1012]);

/** The other side closed a socket. It is the `cause` of the errors that follow. */
export class SocketClosedError extends Error {
  override readonly name: string = 'SocketClosedError';
  /** The close code of the WebSocket; 1005 for a close without one, 1006 for a connection that ended without a close. */
  readonly closeCode: number;
  /** The reason given by the other side; empty for none. */
  readonly reason: string;

  constructor(closeCode: number, reason: string) {
    const why = reason === '' ? '' : ` (${reason})`;
    super(
      closeCode === 1006
        ? 'the other side ended the connection'
        : closeCode === 1005
          ? `the other side closed the socket without a code${why}`
          : `the other side closed the socket with code ${closeCode}${why}`,
    );
    this.closeCode = closeCode;
    this.reason = reason;
  }

  /** Whether a message of ours was larger than the other side takes. */
  get isTooLarge(): boolean {
    return this.closeCode === tooLarge;
  }

  /** Whether the other side said that it is shutting down, or that it has no room. */
  get isLeaving(): boolean {
    if (this.closeCode === tryAgainLater) return this.isIllness;
    return goesAway.has(this.closeCode);
  }

  /** Whether it means that something is wrong with the endpoint, not with what this client sent or did not read. */
  get isIllness(): boolean {
    return !this.isTooLarge && !(this.closeCode === tryAgainLater && lagging.test(this.reason));
  }
}

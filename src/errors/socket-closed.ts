/** What a server says, as a reason of the code 1013, to a client that reads live notifications too slowly. */
const lagging = /notifications were produced faster/i;

/** Close codes: a message was larger than the other side takes; the other side has no room, or we read too slowly. */
const tooLarge = 1009;
const tryAgainLater = 1013;

/** The other side closed a socket. It is the `cause` of the errors that come of it. */
export class SocketClosedError extends Error {
  override readonly name: string = 'SocketClosedError';
  /** The close code of the WebSocket; 1005 for a close without one, 1006 for a connection that ended without a close. */
  readonly closeCode: number;
  /** What the other side gave as its reason; empty for none. */
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

  /** Whether it tells that something is wrong with the endpoint, and not with what this client sent or did not read. */
  get isIllness(): boolean {
    return !this.isTooLarge && !(this.closeCode === tryAgainLater && lagging.test(this.reason));
  }
}

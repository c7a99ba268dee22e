/**
 * The longest wait that the pool accepts from a server, in milliseconds: the server may be back sooner than it says.
 */
const longestWait = 60_000;

/** The part of an HTTP answer that is read. */
export interface UpgradeAnswer {
  readonly statusCode?: number | undefined;
  readonly statusMessage?: string | undefined;
  readonly headers: { readonly 'retry-after'?: string | undefined };
}

/** A server, or a proxy in front of it, did not answer the request for a WebSocket with an upgrade. */
export class UpgradeRefusedError extends Error {
  override readonly name: string = 'UpgradeRefusedError';
  readonly status: number;
  /**
   * How long it asks the pool to wait before the next attempt, in milliseconds, at most a minute; undefined when it
   * does not say.
   */
  readonly retryAfter: number | undefined;

  /** Whether the server, or a proxy in front of it, takes no work now: it is starting, shutting down or full. */
  get isLeaving(): boolean {
    return this.status === 503 || this.retryAfter !== undefined;
  }

  constructor({ statusCode = 0, statusMessage = '', headers }: UpgradeAnswer) {
    const retryAfter = readRetryAfter(headers['retry-after']);
    const asks = retryAfter === undefined ? '' : `, and asks to retry in ${retryAfter} ms`;
    super(`the request for a WebSocket was answered with ${`${statusCode} ${statusMessage}`.trim()}${asks}`);
    this.status = statusCode;
    this.retryAfter = retryAfter;
  }
}

/** A number of seconds, or a date (RFC 9110, 10.2.3). */
function readRetryAfter(header: string | undefined): number | undefined {
  const text = header?.trim() ?? '';
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(0, Math.round(wait)), longestWait);
}

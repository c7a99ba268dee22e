/** A request, whichever server it came through. */
export interface HttpRequest {
  /** In capitals: `GET`. */
  readonly method: string;
  /** As the client wrote it, without the query and not decoded: `/pool/readyz`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** A header by its name, in any case; undefined when the client sent none. */
  readonly headers: (name: string) => string | undefined;
  /** The address at the other end of the socket. Undefined where the server does not tell, as with fetch alone. */
  readonly remoteAddress?: string | undefined;
  /** Aborted as soon as the client leaves before it has the whole reply: what serves it then ends at once. */
  readonly signal: AbortSignal;
  /**
   * The whole body as text; empty when there is none.
   * @throws RefusedRequest (413) above {@link longestBody}; (400) when the client leaves before its end, or sends no UTF-8
   */
  readonly body: () => Promise<string>;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * A text, or a stream of texts such as server-sent events. The handler asks a stream for its next text when the client has
   * taken the last, and calls its `return()` when the client leaves, also while a `next()` is still waiting. A generator
   * hears of that only when its own wait ends: let it wait for {@link HttpRequest.signal} too.
   */
  readonly body: string | AsyncIterable<string>;
}

export type HttpAnswer = (request: HttpRequest) => HttpReply | Promise<HttpReply>;

/** In bytes: 64 KiB. What the handlers of this package are sent is far smaller. */
export const longestBody = 65_536;

import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerFastify, type FastifyReplyLike, type FastifyRequestLike } from './fastify-adapter.js';
import { answerFetch, type FetchContext } from './fetch-adapter.js';
import type { HttpAnswer } from './http-message.js';
import { answerNode } from './node-adapter.js';

/**
 * One handler for every server: call it with the request and the response of node:http (and of Express and Connect), or
 * give its `fetch` to Hono and to servers of fetch, or its `fastify` to Fastify. Both may be passed on without their
 * handler: `app.get('/readyz', health.fetch)`.
 */
export interface HttpHandler {
  /** Resolves, never rejects, when the reply is sent or the client has left. */
  (request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Takes a `Request`, or the context of Hono. Never rejects for one. */
  readonly fetch: (request: Request | FetchContext) => Promise<Response>;
  readonly fastify: (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown>;
}

/**
 * Makes a handler from what it answers. An answer that throws becomes a reply 500 and a warning of the process; a
 * `RefusedRequest` becomes a reply with its status and its message. A reply to HEAD is sent without its body.
 */
export function httpHandler(answer: HttpAnswer): HttpHandler {
  return Object.assign(
    (request: IncomingMessage, response: ServerResponse): Promise<void> => answerNode(answer, request, response),
    {
      fetch: (request: Request | FetchContext): Promise<Response> => answerFetch(answer, request),
      fastify: (request: FastifyRequestLike, reply: FastifyReplyLike): Promise<unknown> =>
        answerFastify(answer, request, reply),
    },
  );
}

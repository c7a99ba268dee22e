import { onAbort } from '../time/on-abort.js';
import { answered, failed } from './answered.js';
import type { HttpAnswer, HttpReply, HttpRequest } from './http-message.js';
import { brokenTarget, textReply } from './replies.js';
import { closeUnread, ReplyStream } from './reply-stream.js';
import { fetchedBody } from './request-body.js';
import { targetOf } from './request-target.js';

/** The part of Hono's context that is read: the request and, on Node, the socket behind it. */
export interface FetchContext {
  readonly req: { readonly raw: Request };
  readonly env?: unknown;
}

/** Answers a request of fetch or of Hono. Never rejects for one. */
export async function answerFetch(answer: HttpAnswer, given: Request | FetchContext): Promise<Response> {
  const request = 'req' in given ? given.req.raw : given;
  const client = new AbortController();
  if (request.signal) onAbort(request.signal, () => client.abort());
  const read = readRequest(request, 'req' in given ? given.env : undefined, client.signal);
  const reply = read === undefined ? brokenTarget() : await answered(answer, read);
  try {
    return responseOf(reply, request.method, client);
  } catch (error) {
    failed(error);
    closeUnread(reply.body);
    return responseOf(textReply(500, 'The handler failed.'), request.method, client);
  }
}

function readRequest(request: Request, env: unknown, signal: AbortSignal): HttpRequest | undefined {
  const target = targetOf(request.url);
  if (target === undefined) return undefined;
  return {
    method: request.method.toUpperCase(),
    ...target,
    headers: (name) => request.headers.get(name) ?? undefined,
    remoteAddress: remoteAddressOf(env),
    signal,
    body: () => fetchedBody(request),
  };
}

/** Hono's server for Node gives node's own request to the handlers. */
function remoteAddressOf(env: unknown): string | undefined {
  const { incoming } = Object(env) as {
    readonly incoming?: { readonly socket?: { readonly remoteAddress?: unknown } };
  };
  const address = incoming?.socket?.remoteAddress;
  return typeof address === 'string' ? address : undefined;
}

/** Statuses whose replies have no body; `Response` refuses one. */
const bare = new Set([204, 205, 304]);

function responseOf(reply: HttpReply, method: string, client: AbortController): Response {
  const { status, headers, body } = reply;
  const init = { status, headers: { ...headers } };
  if (typeof body === 'string') {
    const length = { 'content-length': String(Buffer.byteLength(body)) };
    if (bare.has(status)) return new Response(null, init);
    return new Response(method === 'HEAD' ? null : body, { ...init, headers: { ...init.headers, ...length } });
  }
  if (method !== 'HEAD' && !bare.has(status)) return new Response(readable(body, client), init);
  closeUnread(body);
  return new Response(null, init);
}

/** Asks for a text when the client reads, and ends the source when it leaves. */
function readable(texts: AsyncIterable<string>, client: AbortController): ReadableStream<Uint8Array> {
  const stream = new ReplyStream(texts);
  const encoder = new TextEncoder();
  const { signal } = client;
  let ended = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        onAbort(signal, () => {
          stream.close();
          // Nobody reads on. A failure would be written to the log by servers of fetch, for each client that leaves.
          if (!ended) controller.close();
        });
      },
      async pull(controller) {
        try {
          const text = await stream.next();
          if (signal.aborted) return;
          ended = text === undefined;
          if (text === undefined) controller.close();
          else controller.enqueue(encoder.encode(text));
        } catch (error) {
          if (signal.aborted) return;
          ended = true;
          failed(error);
          controller.error(error);
        }
      },
      cancel() {
        ended = true;
        client.abort();
      },
    },
    { highWaterMark: 0 },
  );
}

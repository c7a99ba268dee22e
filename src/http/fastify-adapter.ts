import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { answered } from './answered.js';
import type { HttpAnswer } from './http-message.js';
import { departure, readRequest } from './node-adapter.js';
import { brokenTarget } from './replies.js';
import { closeUnread, ReplyStream } from './reply-stream.js';
import { parsedBody } from './request-body.js';

/** The part of Fastify's request that is read. */
export interface FastifyRequestLike {
  readonly raw: IncomingMessage;
  readonly body: unknown;
}

/** The part of Fastify's reply that is used. */
export interface FastifyReplyLike {
  readonly raw: ServerResponse;
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(payload: unknown): unknown;
}

/** Answers through Fastify, so that its hooks and its log see the reply. */
export async function answerFastify(
  answer: HttpAnswer,
  { raw, body }: FastifyRequestLike,
  reply: FastifyReplyLike,
): Promise<unknown> {
  const { signal, forget } = departure(reply.raw);
  const request = readRequest(raw, signal);
  // Fastify has read the body before it calls a handler.
  const given = request && { ...request, body: async () => parsedBody(body) };
  const { status, headers, body: texts } = given === undefined ? brokenTarget() : await answered(answer, given);
  reply.code(status);
  reply.headers({ ...headers });
  if (typeof texts === 'string') {
    forget();
    return reply.send(texts);
  }
  if (signal.aborted || raw.method === 'HEAD') {
    forget();
    closeUnread(texts);
    return reply.send('');
  }
  return reply.send(readable(texts, signal, forget));
}

function readable(texts: AsyncIterable<string>, signal: AbortSignal, forget: () => void): Readable {
  const stream = new ReplyStream(texts);
  // A stream of node that is given an empty text does not ask again.
  const nextText = async (): Promise<string | undefined> => {
    for (;;) {
      const text = await stream.next();
      if (text !== '') return text;
    }
  };
  const readable = new Readable({
    // One text at a time: what is read ahead is old when the client takes it.
    highWaterMark: 1,
    read() {
      nextText().then(
        (text) => readable.push(text ?? null),
        (error: unknown) => readable.destroy(error instanceof Error ? error : new Error(String(error))),
      );
    },
    destroy(error, done) {
      signal.removeEventListener('abort', leave);
      forget();
      stream.close();
      done(error);
    },
  });
  const leave = () => readable.destroy();
  signal.addEventListener('abort', leave, { once: true });
  return readable;
}

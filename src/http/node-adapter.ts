import type { IncomingMessage, ServerResponse } from 'node:http';
import { onAbort } from '../time/on-abort.js';
import { answered, failed } from './answered.js';
import type { HttpAnswer, HttpReply, HttpRequest } from './http-message.js';
import { brokenTarget } from './replies.js';
import { closeUnread, ReplyStream } from './reply-stream.js';
import { incomingBody } from './request-body.js';
import { targetOf } from './request-target.js';

/** Answers a request of node:http. Resolves, never rejects, when the reply is sent or the client has left. */
export async function answerNode(
  answer: HttpAnswer,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { signal, forget } = departure(response);
  try {
    const request = readRequest(incoming, signal);
    const reply = request === undefined ? brokenTarget() : await answered(answer, request);
    if (signal.aborted) closeUnread(reply.body);
    else await send(reply, incoming.method ?? 'GET', response, signal);
  } catch (error) {
    // The reply is not one: a status or a header that HTTP does not have, or a server that was told to reply already.
    failed(error);
    response.destroy();
  } finally {
    forget();
  }
}

/** A signal for a client that leaves before its reply is whole. */
export function departure(response: ServerResponse): { readonly signal: AbortSignal; readonly forget: () => void } {
  const client = new AbortController();
  const leave = () => {
    if (!response.writableFinished) client.abort();
  };
  // Stays as long as the response: a socket that was reset makes it fail after the end too, which would end the process.
  response.on('error', leave);
  response.once('close', leave);
  if (response.closed || response.destroyed) leave();
  return { signal: client.signal, forget: () => response.off('close', leave) };
}

/** Undefined when the address of the request cannot be read. */
export function readRequest(incoming: IncomingMessage, signal: AbortSignal): HttpRequest | undefined {
  // Frameworks shorten `url` to what lies below the place where a handler is mounted.
  const { originalUrl } = incoming as { readonly originalUrl?: unknown };
  const target = targetOf(typeof originalUrl === 'string' ? originalUrl : (incoming.url ?? '/'));
  if (target === undefined) return undefined;
  return {
    method: (incoming.method ?? 'GET').toUpperCase(),
    ...target,
    headers: (name) => {
      const value = incoming.headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    remoteAddress: incoming.socket?.remoteAddress,
    signal,
    body: () => incomingBody(incoming),
  };
}

async function send(reply: HttpReply, method: string, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const { status, headers, body } = reply;
  if (typeof body === 'string') {
    response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
    await ended(response, signal, method === 'HEAD' ? '' : body);
    return;
  }
  const stream = new ReplyStream(body);
  try {
    response.writeHead(status, { ...headers });
    if (method !== 'HEAD') {
      response.flushHeaders();
      await sendTexts(stream, response, signal);
    }
    await ended(response, signal, '');
  } finally {
    stream.close();
  }
}

async function sendTexts(stream: ReplyStream, response: ServerResponse, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const text = await unlessGone(stream.next(), signal);
    if (text === undefined) return;
    if (!response.write(text)) await drained(response, signal);
  }
}

/** What is waited for, or undefined as soon as the client leaves; a source may wait for ever. */
function unlessGone(next: Promise<string | undefined>, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => resolve(undefined));
    next.then(resolve, reject).finally(forget);
  });
}

/** Resolves when the client has taken what was written, and when it leaves. */
function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const drain = () => {
      forget();
      resolve();
    };
    response.once('drain', drain);
    const forget = onAbort(signal, () => {
      response.off('drain', drain);
      resolve();
    });
  });
}

function ended(response: ServerResponse, signal: AbortSignal, last: string): Promise<void> {
  return new Promise((resolve) => {
    onAbort(signal, resolve);
    if (!signal.aborted) response.end(last, () => resolve());
  });
}

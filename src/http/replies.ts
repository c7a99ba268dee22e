import type { HttpReply } from './http-message.js';

/** Replies about the present moment: no cache on the way may keep them, and no browser may guess another type. */
const always = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** One line of text. */
export function textReply(status: number, text: string, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...always, ...headers }, body: `${text}\n` };
}

export function jsonReply(status: number, value: object, headers: Readonly<Record<string, string>> = {}): HttpReply {
  const body = `${JSON.stringify(value)}\n`;
  return { status, headers: { 'content-type': 'application/json; charset=utf-8', ...always, ...headers }, body };
}

export const brokenTarget = (): HttpReply => textReply(400, 'The address of the request cannot be read.');

/** @param known what can be asked for instead, by the last segment of the path */
export function notFound(known: readonly string[]): HttpReply {
  return textReply(404, `Nothing is served at this path; known are ${known.join(', ')}.`);
}

export function methodNotAllowed(allowed: readonly string[]): HttpReply {
  return textReply(405, `Only ${allowed.join(' and ')} can be asked here.`, { allow: allowed.join(', ') });
}

/** Whether the request only reads, so that a handler without actions may answer it. */
export const reads = (method: string): boolean => method === 'GET' || method === 'HEAD';

/** The last part of a path that is not empty, by which a handler can be mounted anywhere: `readyz` of `/a/readyz/`. */
export function lastSegment(path: string): string {
  return path.split('/').findLast((segment) => segment !== '') ?? '';
}

import type { IncomingMessage } from 'node:http';
import { longestBody } from './http-message.js';
import { RefusedRequest } from './refused-request.js';

/** The body of a request of node:http. */
export async function incomingBody(incoming: IncomingMessage): Promise<string> {
  // A framework may have read it before, and what it has read cannot be read again.
  const { body } = incoming as { readonly body?: unknown };
  if (body !== undefined && incoming.readableEnded) return parsedBody(body);
  if (Number(incoming.headers['content-length'] ?? 0) > longestBody) throw tooLong();
  return await readText(incoming);
}

/** The body of a request of fetch. */
export async function fetchedBody(request: Request): Promise<string> {
  if (Number(request.headers.get('content-length') ?? 0) > longestBody) throw tooLong();
  const reader = request.body?.getReader();
  if (reader === undefined) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw tooShort();
    });
    if (done) return decode(Buffer.concat(chunks));
    length += value.length;
    if (length > longestBody) {
      void reader.cancel().catch(() => undefined);
      throw tooLong();
    }
    chunks.push(value);
  }
}

/** A body that a framework has read and parsed. */
export function parsedBody(body: unknown): string {
  if (body === undefined || body === null) return '';
  const text = body instanceof Uint8Array ? decode(body) : typeof body === 'string' ? body : JSON.stringify(body);
  if (Buffer.byteLength(text) > longestBody) throw tooLong();
  return text;
}

/** Reads to the end, or as far as allowed: the rest of a longer body is left to the server, which drops it. */
function readText(incoming: IncomingMessage): Promise<string> {
  if (incoming.readableEnded) return Promise.resolve('');
  const read = new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const stop = () => incoming.off('data', take).off('end', whole).off('close', broken).off('error', broken);
    const take = (chunk: Buffer | string) => {
      const bytes = Buffer.from(chunk);
      length += bytes.length;
      if (length <= longestBody) chunks.push(bytes);
      else {
        stop();
        reject(tooLong());
      }
    };
    const whole = () => {
      stop();
      resolve(Buffer.concat(chunks));
    };
    const broken = () => {
      stop();
      reject(tooShort());
    };
    incoming.on('data', take).once('end', whole).once('close', broken).once('error', broken);
    // One that is closed already says nothing more.
    if (incoming.destroyed) broken();
  });
  return read.then(decode);
}

/** @throws RefusedRequest for bytes that are no UTF-8 */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new RefusedRequest(400, 'The body of the request is no UTF-8.');
  }
}

const tooLong = () => new RefusedRequest(413, `The body of the request is longer than ${longestBody} bytes.`);

const tooShort = () => new RefusedRequest(400, 'The body of the request ended too early.');

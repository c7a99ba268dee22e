import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { hostOf } from '../endpoints/endpoint-address.js';

/** The content of a request. */
export interface Posting {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Ends the request, also while its answer is being read. */
  readonly signal: AbortSignal;
}

/**
 * Posts to a server whose address is an IP address, and which is known by a name: its certificate is checked against
 * the name. `fetch` cannot do that. Follows no redirect.
 *
 * @throws Error when there is no answer
 */
export function postByName(address: URL, servername: string, { headers, body, signal }: Posting): Promise<Response> {
  const request = address.protocol === 'https:' ? httpsRequest : httpRequest;
  const named = { ...headers, Host: hostOf({ url: address.href, servername }) };
  // No agent: no connection is kept after the answer.
  const options = { method: 'POST', headers: named, signal, agent: false as const, servername };
  return new Promise((resolve, reject) => {
    const onAnswer = (answer: IncomingMessage): void => {
      const content = Readable.toWeb(answer) as ReadableStream<Uint8Array>;
      resolve(new Response(content, { status: answer.statusCode ?? 500 }));
    };
    request(address, options, onAnswer).once('error', reject).end(body);
  });
}

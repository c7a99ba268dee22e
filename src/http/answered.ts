import { messageOf } from '../errors/error-message.js';
import type { HttpAnswer, HttpReply, HttpRequest } from './http-message.js';
import { RefusedRequest } from './refused-request.js';
import { textReply } from './replies.js';

/**
 * The reply to a request. Never rejects: a handler is called by a server, which would end the process or leave the client
 * without a reply.
 */
export async function answered(answer: HttpAnswer, request: HttpRequest): Promise<HttpReply> {
  try {
    return await answer(request);
  } catch (error) {
    if (error instanceof RefusedRequest) return textReply(error.status, error.message);
    failed(error);
    return textReply(500, 'The handler failed. The process that serves it has the reason in its warnings.');
  }
}

/** Tells the owner of the process, not the client, to whom the message could say too much. */
export function failed(error: unknown): void {
  process.emitWarning(`a request could not be answered: ${messageOf(error)}`, 'SurrealPoolWarning');
}

import { ConnectionLostError } from '../errors/call.js';
import { UsageError } from '../errors/configuration.js';
import { messageOf } from '../errors/error-message.js';
import type { SentCall } from './engine.js';

/** From this size on, in bytes, the error of a lost call mentions the size of its message. */
const largeMessage = 2 ** 20;

/** The error of a call whose connection was lost. It says whether the call may have been executed. */
export function lostCall(endpoint: string, { method, bytes, refused }: SentCall, cause: unknown): Error {
  const why = messageOf(cause);
  if (refused === 'too-large') {
    return new UsageError(
      `"${method}" was not executed: its message of ${inWords(bytes)} is larger than ${endpoint} takes (${why})`,
      { cause },
    );
  }
  if (refused === 'unread') {
    return new ConnectionLostError(
      `"${method}" was not executed: the connection to ${endpoint} was lost before it was read (${why})`,
      { outcome: 'not-sent', cause },
    );
  }
  return new ConnectionLostError(
    `the connection to ${endpoint} was lost while "${method}" was under way (${why}); it may have been executed${hintAtSize(bytes)}`,
    { outcome: 'unknown', cause },
  );
}

/** The error of a call whose message the server could not read. */
export function malformedCall(endpoint: string, method: string, cause: unknown): UsageError {
  return new UsageError(
    `"${method}" was not executed: ${endpoint} cannot read its message (${messageOf(cause)}); is there a StringRecordId in it that is no record id, or a value nested more than 60 deep?`,
    { cause },
  );
}

/**
 * Whether an embedded engine could not read a message. It says so by an error of no class, as if the engine were ill: a
 * value of one caller would open the circuit for all.
 */
export function isUnreadByEngine(error: unknown): boolean {
  if (!(error instanceof Error) || Object.getPrototypeOf(error) !== Error.prototype) return false;
  return /^(?:RecursionLimitExceeded$|Expected a valid )/.test(error.message);
}

/** Mentions the size, since SurrealDB closes the connection on a message that is too large without saying why. */
function hintAtSize(bytes: number): string {
  return bytes < largeMessage
    ? ''
    : `. Its message had ${inWords(bytes)}: a server ends the connection of one that is larger than it takes, which is 128 MiB unless SURREAL_WEBSOCKET_MAX_MESSAGE_SIZE says otherwise`;
}

function inWords(bytes: number): string {
  return bytes < 2 ** 20 ? `${bytes} bytes` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

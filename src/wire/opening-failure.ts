import { UnexpectedConnectionError } from 'surrealdb';
import { withoutQuery } from '../config/address.js';
import { ConnectError } from '../errors/connect.js';
import { messageOf } from '../errors/error-message.js';
import { isRefusedForGood } from '../errors/server-errors.js';
import { UpgradeRefusedError } from '../errors/upgrade-refused.js';

/** The error of a failed opening. */
export function connectFailure(url: string, failure: unknown): ConnectError {
  // The SDK's own error adds nothing.
  const cause = failure instanceof UnexpectedConnectionError ? (failure.cause ?? failure) : failure;
  const endpoint = withoutQuery(url);
  const retryAfter = cause instanceof UpgradeRefusedError ? cause.retryAfter : undefined;
  const message = `cannot connect to ${endpoint}: ${lockedBy(cause)}${messageOf(cause)}`;
  return new ConnectError(message, { endpoint, fatal: isRefusedForGood(cause), retryAfter, cause });
}

/** Says who holds the files of an embedded database, as far as the storage's error tells; empty when they are free. */
function lockedBy(cause: unknown): string {
  const words = messageOf(cause);
  if (/lock hold by current process/i.test(words)) return 'another engine of this process has its files open: ';
  return /lock file|already locked/i.test(words) ? 'another engine or process has its files open: ' : '';
}

import { ServerError } from 'surrealdb';
import { causes } from './causes.js';
import { ConfigurationError, UsageError } from './configuration.js';
import { CredentialsFailure } from './credentials-failure.js';
import { SocketClosedError } from './socket-closed.js';
import { UpgradeRefusedError } from './upgrade-refused.js';

/**
 * Whether the server refused because of a concurrent transaction and says that a retry may help. Servers before 3.0.5
 * say so only in the text of the error or of one of its causes, always in the same words.
 */
export function isConflict(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (/This transaction can be retried/.test(cause.message)) return true;
    if (cause instanceof ServerError && detailKind(cause.details) === 'TransactionConflict') return true;
  }
  return false;
}

/** Whether the server refused because it is shutting down or has no room: it executed nothing, and another one may. */
export function isShuttingDown(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (!(cause instanceof ServerError) || cause.kind !== 'Internal') continue;
    if (/gracefully shutting down|unable to handle the request/.test(cause.message)) return true;
  }
  return false;
}

/**
 * Whether an error of a call, of the end of a connection or of an opening says that its server is shutting down, has no
 * room, or does not listen: no further work belongs there. The loss of a connection alone does not say that.
 */
export function isLeaving(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (cause instanceof SocketClosedError || cause instanceof UpgradeRefusedError) return cause.isLeaving;
    // A server that is stopped no longer listens, while its open connections last until their calls have ended.
    if ((cause as NodeJS.ErrnoException).code === 'ECONNREFUSED') return true;
  }
  return isShuttingDown(error);
}

/** Whether the server refused because it has too many requests now: it executed nothing, and may do it later. */
export function isBusy(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (!(cause instanceof ServerError) || cause.kind !== 'Validation') continue;
    if (/Too many open transactions/i.test(cause.message)) return true;
  }
  return false;
}

/**
 * Whether the loss of a connection means that something is wrong with its endpoint. It does not when this client sent a
 * message that was too large, or read its live notifications too slowly.
 */
export function isIllness(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (cause instanceof SocketClosedError) return cause.isIllness;
  }
  return true;
}

/** Whether the server could not parse the text: it executed nothing of it. */
export function isParseError(error: unknown): boolean {
  return error instanceof ServerError && error.kind === 'Validation' && /^Parse error/.test(error.message);
}

/**
 * Whether a connection was lost because the other side or the network ended it. False when this client could not read
 * an answer, since the same call would end the next connection too; and when nothing arrived for long, since the call
 * has already taken long.
 */
export function isEndOfConnection(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (cause instanceof SocketClosedError) return cause.isIllness;
    if (typeof (cause as NodeJS.ErrnoException).syscall === 'string') return true;
  }
  return false;
}

/** Whether the server answered at all: one that answers is alive. */
export function isAnswer(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (cause instanceof ServerError) return !isShuttingDown(cause);
  }
  return false;
}

/** Kinds of errors for which waiting does not help. */
const forGood: ReadonlySet<string> = new Set(['NotAllowed', 'NotFound', 'Validation', 'Configuration', 'Thrown']);

/**
 * Whether an identity cannot be had, however often the pool tries: the server refuses it, or there are no credentials
 * to send.
 */
export function isRefusedForGood(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (cause instanceof ConfigurationError || cause instanceof UsageError) return true;
    if (cause instanceof CredentialsFailure) return true;
    if (cause instanceof ServerError && forGood.has(cause.kind)) return !isBusy(cause);
  }
  return false;
}

/**
 * Whether a user cannot be signed in, however often the pool tries. During sign-in every server error counts as a
 * refusal: SurrealDB 3.0 reports an unknown access method, or an invalid token, as an internal error.
 */
export function isSignInRefused(error: unknown): boolean {
  return isAnswer(error) || isRefusedForGood(error);
}

/** Whether the server treats the session as expired or anonymous: it executed nothing. */
export function isLostIdentity(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (!(cause instanceof ServerError) || cause.kind !== 'NotAllowed') continue;
    const detail = Object(cause.details).details as { kind?: unknown; details?: { actor?: unknown } } | undefined;
    if (detail?.kind === 'SessionExpired' || detail?.kind === 'TokenExpired') return true;
    if (detail?.details?.actor === 'anonymous') return true;
  }
  return false;
}

/** Whether the server certainly refused the identity, not the session on which it was tried. */
export function isIdentityRefused(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (cause instanceof CredentialsFailure || cause instanceof ConfigurationError) return true;
    if (cause instanceof ServerError && cause.kind === 'NotAllowed') return true;
  }
  return false;
}

/** Whether the server refused a token only because it has expired. */
export function isTokenExpired(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (cause instanceof ServerError && detailKind(Object(cause.details).details) === 'TokenExpired') return true;
  }
  return false;
}

/** Whether two sessions defined the same namespace or database at once, which rocksdb reports in its own words. */
export function isDefinitionConflict(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (/Transaction conflict/.test(cause.message)) return true;
  }
  return isConflict(error);
}

/**
 * Adds the error of the failed statement to the others of its `BEGIN … COMMIT` block. One answer of a block says what
 * failed, a statement or the commit, and it is seldom the first; the rest say only that they were not executed. That
 * error becomes their `cause`, and its message is added to theirs: the SDK rejects with the first error, and a log may
 * keep only its message. A block cancelled by its own text has no such error, and its answers stay unchanged.
 *
 * @param errors the error of each statement, in order; undefined for one that did not fail
 */
export function explainByCause(errors: readonly (Error | undefined)[]): void {
  let block: Error[] = [];
  const explain = (): void => {
    const cause = block.find((error) => !isSideEffect(error));
    for (const error of block) {
      if (cause === undefined || !isSideEffect(error) || error.cause !== undefined) continue;
      Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
      error.message += `: ${cause.message}`;
    }
    block = [];
  };
  // BEGIN always succeeds, so between the errors of two blocks there is a statement that did not fail.
  for (const error of errors) {
    if (error === undefined) explain();
    else block.push(error);
  }
  explain();
}

/** Whether a statement failed only because its transaction did. */
function isSideEffect(error: Error): boolean {
  if (!(error instanceof ServerError)) return false;
  const kind = detailKind(error.details);
  return (kind === 'NotExecuted' || kind === 'Cancelled') && / transaction\b/.test(error.message);
}

/** Whether the server does not know the transaction (any more), and so cannot have committed it. */
export function isTransactionUnknown(error: unknown): boolean {
  return (
    error instanceof ServerError && error.kind === 'Validation' && error.message.startsWith('Transaction not found')
  );
}

/** Whether the server does not know the method. */
export function isMethodUnknown(error: unknown): boolean {
  return error instanceof ServerError && error.kind === 'NotFound' && detailKind(error.details) === 'Method';
}

/** Whether the server knows the method but does not let this client call it now. */
export function isMethodRefused(error: unknown, method: string): boolean {
  if (!(error instanceof ServerError) || error.kind !== 'NotAllowed' || detailKind(error.details) !== 'Method')
    return false;
  const { details } = Object(error.details) as { details?: { name?: unknown } };
  return details?.name === undefined || details.name === method;
}

/** Whether the server refused the credentials or the token themselves. */
export function isRefusedAuthentication(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (cause instanceof ServerError && cause.kind === 'NotAllowed') return true;
  }
  return false;
}

function detailKind(details: unknown): unknown {
  return typeof details === 'object' && details !== null && 'kind' in details ? details.kind : undefined;
}

import { Uuid } from 'surrealdb';

/**
 * What a server may answer to a method. The SDK takes whatever comes for what it expects, and stumbles over it somewhere
 * behind: with an error that tells nothing, or by forgetting the call without an answer to whoever waits for it. So what
 * is no answer is found out before. Methods that are not named here may be answered by anything.
 */
const answers: Readonly<Record<string, (result: unknown) => boolean>> = {
  query: (result) => Array.isArray(result) && result.every(isStatementResult),
  version: (result) => typeof result === 'string',
  signin: isTokens,
  signup: isTokens,
  refresh: isTokens,
  begin: (result) => result instanceof Uuid,
};

export function isAnswerTo(method: string, result: unknown): boolean {
  return answers[method]?.(result) ?? true;
}

/** Whether this is an error as a server tells it, with the errors that caused it. */
export function isServerError(error: unknown): boolean {
  return isObject(error) && typeof error.message === 'string' && isKindAndCause(error);
}

/** Of JSON-RPC: the other side could not read a message. */
export const parseErrorCode = -32700;

/** Whether this says that the server could not read a message. It cannot say which: the number of the call is in there. */
export function isUnreadRequest({ id, error }: { readonly id?: unknown; readonly error?: unknown }): boolean {
  return (id === undefined || id === null) && isObject(error) && error.code === parseErrorCode;
}

/** How long a statement took, in the spellings that the SDK reads. */
const statementTime = /^\d+(?:\.\d+)?(?:ns|µs|μs|us|ms|s|m|h|d|w|y)$/;

function isStatementResult(result: unknown): boolean {
  if (!isObject(result) || typeof result.time !== 'string' || !statementTime.test(result.time)) return false;
  if (result.status === 'OK') return true;
  return result.status === 'ERR' && typeof result.result === 'string' && isKindAndCause(result);
}

function isKindAndCause({ kind, cause }: Readonly<Record<string, unknown>>): boolean {
  if (kind !== undefined && kind !== null && typeof kind !== 'string') return false;
  return cause === undefined || cause === null || isServerError(cause);
}

function isTokens(result: unknown): boolean {
  return typeof result === 'string' || (isObject(result) && typeof result.access === 'string');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

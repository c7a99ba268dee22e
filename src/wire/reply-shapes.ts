import { Uuid } from 'surrealdb';

/**
 * What a server may answer to a method. The SDK does not check answers and fails later on a bad one: with an error that
 * says nothing, or by dropping the call, so that its caller waits for ever. So answers are checked before. Methods not
 * named here may have any answer.
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

/** Whether this is a well-formed server error, including its causes. */
export function isServerError(error: unknown): boolean {
  return isObject(error) && typeof error.message === 'string' && isKindAndCause(error);
}

/** The JSON-RPC code for a message that the other side could not read. */
export const parseErrorCode = -32700;

/**
 * Whether the server says that it could not read a message. It cannot say which: the number of the call is in the
 * message.
 */
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

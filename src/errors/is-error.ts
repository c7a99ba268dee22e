import { types } from 'node:util';

/**
 * Whether it is an error, also one of another realm: where a test has a realm of its own, as in Jest, the errors of Node's
 * own modules are no `Error` there.
 */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

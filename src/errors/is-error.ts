import { types } from 'node:util';

/**
 * Whether a value is an error, also of another realm: in a test with its own realm, as in Jest, errors of Node's own
 * modules are no `Error`.
 */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

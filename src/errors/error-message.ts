import { isError } from './is-error.js';

/** The message of anything thrown. Never throws itself. */
export function messageOf(error: unknown): string {
  try {
    return messageWithin(error, []);
  } catch {
    return 'something that cannot be put into words';
  }
}

/** @param around the errors that this one is one of */
function messageWithin(error: unknown, around: readonly unknown[]): string {
  if (!isError(error)) {
    // The SDK throws some objects with a message that are no `Error`.
    const { message } = Object(error) as { message?: unknown };
    return typeof message === 'string' ? message : String(error);
  }
  if (error.message !== '') return String(error.message);
  // Node's error for a name with several addresses has no message of its own; the errors in it have.
  if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0 && !around.includes(error)) {
    return error.errors.map((one) => messageWithin(one, [...around, error])).join('; ');
  }
  return codeOf(error) ?? error.name;
}

/** The name and message of an error. Never throws. */
export function inOneLine(error: unknown): string {
  return error instanceof Error && error.message !== '' ? `${error.name}: ${error.message}` : messageOf(error);
}

function codeOf({ code }: Error & { code?: unknown }): string | undefined {
  return typeof code === 'string' ? code : undefined;
}

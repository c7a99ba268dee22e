import { isError } from './is-error.js';

/** The message of anything thrown. Never throws itself. */
export function messageOf(error: unknown): string {
  if (isError(error) && error.message !== '') return error.message;
  // Node's error for a name with several addresses has no message of its own; the errors in it have.
  if (isError(error) && 'errors' in error && Array.isArray(error.errors) && error.errors.length > 0)
    return error.errors.map(messageOf).join('; ');
  if (isError(error)) return codeOf(error) ?? error.name;
  try {
    // The SDK throws some objects with a message that are no `Error`.
    const { message } = Object(error) as { message?: unknown };
    return typeof message === 'string' ? message : String(error);
  } catch {
    return 'something that cannot be put into words';
  }
}

/** The name and message of an error. Never throws. */
export function inOneLine(error: unknown): string {
  return error instanceof Error && error.message !== '' ? `${error.name}: ${error.message}` : messageOf(error);
}

function codeOf({ code }: Error & { code?: unknown }): string | undefined {
  return typeof code === 'string' ? code : undefined;
}

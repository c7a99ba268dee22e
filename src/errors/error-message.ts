import { isError } from './is-error.js';

/** What an error says, whatever it was that was thrown. Never throws itself. */
export function messageOf(error: unknown): string {
  if (isError(error) && error.message !== '') return error.message;
  // Node's failure to connect to a name with several addresses says nothing itself: the failures in it do.
  if (isError(error) && 'errors' in error && Array.isArray(error.errors) && error.errors.length > 0)
    return error.errors.map(messageOf).join('; ');
  if (isError(error)) return codeOf(error) ?? error.name;
  try {
    // The SDK throws some that have a message and are no `Error`.
    const { message } = Object(error) as { message?: unknown };
    return typeof message === 'string' ? message : String(error);
  } catch {
    return 'something that cannot be put into words';
  }
}

/** The name of an error and what it says. Never throws. */
export function inOneLine(error: unknown): string {
  return error instanceof Error && error.message !== '' ? `${error.name}: ${error.message}` : messageOf(error);
}

function codeOf({ code }: Error & { code?: unknown }): string | undefined {
  return typeof code === 'string' ? code : undefined;
}

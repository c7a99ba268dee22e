import { isError } from './is-error.js';

/** What an error says, whatever it was that was thrown. Never throws itself. */
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
    // The SDK throws some that have a message and are no `Error`.
    const { message } = Object(error) as { message?: unknown };
    return typeof message === 'string' ? message : String(error);
  }
  if (error.message !== '') return String(error.message);
  // Node's failure to connect to a name with several addresses says nothing itself: the failures in it do.
  if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0 && !around.includes(error)) {
    return error.errors.map((one) => messageWithin(one, [...around, error])).join('; ');
  }
  return codeOf(error) ?? error.name;
}

/** The name of an error and what it says. Never throws. */
export function inOneLine(error: unknown): string {
  return error instanceof Error && error.message !== '' ? `${error.name}: ${error.message}` : messageOf(error);
}

function codeOf({ code }: Error & { code?: unknown }): string | undefined {
  return typeof code === 'string' ? code : undefined;
}

/** What an error says, whatever it was that was thrown. Never throws itself. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  try {
    // The SDK throws some that have a message and are no `Error`.
    const { message } = Object(error) as { message?: unknown };
    return typeof message === 'string' ? message : String(error);
  } catch {
    return 'something that cannot be put into words';
  }
}

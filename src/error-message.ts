/** What an error says, whatever it was that was thrown. Never throws itself. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  try {
    return String(error);
  } catch {
    return 'something that cannot be put into words';
  }
}

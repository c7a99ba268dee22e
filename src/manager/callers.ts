/** The stack above a function: who called it. */
export function callersOf(called: (...parameters: never[]) => unknown): string {
  const at: { stack?: string } = {};
  Error.captureStackTrace(at, called);
  return at.stack?.split('\n').slice(1).join('\n') ?? '';
}

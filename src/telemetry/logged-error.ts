import { copiedError } from '../errors/copied-error.js';
import { messageOf } from '../errors/error-message.js';

/** Frames of Node, of an installed package, or of no file: a log can do without them. */
const foreign = /[\\/]node_modules[\\/]|[( ]node:|<anonymous>\)?$/;

/**
 * An error for a line of the log, in which each cause stands once. The messages of the pool end with those of their
 * causes, for those who see nothing else, and a logger such as pino adds the message and the stack of each cause to that:
 * so the error that is logged has no causes, and the lines of the program where the first of them was made.
 */
export function loggedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const message = messageWithCauses(error);
  const logged = copiedError(error, ['stack', 'message', 'cause', 'errors', 'snapshot']);
  const { snapshot, stack } = error as { readonly snapshot?: object; readonly stack?: unknown };
  define(logged, 'message', message);
  if (typeof stack === 'string') define(logged, 'stack', `${logged}\n${framesOf(stack, error).join('\n')}`);
  if (snapshot !== undefined) Object.assign(logged, { snapshot: withoutTold(snapshot, message) });
  return logged;
}

function define(error: Error, key: string, value: string): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true });
}

/** Of the error and its causes; one that stands in the message before it is not added. */
export function messageWithCauses(error: unknown): string {
  let message = messageOf(error);
  for (const cause of causesOf(error)) {
    const more = messageOf(cause);
    if (!message.includes(more)) message += `: ${more}`;
  }
  return message;
}

/** A chain may be a circle, and as long as its maker likes. */
function causesOf(error: unknown): unknown[] {
  const causes = new Set<unknown>();
  for (let cause = error; cause instanceof Error && !causes.has(cause) && causes.size < 10; cause = cause.cause) {
    if (cause.cause !== undefined) causes.add(cause);
  }
  return [...causes].map((cause) => (cause as Error).cause);
}

/** The frames of the error, and those of the program where its first cause was made. */
function framesOf(stack: string, error: Error): string[] {
  const isFrame = (line: string): boolean => /^\s+at /.test(line);
  const frames = stack.split('\n').filter(isFrame);
  const first: unknown = causesOf(error).at(-1);
  const made = first instanceof Error && typeof first.stack === 'string' ? first.stack.split('\n') : [];
  const own = made.filter((line) => isFrame(line) && !foreign.test(line) && !frames.includes(line));
  return own.length === 0 ? frames : [...frames, '  caused by', ...own];
}

function withoutTold(snapshot: object, message: string): object {
  const { lastOpenError, ...rest } = snapshot as { readonly lastOpenError?: unknown };
  const isTold = typeof lastOpenError === 'string' && message.includes(lastOpenError);
  return isTold || lastOpenError === undefined ? rest : snapshot;
}

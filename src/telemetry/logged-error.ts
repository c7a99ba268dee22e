import { copiedError } from '../errors/copied-error.js';
import { messageOf } from '../errors/error-message.js';

/** Frames of Node, of an installed package, or of no file, which are left out of a log. */
const foreign = /[\\/]node_modules[\\/]|[( ]node:|<anonymous>\)?$/;

/**
 * A copy of an error for the log, in which each cause appears once. Messages of the pool end with those of their
 * causes, and a logger such as pino appends the message and stack of each cause again. So the copy has no causes, but
 * the program's stack lines of the first one.
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

/** The message of an error with those of its causes, unless the message before already contains them. */
export function messageWithCauses(error: unknown): string {
  let message = messageOf(error);
  for (const cause of causesOf(error)) {
    const more = messageOf(cause);
    if (!message.includes(more)) message += `: ${more}`;
  }
  return message;
}

/** The chain of causes, bounded: it may be circular or very long. */
function causesOf(error: unknown): unknown[] {
  const causes = new Set<unknown>();
  for (let cause = error; cause instanceof Error && !causes.has(cause) && causes.size < 10; cause = cause.cause) {
    if (cause.cause !== undefined) causes.add(cause);
  }
  return [...causes].map((cause) => (cause as Error).cause);
}

/** The frames of the error, and the program's frames of its first cause. */
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

import { SurrealError } from 'surrealdb';
import type { Asked } from './asked.js';
import { copiedError } from './copied-error.js';
import { PoolError } from './pool-error.js';

/** The errors that callers were given, each with the stack it was made with. */
const given = new WeakMap<Error, string>();
/** So many ticks after a call failed, those who wait for it have said so, also when it failed before they could. */
const ticks = 4;
/** The SDK and the pool stand between a failure and its caller with fewer frames than this. */
const framesBetween = 20;

/**
 * What a caller is rejected with: the error with the caller's own lines in its stack, and what was asked under `asked`.
 *
 * An error is made where an answer is read, or in a timer: its stack leads there, and to no line of the program. Where the
 * rejection of a call passes its outermost async function, V8 still knows who awaits it, so the stack is taken there: a
 * call that succeeds pays nothing.
 *
 * Several calls may fail with one error, those of a message that was lost for example. The first caller is given the error
 * itself, every other one a copy.
 *
 * @param asked called when the error is one of ours or of the SDK: others are the program's own and stay as they are
 */
export async function forCaller(error: unknown, asked: () => Asked): Promise<unknown> {
  if (!isOurs(error)) return error;
  const own = ownOf(error);
  for (let tick = 0; tick < ticks; tick++) await undefined;
  return told(own, framesOf(forCaller), asked());
}

/** The same for the errors in an answer, each of which the SDK may throw. Most answers have none. */
export async function answerForCaller(
  answer: readonly { readonly error?: Error | undefined }[],
  asked: () => Asked,
): Promise<void> {
  for (let tick = 0; tick < ticks; tick++) await undefined;
  const frames = framesOf(answerForCaller);
  const what = asked();
  // An answer is read for one call alone, so none of its errors belongs to another caller as well.
  for (const { error } of answer) if (error !== undefined) told(error, frames, what);
}

function isOurs(error: unknown): error is Error {
  return error instanceof PoolError || error instanceof SurrealError;
}

/** The error itself for the first caller, a copy for every other one. */
function ownOf(error: Error): Error {
  const stack = given.get(error);
  if (stack === undefined) {
    given.set(error, stackOf(error));
    return error;
  }
  const copy = copiedError(error, ['stack']);
  given.set(copy, stack);
  return copy;
}

function told(error: Error, frames: readonly string[], asked: Asked): Error {
  Object.defineProperty(error, 'asked', { value: asked, enumerable: true, configurable: true, writable: true });
  const stack = given.get(error) ?? stackOf(error);
  given.set(error, stack);
  const value = withFrames(error, stack, frames);
  if (value !== undefined) Object.defineProperty(error, 'stack', { value, configurable: true, writable: true });
  return error;
}

/** Who awaits `passed`, and who awaits that, and so on: a line for each. */
function framesOf(passed: (...parameters: never[]) => unknown): string[] {
  const { stackTraceLimit } = Error;
  // 0 or no number: the program wants no stacks.
  if (!(stackTraceLimit > 0)) return [];
  const captured: { readonly stack?: unknown } = {};
  try {
    Error.stackTraceLimit = stackTraceLimit + framesBetween;
    Error.captureStackTrace(captured, passed);
    return linesOf(stackOf(captured));
  } catch {
    return [];
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Formatted when it is read, with an `Error.prepareStackTrace` of the process, which may give or do anything. */
function stackOf(captured: { readonly stack?: unknown }): string {
  try {
    const { stack } = captured;
    return typeof stack === 'string' ? stack : '';
  } catch {
    return '';
  }
}

const frame = /^\s+at /;
/** A line of Node, or of the pool or the SDK as they are installed: what lies between a failure and its caller. */
const between = /[( ]node:|[\\/]node_modules[\\/](?:surreal-pool|surrealdb)[\\/]/;
/** A line that is not of the program: of Node, of an installed package, or of no file. */
const foreign = /[\\/]node_modules[\\/]|[( ]node:|<anonymous>\)?$/;

function linesOf(stack: string): string[] {
  return stack.split('\n').filter((line) => frame.test(line));
}

/** Undefined when nothing leads to the caller: then the stack stays what it was. */
function withFrames(error: Error, stack: string, frames: readonly string[]): string | undefined {
  const first = frames.findIndex((line) => !between.test(line));
  const callers = first === -1 ? [] : frames.slice(first);
  if (callers.length === 0) return undefined;
  // An acquire may fail before its caller awaits anything: then lines of the program are in the stack already.
  const made = linesOf(stack).filter((line) => !foreign.test(line) && !callers.includes(line));
  return [String(error), ...made, ...callers].join('\n');
}

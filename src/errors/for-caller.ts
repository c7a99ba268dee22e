import { SurrealError } from 'surrealdb';
import type { Asked } from './asked.js';
import { copiedError } from './copied-error.js';
import { PoolError } from './pool-error.js';

/** The errors that callers got, each with its original stack. */
const given = new WeakMap<Error, string>();
/** This many ticks after a call failed, its callers have awaited it, even if it failed before they could. */
const ticks = 4;
/** Between a failure and its caller there are fewer frames of the SDK and the pool than this. */
const framesBetween = 20;

/**
 * The error for a caller: with the caller's own lines in its stack, and what was asked for under `asked`.
 *
 * An error is made where an answer is read, or in a timer, so its stack has no line of the program. When the rejection
 * passes the outermost async function of a call, V8 still knows the awaiting functions, so the stack is captured there:
 * a call that succeeds pays nothing.
 *
 * Several calls may fail with one error, for example those of one lost message. The first caller gets the error itself,
 * every other one a copy.
 *
 * @param asked called when the error is one of ours or of the SDK: others belong to the program and stay unchanged
 */
export async function forCaller(error: unknown, asked: () => Asked): Promise<unknown> {
  if (!isOurs(error)) return error;
  const own = ownOf(error);
  for (let tick = 0; tick < ticks; tick++) await undefined;
  return told(own, framesOf(forCaller), asked());
}

/** The same for the errors in an answer, each of which the SDK may throw. */
export async function answerForCaller(
  answer: readonly { readonly error?: Error | undefined }[],
  asked: () => Asked,
): Promise<void> {
  for (let tick = 0; tick < ticks; tick++) await undefined;
  const frames = framesOf(answerForCaller);
  const what = asked();
  // An answer belongs to one call, so its errors need no copies.
  for (const { error } of answer) if (error !== undefined) told(error, frames, what);
}

function isOurs(error: unknown): error is Error {
  return error instanceof PoolError || error instanceof SurrealError;
}

/** Returns the error itself to the first caller, a copy to every other one. */
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

/** The stack lines of the functions that await `passed`, directly and indirectly. */
function framesOf(passed: (...parameters: never[]) => unknown): string[] {
  const { stackTraceLimit } = Error;
  // 0 or no number: the program has turned stacks off.
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

/** Formatted when read, by `Error.prepareStackTrace` of the process, which may return or do anything. */
function stackOf(captured: { readonly stack?: unknown }): string {
  try {
    const { stack } = captured;
    return typeof stack === 'string' ? stack : '';
  } catch {
    return '';
  }
}

const frame = /^\s+at /;
/** A line of Node, or of the installed pool or SDK: these lie between a failure and its caller. */
const between = /[( ]node:|[\\/]node_modules[\\/](?:surreal-pool|surrealdb)[\\/]/;
/** A line not from the program: from Node, an installed package, or no file. */
const foreign = /[\\/]node_modules[\\/]|[( ]node:|<anonymous>\)?$/;

function linesOf(stack: string): string[] {
  return stack.split('\n').filter((line) => frame.test(line));
}

/** The stack with these frames; undefined when no line of the caller is known, so that the stack stays unchanged. */
function withFrames(error: Error, stack: string, frames: readonly string[]): string | undefined {
  const first = frames.findIndex((line) => !between.test(line));
  const callers = first === -1 ? [] : frames.slice(first);
  if (callers.length === 0) return undefined;
  // An acquire may fail before its caller awaits it: then the stack already has lines of the program.
  const made = linesOf(stack).filter((line) => !foreign.test(line) && !callers.includes(line));
  return [String(error), ...made, ...callers].join('\n');
}

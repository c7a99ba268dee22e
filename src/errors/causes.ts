import { isError } from './is-error.js';

/** A chain may be a circle, and as long as its maker likes. */
const longest = 50;

/** The error and what caused it, outermost first, each once. Whatever a program has thrown: never throws itself, and ends. */
export function causes(error: unknown): ReadonlySet<Error> {
  const found = new Set<Error>();
  for (let cause = error; isError(cause) && !found.has(cause) && found.size < longest; cause = causeOf(cause)) {
    found.add(cause);
  }
  return found;
}

function causeOf(error: Error): unknown {
  try {
    return error.cause;
  } catch {
    return undefined;
  }
}

import { AsyncResource } from 'node:async_hooks';

/** Made when the package is loaded, before any request, so code run in it sees no request's AsyncLocalStorage. */
const own = new AsyncResource('surreal-pool');

/**
 * Runs `work` outside of the current request. A timer, a socket or a promise keeps the AsyncLocalStorage stores of the
 * code that made it; those of the pool outlive the request that happened to need them, and would keep that request's
 * data in memory. Returns or throws what `work` does.
 *
 * Only what `work` starts before its first `await`, and what follows from that, runs outside; the caller's own code
 * keeps its context.
 */
export function inOwnContext<T>(work: () => T): T {
  return own.runInAsyncScope(work);
}

/** Wraps `listener`, so that the pool later calls it in the context of the code that passes it now. */
export function inThisContext<Arguments extends unknown[], T>(
  listener: (...args: Arguments) => T,
): (...args: Arguments) => T {
  const here = new AsyncResource('surreal-pool listener');
  return (...args) => here.runInAsyncScope(listener, undefined, ...args);
}

import { AsyncResource } from 'node:async_hooks';

/** Made while the package is loaded, before there is a request: what runs in it sees no request's AsyncLocalStorage. */
const own = new AsyncResource('surreal-pool');

/**
 * Runs `work` outside of the request that is being served. A timer, a socket or a promise keeps the AsyncLocalStorage
 * stores of the code that made it for as long as it lives; what the pool makes for itself lives longer than the request
 * that happened to need it, and would keep that request's data in memory. What `work` gives or throws is passed on.
 *
 * Only what `work` starts before it first awaits, and what follows from that, runs outside; the caller's own code goes
 * on in its own context.
 */
export function inOwnContext<T>(work: () => T): T {
  return own.runInAsyncScope(work);
}

/** `listener`, to be called by the pool later, in the context of the code that hands it over now. */
export function inThisContext<Arguments extends unknown[], T>(
  listener: (...args: Arguments) => T,
): (...args: Arguments) => T {
  const here = new AsyncResource('surreal-pool listener');
  return (...args) => here.runInAsyncScope(listener, undefined, ...args);
}

import { setMaxListeners } from 'node:events';

/**
 * Calls back once when the signal is aborted, at once if it is already. Returns the function that takes the wish back.
 * One signal may end any number of calls; Node would take the eleventh for a leak and print a warning.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => {};
  }
  setMaxListeners(0, signal);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

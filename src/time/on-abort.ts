/** The listeners of each signal, in order. */
const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once when the signal is aborted, at once if it already is. Returns a function that removes the listener.
 *
 * A signal may end any number of calls, so it gets one listener for all of them: Node searches the whole list of a
 * signal for each listener added or removed.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => {};
  }
  let told = listeners.get(signal);
  if (told === undefined) {
    told = new Set();
    listeners.set(signal, told);
  }
  if (told.size === 0) signal.addEventListener('abort', tellAll, { once: true });
  const own = (): void => listener();
  told.add(own);
  return () => {
    if (told.delete(own) && told.size === 0) signal.removeEventListener('abort', tellAll);
  };
}

function tellAll(this: AbortSignal): void {
  const told = listeners.get(this);
  listeners.delete(this);
  // A listener may remove a later one.
  for (const listener of told ?? []) listener();
}

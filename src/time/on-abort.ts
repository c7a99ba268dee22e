/** What is told when a signal is aborted, in its order. */
const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once when the signal is aborted, at once if it is already. Returns the function that takes the wish back.
 *
 * One signal may end any number of calls. It gets one listener for all of them: Node looks through the whole list of a
 * signal for each listener that comes or goes.
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
  // A listener may take back the wish of one that is told after it.
  for (const listener of told ?? []) listener();
}

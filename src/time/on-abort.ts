/** All that is to be told when one signal is aborted. */
interface Listeners {
  readonly all: Set<() => void>;
  /** The one listener at the signal itself. */
  readonly tell: () => void;
}

const listenersOf = new WeakMap<AbortSignal, Listeners>();

/**
 * Calls back once when the signal is aborted, at once if it is already. Returns a function that removes the listener.
 *
 * All listeners of one signal share one listener at the signal itself: Node looks through all of them to add or to remove
 * one, so that some ten thousand calls under one signal would stop the event loop for seconds.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => {};
  }
  const { all, tell } = listenersOf.get(signal) ?? listenTo(signal);
  // A wrapper of our own, so that the same function may be added twice and each removed alone.
  const own = (): void => listener();
  all.add(own);
  return () => {
    if (!all.delete(own) || all.size > 0) return;
    listenersOf.delete(signal);
    signal.removeEventListener('abort', tell);
  };
}

function listenTo(signal: AbortSignal): Listeners {
  const all = new Set<() => void>();
  const tell = (): void => {
    listenersOf.delete(signal);
    for (const listener of all) {
      all.delete(listener);
      listener();
    }
  };
  const listeners = { all, tell };
  listenersOf.set(signal, listeners);
  signal.addEventListener('abort', tell, { once: true });
  return listeners;
}

import { isMainThread } from 'node:worker_threads';
import { UsageError } from './errors/configuration.js';
import { ConnectionManager } from './manager.js';

const signals = ['SIGTERM', 'SIGINT'] as const;

/** The pools to shut down at a signal. They share one handler, which raises the signal again after the last. */
const registered = new Set<{ readonly manager: ConnectionManager }>();
let ending = false;

/**
 * Shuts the pool down when the process gets SIGTERM or SIGINT. After the last pool with such a handler the signal is
 * raised again, so that the process ends as it would have. If the program listens for the signal itself, it is not
 * raised again, because that would end the process in the middle of the program's own handling: its listener must end
 * the process.
 *
 * A second signal, if the program does not listen for it, ends the process at once, without waiting for the leases.
 *
 * @returns a function that removes the handlers
 * @throws UsageError for anything but a pool, and in a worker thread, which gets no signals
 */
export function shutdownOnSignals(manager: ConnectionManager): () => void {
  if (!isMainThread) {
    throw new UsageError(
      'shutdownOnSignals() does not work in a worker thread, since only the main thread gets signals: listen for them there, send the worker a message, and call shutdown() in the worker',
    );
  }
  if (!(manager instanceof ConnectionManager)) {
    throw new UsageError('shutdownOnSignals(pool) takes a pool: was it awaited? pool = await createPool(…)');
  }
  const registration = { manager };
  // Before the listeners of the program: one added with once() has left the list by the time it is called.
  if (registered.size === 0) for (const signal of signals) process.prependListener(signal, onSignal);
  registered.add(registration);
  // A pool registered while the others shut down is shut down too.
  if (ending) void manager.shutdown();
  return () => {
    if (registered.delete(registration) && registered.size === 0) removeHandlers();
  };
}

function onSignal(signal: NodeJS.Signals): void {
  // Without another listener the signal would have ended the process.
  const isOurs = process.listenerCount(signal) === 1;
  if (!ending) void endAll(signal, isOurs);
  else if (isOurs) end(signal);
}

async function endAll(signal: NodeJS.Signals, isOurs: boolean): Promise<void> {
  ending = true;
  for (const { manager } of registered) void manager.shutdown();
  // A second call gets the same report, and iterating a set also visits entries added meanwhile.
  for (const { manager } of registered) await manager.shutdown();
  end(isOurs ? signal : undefined);
}

/** @param signal the signal to raise again, if this function ends the process */
function end(signal: NodeJS.Signals | undefined): void {
  registered.clear();
  removeHandlers();
  ending = false;
  if (signal !== undefined) process.kill(process.pid, signal);
}

function removeHandlers(): void {
  for (const signal of signals) process.off(signal, onSignal);
}

import { isMainThread } from 'node:worker_threads';
import { UsageError } from './errors/configuration.js';
import { ConnectionManager } from './manager.js';

const signals = ['SIGTERM', 'SIGINT'] as const;

/** The pools that are to be shut down at a signal. All of them share one handler: the signal is raised again after the last. */
const registered = new Set<{ readonly manager: ConnectionManager }>();
let ending = false;

/**
 * Shuts the pool down when the process is told to end, by SIGTERM or SIGINT. After the last pool with such a handler the
 * process ends as it would have: the signal is raised again. Where the program listens for the signal itself, it is not
 * raised again, because that would end the process in the middle of what the program does: its own listener ends the process.
 *
 * A second signal that the program does not listen for ends the process at once, without waiting for the leases.
 *
 * @returns takes the handlers away again
 * @throws UsageError for what is no pool, and in a worker thread, which hears of no signals
 */
export function shutdownOnSignals(manager: ConnectionManager): () => void {
  if (!isMainThread) {
    throw new UsageError(
      'shutdownOnSignals() hears nothing in a worker thread, for signals are told to the main thread only: listen for them there, tell the worker by a message, and call shutdown() in the worker',
    );
  }
  if (!(manager instanceof ConnectionManager)) {
    throw new UsageError('shutdownOnSignals(pool) takes a pool: was it awaited? pool = await createPool(…)');
  }
  const registration = { manager };
  // Before the listeners of the program: one made with once() is gone from the list by the time it is called.
  if (registered.size === 0) for (const signal of signals) process.prependListener(signal, onSignal);
  registered.add(registration);
  // One that comes while the others end has come too late to go on.
  if (ending) void manager.shutdown();
  return () => {
    if (registered.delete(registration) && registered.size === 0) removeHandlers();
  };
}

function onSignal(signal: NodeJS.Signals): void {
  // No other listener is there, so that the signal would have ended the process.
  const isOurs = process.listenerCount(signal) === 1;
  if (!ending) void endAll(signal, isOurs);
  else if (isOurs) end(signal);
}

async function endAll(signal: NodeJS.Signals, isOurs: boolean): Promise<void> {
  ending = true;
  for (const { manager } of registered) void manager.shutdown();
  // A second call gets the same report; and a set brings what is added while it is walked through.
  for (const { manager } of registered) await manager.shutdown();
  end(isOurs ? signal : undefined);
}

/** @param signal raised again, when it is this function that ends the process */
function end(signal: NodeJS.Signals | undefined): void {
  registered.clear();
  removeHandlers();
  ending = false;
  if (signal !== undefined) process.kill(process.pid, signal);
}

function removeHandlers(): void {
  for (const signal of signals) process.off(signal, onSignal);
}

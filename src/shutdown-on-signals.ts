import type { ConnectionManager } from './manager.js';

const signals = ['SIGTERM', 'SIGINT'] as const;

/** The pools that want to be shut down first. All of them share one handler: the signal is raised again after the last. */
const registered = new Set<{ readonly manager: ConnectionManager }>();
let ending = false;

/**
 * Shuts the pool down when the process is told to end, then lets it end as it would have: the signal is raised again when
 * every pool with such a handler has ended. A second signal does not wait for the leases any more.
 *
 * @returns takes the handlers away again
 */
export function shutdownOnSignals(manager: ConnectionManager): () => void {
  const registration = { manager };
  if (registered.size === 0) for (const signal of signals) process.on(signal, onSignal);
  registered.add(registration);
  // One that comes while the others end has come too late to go on.
  if (ending) void manager.shutdown();
  return () => {
    if (registered.delete(registration) && registered.size === 0) removeHandlers();
  };
}

function onSignal(signal: NodeJS.Signals): void {
  if (ending) raise(signal);
  else void endAll(signal);
}

async function endAll(signal: NodeJS.Signals): Promise<void> {
  ending = true;
  for (const { manager } of registered) void manager.shutdown();
  // A second call gets the same report; and a set brings what is added while it is walked through.
  for (const { manager } of registered) await manager.shutdown();
  raise(signal);
}

function raise(signal: NodeJS.Signals): void {
  registered.clear();
  removeHandlers();
  ending = false;
  process.kill(process.pid, signal);
}

function removeHandlers(): void {
  for (const signal of signals) process.off(signal, onSignal);
}

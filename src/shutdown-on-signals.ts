import type { ConnectionManager } from './manager.js';

const signals = ['SIGTERM', 'SIGINT'] as const;

/**
 * Shuts the pool down when the process is told to end, then lets it end as it would have: the signal is raised again.
 * A second signal does not wait for the leases any more.
 *
 * @returns takes the handlers away again
 */
export function shutdownOnSignals(manager: ConnectionManager): () => void {
  let first: NodeJS.Signals | undefined;
  const remove = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  const end = (signal: NodeJS.Signals): void => {
    remove();
    process.kill(process.pid, signal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (first !== undefined) {
      end(signal);
      return;
    }
    first = signal;
    manager.shutdown().finally(() => end(signal));
  };
  for (const signal of signals) process.on(signal, onSignal);
  return remove;
}

import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM'] as const;

export type Interruption = (typeof signals)[number];

/** The exit code of a process ended by a signal: 130 for SIGINT, 143 for SIGTERM. */
export function exitCodeOf(interruption: Interruption): number {
  return 128 + constants.signals[interruption];
}

/** Resolves at the first signal to end, so that the command can clean up. A second one ends the process at once. */
export function firstInterruption(): Promise<Interruption> {
  return new Promise((interrupted) => {
    let isFirst = true;
    for (const signal of signals) {
      process.on(signal, () => {
        if (!isFirst) process.exit(exitCodeOf(signal));
        isFirst = false;
        interrupted(signal);
      });
    }
  });
}

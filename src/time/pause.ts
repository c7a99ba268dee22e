import type { Clock } from './clock.js';
import { onAbort } from './on-abort.js';

/**
 * Waits, without leaving a timer or listener behind.
 *
 * @param delay in milliseconds
 * @param signals end the pause early
 * @returns whether it lasted to its end; false when a signal ended it
 */
export function pause(clock: Clock, delay: number, signals: readonly (AbortSignal | undefined)[]): Promise<boolean> {
  if (signals.some((signal) => signal?.aborted)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (lasted: boolean): void => {
      timer.cancel();
      for (const forget of forgets) forget?.();
      resolve(lasted);
    };
    const timer = clock.timer(delay, true, () => end(true));
    const forgets = signals.map((signal) => signal && onAbort(signal, () => end(false)));
  });
}

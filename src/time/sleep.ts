import { systemClock } from './clock.js';
import { onAbort } from './on-abort.js';

/** Waits for so many milliseconds, or until the signal is aborted: resolves either way. Holds the process meanwhile. */
export function sleep(delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = systemClock.timer(delay, true, () => {
      forget?.();
      resolve();
    });
    const forget =
      signal &&
      onAbort(signal, () => {
        timer.cancel();
        resolve();
      });
  });
}

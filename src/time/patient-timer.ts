import type { Clock, Timer } from './clock.js';

/** Into how many parts the time is cut. */
const parts = 4;

/**
 * A timer for work that takes several answers, as opening a connection does. Its time is counted in four parts, one after
 * the other, so that an event loop that was blocked takes one of them at most: this process, and not the server, has used
 * the time, and the answers to what could not be asked meanwhile are still to come.
 *
 * On a loop that turns, it calls back after `delay` milliseconds, or a little later.
 */
export function patientTimer(clock: Clock, delay: number, holdsProcess: boolean, callback: () => void): Timer {
  let left = parts;
  const next = (): Timer =>
    clock.timer(delay / parts, holdsProcess, () => {
      left--;
      if (left === 0) callback();
      else timer = next();
    });
  let timer = next();
  return { cancel: () => timer.cancel() };
}

import type { Clock, Timer } from './clock.js';

/** Into how many parts the time is split. */
const parts = 4;

/**
 * A timer for work of several round trips, such as opening a connection. Its time is counted in four parts, one after
 * the other, so that a blocked event loop uses up one of them at most: this process used the time, not the server, and
 * requests that could not be sent meanwhile still need their answers.
 *
 * On an event loop that is not blocked, it calls back after `delay` milliseconds or a little later.
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

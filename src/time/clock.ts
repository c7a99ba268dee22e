/** A timer that has not fired yet; cancelling it twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** All the pool knows of time. Injected, so that tests run the same code under a virtual clock. */
export interface Clock {
  /** Milliseconds on a monotonic scale: never the time of day, which jumps. */
  now(): number;
  /**
   * Calls back once, `delay` milliseconds from now or a little later.
   * `holdsProcess`: whether the process stays alive for it, as it must where somebody waits for the outcome.
   */
  timer(delay: number, holdsProcess: boolean, callback: () => void): Timer;
}

/** Node fires a timer with a longer delay at once; ours fires early then, and whoever armed it looks again. */
const longestDelay = 2 ** 31 - 1;

let thisTurn: number | undefined;

function forgetThisTurn(): void {
  thisTurn = undefined;
}

/**
 * The process's monotonic clock, read once per turn of the event loop: two precise readings would cost more than a
 * whole acquire and release. Within one turn time stands still.
 */
export const systemClock: Clock = {
  now(): number {
    if (thisTurn === undefined) {
      thisTurn = performance.now();
      setImmediate(forgetThisTurn);
    }
    return thisTurn;
  },
  timer(delay: number, holdsProcess: boolean, callback: () => void): Timer {
    const timeout = setTimeout(callback, Math.min(Math.max(delay, 0), longestDelay));
    if (!holdsProcess) timeout.unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};

import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';
import { inOwnContext } from './own-context.js';

/** A timer that has not called back yet; cancelling it twice, or after it called back, does nothing. */
export interface Timer {
  cancel(): void;
}

/** All the pool knows of time. Injected, so that tests run the same code under a virtual clock. */
export interface Clock {
  /** Milliseconds on a monotonic scale: never the time of day, which jumps. */
  now(): number;
  /**
   * Calls back once, `delay` milliseconds from now or a little later; a delay of 0 or less as soon as it can.
   * `holdsProcess`: whether the process stays alive for it, as it must where a caller waits for the outcome.
   */
  timer(delay: number, holdsProcess: boolean, callback: () => void): Timer;
}

// Taken once, while the package is loaded. Test tools replace these names for the length of a test; a pool that outlives
// the test would wait for a clock that is gone.
const { setTimeout, clearTimeout, setImmediate, clearImmediate } = timers;
const now = performance.now.bind(performance);

/** Node fires a timer with a longer delay at once. */
const longestDelay = 2 ** 31 - 1;

/** Node rounds delays to milliseconds, and may fire that much early. */
const rounding = 1;

class SystemTimer implements Timer {
  readonly #due: number;
  readonly #holdsProcess: boolean;
  readonly #callback: () => void;
  #timeout: NodeJS.Timeout | undefined;
  #reading: Timer | undefined;

  constructor(delay: number, holdsProcess: boolean, callback: () => void) {
    this.#due = now() + delay;
    this.#holdsProcess = holdsProcess;
    this.#callback = callback;
    this.#arm(delay);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
    this.#reading?.cancel();
  }

  #arm(delay: number): void {
    this.#timeout = setTimeout(() => this.#fire(), Math.min(Math.max(delay, 0), longestDelay));
    if (!this.#holdsProcess) this.#timeout.unref();
  }

  #fire(): void {
    const left = this.#due - now();
    if (left > rounding) {
      this.#arm(left);
      return;
    }
    this.#reading = afterReading(this.#callback);
  }
}

/**
 * Calls back when what has arrived by now was read, and what waits for it has gone on. Holds the process meanwhile, for a
 * moment: an immediate that does not would wait for the next thing to arrive.
 */
export function afterReading(callback: () => void): Timer {
  let immediate = setImmediate(() => {
    immediate = setImmediate(callback);
  });
  return { cancel: () => clearImmediate(immediate) };
}

/**
 * The monotonic clock of the process.
 *
 * `now()` reads it at each call, so that work done between two calls counts, in one turn of the event loop too. That
 * costs 35 ns, of which the system call alone is 21; nothing that is cheaper and still right was found: `Date.now()` and
 * `process.hrtime.bigint()` cost the same, and a reading kept for a while stands still for a caller that computes.
 *
 * A timer calls back two turns of the event loop after it came due, because Node runs timers before it reads sockets.
 * After a turn that took long, the answers that arrived meanwhile are read first, and may cancel the timer.
 *
 * Timers run outside of any request (`inOwnContext`), and are not touched by a test's fake timers.
 */
export const systemClock: Clock = {
  now,
  timer: (delay, holdsProcess, callback) => inOwnContext(() => new SystemTimer(delay, holdsProcess, callback)),
};

import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';
import { inOwnContext } from './own-context.js';

/** A pending timer. Cancelling it twice, or after it called back, does nothing. */
export interface Timer {
  cancel(): void;
}

/** The pool's only source of time. Injected, so that tests run the same code under a virtual clock. */
export interface Clock {
  /** Milliseconds on a monotonic scale: never the time of day, which jumps. */
  now(): number;
  /**
   * Calls back once, `delay` milliseconds from now or a little later; for 0 or less as soon as possible.
   * `holdsProcess`: whether it keeps the process alive, as it must when a caller waits for the outcome.
   */
  timer(delay: number, holdsProcess: boolean, callback: () => void): Timer;
  /** Calls back when all data that has arrived by now was read and its waiters have run. */
  afterReading(callback: () => void): Timer;
}

// Read once, when the package is loaded. Test tools replace these names during a test; a pool that outlives the test
// would wait on a clock that no longer runs.
const { setTimeout, clearTimeout, setImmediate, clearImmediate } = timers;
const now = performance.now.bind(performance);

/** The longest delay of a timer: Node fires a longer one at once. */
const longestDelay = 2 ** 31 - 1;

/** Node rounds delays to milliseconds, so it may fire this much early. */
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
 * Calls back when all data that has arrived by now was read and its waiters have run. It keeps the process alive
 * meanwhile: an unreferenced immediate would wait for the next event.
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
 * `now()` reads it at each call, so that work between two calls counts, even within one turn of the event loop. That
 * costs 35 ns, 21 of them the system call. No cheaper correct way was found: `Date.now()` and `process.hrtime.bigint()`
 * cost the same, and a cached reading does not advance while the caller computes.
 *
 * A timer calls back two turns of the event loop after it is due, because Node runs timers before it reads sockets. So
 * after a long turn, answers that arrived meanwhile are read first, and may cancel the timer.
 *
 * Timers run outside of any request (`inOwnContext`), and fake timers of a test do not affect them.
 */
export const systemClock: Clock = {
  now,
  timer: (delay, holdsProcess, callback) => inOwnContext(() => new SystemTimer(delay, holdsProcess, callback)),
  afterReading: (callback) => inOwnContext(() => afterReading(callback)),
};

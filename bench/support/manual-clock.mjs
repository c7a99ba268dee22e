/** A clock that goes on when it is told, so that a bench may time out in no time. */
export class ManualClock {
  #now = 0;
  /** @type {Set<{ at: number, callback: () => void }>} */
  #timers = new Set();

  now() {
    return this.#now;
  }

  /**
   * @param {number} delay
   * @param {boolean} _holdsProcess
   * @param {() => void} callback
   */
  timer(delay, _holdsProcess, callback) {
    const timer = { at: this.#now + delay, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** @param {() => void} callback */
  afterReading(callback) {
    const immediate = setImmediate(callback);
    return { cancel: () => clearImmediate(immediate) };
  }

  /**
   * Goes on by so many milliseconds and fires what is due, once.
   *
   * @param {number} duration
   */
  advance(duration) {
    this.#now += duration;
    this.#fire((timer) => timer.at <= this.#now);
  }

  /** Goes on by a millisecond and fires everything that is armed, as if it were due. */
  hurry() {
    this.#now++;
    this.#fire(() => true);
  }

  /** @param {(timer: { at: number }) => boolean} isDue */
  #fire(isDue) {
    for (const timer of [...this.#timers]) {
      if (isDue(timer) && this.#timers.delete(timer)) timer.callback();
    }
  }
}

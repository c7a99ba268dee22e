/** What the wall clock has to jump ahead of the monotonic one, in milliseconds, to be no correction of drift. */
const jump = 5_000;
/** The wall clock is not read again within this time, in milliseconds: going to sleep takes a machine longer. */
const pause = 0.1;

/**
 * Notices that the machine was suspended: a laptop was closed, a virtual machine stopped. On Linux the monotonic clock
 * stands still meanwhile, and only the time of day jumps ahead; servers and routers have forgotten the sockets, silently.
 *
 * The time of day also jumps when it is set, so a jump is a reason to prove a connection before it is lent, and no reason
 * to close one. Time set back is no sign of a suspension.
 */
export class SuspensionWatch {
  readonly #wallClock: () => number;
  #lookedAt: number;
  /** By how much the wall clock is ahead of the monotonic one. */
  #ahead: number;

  /**
   * @param now on the monotonic clock, in milliseconds
   * @param wallClock the time of day, in milliseconds
   */
  constructor(now: number, wallClock: () => number = () => Date.now()) {
    this.#wallClock = wallClock;
    this.#lookedAt = now;
    this.#ahead = wallClock() - now;
  }

  /**
   * How long the machine may have been suspended since this was last asked, in milliseconds; 0 if it was not. Cheap
   * enough for every acquire: of many calls in a row only a few read the time of day.
   */
  since(now: number): number {
    if (now - this.#lookedAt < pause) return 0;
    this.#lookedAt = now;
    const before = this.#ahead;
    this.#ahead = this.#wallClock() - now;
    const slept = this.#ahead - before;
    return slept > jump ? slept : 0;
  }
}

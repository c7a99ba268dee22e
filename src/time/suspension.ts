/**
 * A jump of the wall clock ahead of the monotonic one by more than this, in milliseconds, is no correction of drift.
 */
const jump = 5_000;
/** The wall clock is not read again within this time, in milliseconds: a machine takes longer to go to sleep. */
const pause = 0.1;

/**
 * Detects that the machine was suspended: a laptop was closed, a virtual machine stopped. On Linux the monotonic clock
 * stops meanwhile, and only the time of day jumps ahead; servers and routers have silently dropped the connections.
 *
 * The time of day also jumps when it is set, so after a jump the pool probes a connection before it lends it, but
 * closes none. Time set back is no sign of a suspension.
 */
export class SuspensionWatch {
  readonly #wallClock: () => number;
  #lookedAt: number;
  /** How far the wall clock is ahead of the monotonic one. */
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
   * How long the machine may have been suspended since the last call, in milliseconds; 0 if it was not. Cheap enough
   * for every acquire: of many calls in a row only a few read the time of day.
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

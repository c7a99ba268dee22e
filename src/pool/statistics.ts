import { RecentHistogram, type TimeSummary } from './recent-histogram.js';
import { type CloseReason, closeReasons, type SlotState } from './slot.js';

/**
 * The pool at one instant. Always:
 * `total = idle + leased + opening + validating + resetting` and
 * `started = served + timedOut + aborted + refused + failed + waiting`.
 */
export interface PoolStatistics {
  readonly state: 'running' | 'paused' | 'draining' | 'closed';
  readonly minConnections: number;
  readonly maxConnections: number;

  readonly total: number;
  readonly idle: number;
  readonly leased: number;
  readonly opening: number;
  readonly validating: number;
  readonly resetting: number;
  /** On their way out, not part of `total`. */
  readonly closing: number;

  /** Of how many identities besides the pool's own somebody has, or waits for, a connection. */
  readonly identities: number;
  readonly waiting: number;
  /** How long the oldest waiter has waited, in milliseconds; 0 when nobody waits. */
  readonly oldestWaiter: number;

  readonly started: number;
  readonly served: number;
  /** Of those served: got a connection that was there before them, not one just opened. */
  readonly reused: number;
  readonly timedOut: number;
  readonly aborted: number;
  readonly refused: number;
  /** The refused by reason. */
  readonly refusedQueueFull: number;
  readonly refusedShutdown: number;
  readonly refusedCircuitOpen: number;
  readonly failed: number;

  readonly opened: number;
  readonly openFailed: number;
  readonly closed: number;
  readonly closedBy: Readonly<Record<CloseReason, number>>;
  readonly probesPassed: number;
  readonly probesFailed: number;
  readonly resets: number;
  readonly resetsFailed: number;
  /** Idle connections that became one of another identity. */
  readonly changes: number;
  readonly changesFailed: number;
  readonly releasedTwice: number;
  /** Leases that were lost without a release and taken back. */
  readonly reclaimed: number;

  /**
   * How long callers waited, in milliseconds, however their acquire ended: served, timed out, aborted, refused or failed.
   * An acquire that ended at once counts as 0.
   */
  readonly waitTime: TimeSummary;
  /** How long connections were held, from lend to release. */
  readonly leaseTime: TimeSummary;
  /** How long opening a connection took, when it succeeded. */
  readonly openTime: TimeSummary;
}

/** What the pool knows besides its counters. */
type PresentState = Pick<
  PoolStatistics,
  'state' | 'minConnections' | 'maxConnections' | 'identities' | 'waiting' | 'oldestWaiter'
>;

/** The pool's counters. Each is moved in one place. */
export class Counters {
  readonly slots: Record<SlotState, number> = {
    opening: 0,
    idle: 0,
    validating: 0,
    leased: 0,
    resetting: 0,
    closing: 0,
    closed: 0,
  };
  started = 0;
  served = 0;
  reused = 0;
  timedOut = 0;
  aborted = 0;
  refusedQueueFull = 0;
  refusedShutdown = 0;
  refusedCircuitOpen = 0;
  failed = 0;
  opened = 0;
  openFailed = 0;
  readonly closedBy: Record<CloseReason, number> = Object.fromEntries(
    closeReasons.map((reason) => [reason, 0]),
  ) as Record<CloseReason, number>;
  probesPassed = 0;
  probesFailed = 0;
  resets = 0;
  resetsFailed = 0;
  changes = 0;
  changesFailed = 0;
  releasedTwice = 0;
  reclaimed = 0;
  readonly waitTime: RecentHistogram = new RecentHistogram();
  readonly leaseTime: RecentHistogram = new RecentHistogram();
  readonly openTime: RecentHistogram = new RecentHistogram();

  /** A connection went from state to state. */
  moved(from: SlotState, to: SlotState): void {
    countSlot(this.slots, from, -1);
    countSlot(this.slots, to, 1);
  }

  /** Connections of the pool: all but those on their way out. */
  get total(): number {
    const { idle, leased, opening, validating, resetting } = this.slots;
    return idle + leased + opening + validating + resetting;
  }

  get closed(): number {
    let closed = 0;
    for (const reason of closeReasons) closed += this.closedBy[reason];
    return closed;
  }

  statistics(present: PresentState, now: number): PoolStatistics {
    const { idle, leased, opening, validating, resetting, closing } = this.slots;
    return {
      ...present,
      total: this.total,
      idle,
      leased,
      opening,
      validating,
      resetting,
      closing,
      started: this.started,
      served: this.served,
      reused: this.reused,
      timedOut: this.timedOut,
      aborted: this.aborted,
      refused: this.refusedQueueFull + this.refusedShutdown + this.refusedCircuitOpen,
      refusedQueueFull: this.refusedQueueFull,
      refusedShutdown: this.refusedShutdown,
      refusedCircuitOpen: this.refusedCircuitOpen,
      failed: this.failed,
      opened: this.opened,
      openFailed: this.openFailed,
      closed: this.closed,
      closedBy: { ...this.closedBy },
      probesPassed: this.probesPassed,
      probesFailed: this.probesFailed,
      resets: this.resets,
      resetsFailed: this.resetsFailed,
      changes: this.changes,
      changesFailed: this.changesFailed,
      releasedTwice: this.releasedTwice,
      reclaimed: this.reclaimed,
      waitTime: this.waitTime.summary(now),
      leaseTime: this.leaseTime.summary(now),
      openTime: this.openTime.summary(now),
    };
  }
}

/** By name and not by `slots[state]`, which costs a fifth of an acquire. */
function countSlot(slots: Record<SlotState, number>, state: SlotState, by: 1 | -1): void {
  switch (state) {
    case 'idle':
      slots.idle += by;
      break;
    case 'leased':
      slots.leased += by;
      break;
    default:
      slots[state] += by;
  }
}

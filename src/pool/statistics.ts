import type { CloseReason } from './close-reason.js';
import type { TimeSummary } from './recent-histogram.js';

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
  /** Being reset after a lease, or switched to another identity. */
  readonly resetting: number;
  /** Being closed; not part of `total`. */
  readonly closing: number;

  /** How many identities besides the pool's own a caller holds, or waits for, a connection of. */
  readonly identities: number;
  readonly waiting: number;
  /** How long the oldest waiter has waited, in milliseconds; 0 when no caller waits. */
  readonly oldestWaiter: number;

  readonly started: number;
  readonly served: number;
  /** How many of `served` got a connection that was already open, not one just opened. */
  readonly reused: number;
  readonly timedOut: number;
  readonly aborted: number;
  readonly refused: number;
  /** How many of `refused` were refused because the line was full, or that of their tenant. */
  readonly refusedQueueFull: number;
  readonly refusedShutdown: number;
  readonly refusedCircuitOpen: number;
  /** How many of `refused` were refused because callers had waited too long: see `loadShedding`. */
  readonly refusedOverload: number;
  readonly failed: number;

  readonly opened: number;
  readonly openFailed: number;
  readonly closed: number;
  readonly closedBy: Readonly<Record<CloseReason, number>>;
  readonly probesPassed: number;
  readonly probesFailed: number;
  readonly resets: number;
  readonly resetsFailed: number;
  /** Idle connections that were switched to another identity. */
  readonly changes: number;
  readonly changesFailed: number;
  /** How often too few of several servers were well, so that doubtful ones were used like well ones: see `balancing.panicBelow`. */
  readonly panics: number;
  readonly releasedTwice: number;
  /** Leases that the caller lost without a release and the pool took back. */
  readonly reclaimed: number;
  /** How often the process stood still: see the event `gap`. */
  readonly gaps: number;

  /**
   * How long callers waited, in milliseconds, however their acquire ended: served, timed out, aborted, refused or failed.
   * An acquire that ended at once counts as 0.
   */
  readonly waitTime: TimeSummary;
  /** How long connections were held, from acquire to release. */
  readonly leaseTime: TimeSummary;
  /** How long successful openings took. */
  readonly openTime: TimeSummary;
}

import type { CloseReason } from '../pool/close-reason.js';
import type { HistogramSummary } from '../pool/histogram.js';
import type { Step } from './distribution.js';
import type { Interruption } from './interruption.js';
import type { Mix } from './load-plan.js';
import type { ErrorCount } from './measurements.js';

/** How operations ended. */
export interface OperationCounts {
  /** All that ended: `reads + writes + errors`. */
  readonly total: number;
  readonly reads: number;
  readonly writes: number;
  readonly errors: number;
}

/** What a run was and what it measured. Times are in milliseconds, shares in percent. Holds no secret. */
export interface LoadFigures {
  readonly load: {
    /** Without what follows a question mark, which may be a secret. */
    readonly endpoint: string;
    readonly namespace: string;
    readonly database: string;
    /** Null when operations began at a fixed rate. */
    readonly workers: number | null;
    /** Operations per second that were due; null when each worker began one after another. */
    readonly rate: number | null;
    readonly mix: Mix;
    readonly duration: number;
  };
  /** The signal that ended the run early, if one did. */
  readonly interrupted: Interruption | null;
  /** How long operations were begun. */
  readonly elapsed: number;
  readonly operations: OperationCounts & {
    /** Begun, but not ended when the run was over. */
    readonly unfinished: number;
    /** Those of the unfinished whose statement the database had not answered. */
    readonly unanswered: number;
    /** Due, but never begun, because 100,000 others were under way. */
    readonly dropped: number;
  };
  /** Operations per second that succeeded while operations were begun. */
  readonly throughput: {
    readonly mean: number;
    readonly slowestSecond: number;
    readonly perSecond: readonly number[];
  };
  /** From asking the pool for a connection to having it. */
  readonly wait: HistogramSummary;
  /** From having a connection to the database's answer. */
  readonly query: HistogramSummary;
  /** From when an operation was due to its end. */
  readonly latency: HistogramSummary;
  readonly latencyDistribution: readonly Step[];
  /** How long a query took before the load, alone: the median. */
  readonly queryAlone: number;
  /** How much of the time this process computed, so that nothing else could go on in it. */
  readonly processBusy: number;
  readonly pool: {
    readonly minConnections: number;
    readonly maxConnections: number;
    readonly opened: number;
    readonly openFailed: number;
    readonly closed: number;
    readonly closedBy: Readonly<Partial<Record<CloseReason, number>>>;
    /** Acquires under load that got a connection that was there before. */
    readonly reuse: number;
  };
  readonly errors: Readonly<Record<string, ErrorCount>>;
}

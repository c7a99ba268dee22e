import type { CloseReason } from '../pool/close-reason.js';
import type { HistogramSummary } from '../pool/histogram.js';
import type { Step } from './distribution.js';
import type { Interruption } from './interruption.js';
import type { Mix, Statement } from './load-plan.js';
import type { ErrorCount } from './measurements.js';
import type { MessageFigures } from './message-figures.js';

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
    /** Whether the database computes in this process, on the cores of its callers. */
    readonly engine: 'in-process' | 'server';
    readonly namespace: string;
    readonly database: string;
    /** Null when operations began at a fixed rate. */
    readonly workers: number | null;
    /** Operations per second that were due; null when each worker began one after another. */
    readonly rate: number | null;
    /** Whether operations were single calls of the pool, instead of a lease for each. */
    readonly singleCalls: boolean;
    /** Null when statements of the user's own were run. */
    readonly mix: Mix | null;
    /** Without their text, which may hold a secret; null when the mix was run. */
    readonly statements: readonly Omit<Statement, 'text'>[] | null;
    /** How long operations were to be begun; null for as long as `operations` took. */
    readonly duration: number | null;
    /** How many were to be begun at most; null for no limit. */
    readonly operations: number | null;
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
  /** From asking the pool for a connection to having it. Of single calls it is not known, and has a count of 0. */
  readonly wait: HistogramSummary;
  /** From having a connection to the database's answer; of a single call all its time, that for a connection included. */
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
    readonly messages: MessageFigures;
  };
  readonly errors: Readonly<Record<string, ErrorCount>>;
}

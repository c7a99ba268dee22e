import { withoutQuery } from '../config/address.js';
import type { CloseReason } from '../pool/close-reason.js';
import type { HistogramSummary } from '../pool/histogram.js';
import type { PoolStats } from '../telemetry/pool-stats.js';
import { type AssertionResult, evaluate } from './assertions.js';
import { distribution, type Step } from './distribution.js';
import type { Interruption } from './interruption.js';
import type { LoadOptions, Mix } from './load-options.js';
import type { ErrorCount, Measurements } from './measurements.js';
import { type Verdict, verdictOn } from './verdict.js';

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
  readonly operations: {
    /** All that ended: `reads + writes + errors`. */
    readonly total: number;
    readonly reads: number;
    readonly writes: number;
    readonly errors: number;
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

export interface LoadReport extends LoadFigures {
  readonly verdict: Verdict;
  readonly assertions: readonly AssertionResult[];
}

/** What was observed around the measurements. */
export interface Observations {
  readonly options: LoadOptions;
  readonly interrupted: Interruption | null;
  readonly queryAlone: number;
  readonly processBusy: number;
  /** The pool when the load began, and when it was over, before it was shut down. */
  readonly poolBefore: PoolStats;
  readonly poolAfter: PoolStats;
}

export function reportOf(measurements: Measurements, observations: Observations): LoadReport {
  const figures = figuresOf(measurements, observations);
  return {
    verdict: verdictOn(figures),
    assertions: evaluate(observations.options.assertions, figures),
    ...figures,
  };
}

function figuresOf(measurements: Measurements, observations: Observations): LoadFigures {
  const { options, interrupted, queryAlone, processBusy, poolBefore, poolAfter } = observations;
  const { endpoint, namespace, database, demand, mix, duration } = options;
  const { succeeded, failed, unfinished, unanswered, dropped, elapsed } = measurements;
  return {
    load: {
      endpoint: withoutQuery(endpoint),
      namespace,
      database,
      workers: 'workers' in demand ? demand.workers : null,
      rate: 'rate' in demand ? demand.rate : null,
      mix,
      duration,
    },
    interrupted,
    elapsed,
    operations: {
      total: succeeded.read + succeeded.write + failed,
      reads: succeeded.read,
      writes: succeeded.write,
      errors: failed,
      unfinished,
      unanswered,
      dropped,
    },
    throughput: throughput(measurements),
    wait: measurements.wait.summary(),
    query: measurements.query.summary(),
    latency: measurements.latency.summary(),
    latencyDistribution: distribution(measurements.latency),
    queryAlone,
    processBusy,
    pool: {
      minConnections: poolAfter.minConnections,
      maxConnections: poolAfter.maxConnections,
      opened: poolAfter.opened,
      openFailed: poolAfter.openFailed,
      closed: poolAfter.closed,
      closedBy: Object.fromEntries(Object.entries(poolAfter.closedBy).filter(([, count]) => count > 0)),
      reuse: percent(poolAfter.reused - poolBefore.reused, poolAfter.served - poolBefore.served),
    },
    errors: Object.fromEntries([...measurements.errors].sort(([, one], [, other]) => other.count - one.count)),
  };
}

function throughput({ elapsed, inTime, perSecond: counts }: Measurements): LoadFigures['throughput'] {
  // The last second is left out when it was not whole, and what succeeded after the end.
  const perSecond = Array.from({ length: Math.floor(elapsed / 1_000) }, (_, second) => counts[second] ?? 0);
  const mean = elapsed === 0 ? 0 : (1_000 * inTime) / elapsed;
  return { mean, slowestSecond: perSecond.length === 0 ? mean : Math.min(...perSecond), perSecond };
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}

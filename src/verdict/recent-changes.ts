import type { PoolStats } from '../telemetry/pool-stats.js';

/** How much the counters of a pool grew during a while. Times are in milliseconds. */
export interface Changes {
  /** How long that while was. */
  readonly duration: number;
  readonly started: number;
  readonly served: number;
  readonly timedOut: number;
  /** Acquires refused because the line was full, or because callers had waited too long. */
  readonly turnedAway: number;
  readonly failed: number;
  readonly openFailed: number;
  readonly queries: number;
  readonly queriesFailed: number;
  readonly committed: number;
  readonly conflicts: number;
  readonly gaps: number;
  /** How long all queries that ended took together. */
  readonly queryTime: number;
  /** How long all leases that ended were held together. */
  readonly leaseTime: number;
  /** How long a query took on average before that while; undefined when there were too few to say. */
  readonly usualQueryTime: number | undefined;
}

/** What the counters were at one time. */
interface Sample extends Omit<Changes, 'duration' | 'usualQueryTime'> {
  readonly at: number;
}

/** The statistics of a pool that {@link RecentChanges.note} reads. */
type Counted = Pick<
  PoolStats,
  | 'started'
  | 'served'
  | 'timedOut'
  | 'refusedQueueFull'
  | 'refusedOverload'
  | 'failed'
  | 'openFailed'
  | 'queries'
  | 'queriesFailed'
  | 'gaps'
  | 'queryTime'
  | 'leaseTime'
> & { readonly transactions: Pick<PoolStats['transactions'], 'committed' | 'conflicts'> };

/** Samples are this far apart at least, in milliseconds. */
const spacing = 1_000;
/** How long a sample is kept, in milliseconds. */
const longest = 60_000;
/** An average of fewer queries says nothing about what is usual. */
const fewestQueries = 50;

/**
 * What changed lately, from statistics that only grow: the reader hands them in whenever it reads them, and nothing runs
 * in between. A histogram of the last minute shows a slow database late, since a minute of fast queries outnumbers a few
 * slow ones; sums of the last ten seconds show it at once.
 */
export class RecentChanges {
  #samples: Sample[] = [];
  #newest: Sample | undefined;

  /** @param now on a monotonic clock, in milliseconds */
  note(stats: Counted, now: number): void {
    const sample: Sample = {
      at: now,
      started: stats.started,
      served: stats.served,
      timedOut: stats.timedOut,
      turnedAway: stats.refusedQueueFull + stats.refusedOverload,
      failed: stats.failed,
      openFailed: stats.openFailed,
      queries: stats.queries,
      queriesFailed: stats.queriesFailed,
      committed: stats.transactions.committed,
      conflicts: stats.transactions.conflicts,
      gaps: stats.gaps,
      queryTime: stats.queryTime.mean * stats.queryTime.count,
      leaseTime: stats.leaseTime.mean * stats.leaseTime.count,
    };
    this.#newest = sample;
    const last = this.#samples.at(-1);
    if (last !== undefined && now - last.at < spacing) return;
    this.#samples.push(sample);
    const kept = this.#samples.findIndex(({ at }) => now - at <= longest + spacing);
    if (kept > 0) this.#samples = this.#samples.slice(kept);
  }

  /**
   * The changes of about the last `duration` milliseconds, or of less when nothing was noted so long ago; undefined before
   * two notes.
   */
  over(duration: number): Changes | undefined {
    const to = this.#newest;
    if (to === undefined) return undefined;
    const from = this.#samples.findLast(({ at }) => to.at - at >= duration) ?? this.#samples[0];
    if (from === undefined || from.at >= to.at) return undefined;
    const grown = (name: Exclude<keyof Sample, 'at'>): number => Math.max(0, to[name] - from[name]);
    return {
      duration: to.at - from.at,
      started: grown('started'),
      served: grown('served'),
      timedOut: grown('timedOut'),
      turnedAway: grown('turnedAway'),
      failed: grown('failed'),
      openFailed: grown('openFailed'),
      queries: grown('queries'),
      queriesFailed: grown('queriesFailed'),
      committed: grown('committed'),
      conflicts: grown('conflicts'),
      gaps: grown('gaps'),
      queryTime: grown('queryTime'),
      leaseTime: grown('leaseTime'),
      usualQueryTime: from.queries < fewestQueries ? undefined : from.queryTime / from.queries,
    };
  }
}

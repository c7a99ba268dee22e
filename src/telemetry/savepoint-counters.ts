import { Histogram, type HistogramSummary } from '../pool/histogram.js';

/** Statistics of savepoints in the pool's transactions. */
export interface SavepointStatistics {
  readonly created: number;
  /** Rollbacks to a savepoint that succeeded, and failed calls that were undone alone. */
  readonly rollbacks: number;
  /** Rollbacks that failed because a replayed call answered differently. */
  readonly divergences: number;
  /** Savepoints and rollbacks refused because of a call that cannot be replayed, or whose answer cannot be verified. */
  readonly refusedUnsupported: number;
  /** Savepoints and rollbacks refused because there was too much to keep or to replay. */
  readonly refusedLimit: number;
  /** Replayed calls, including those only for verification, and the time of each rollback, in milliseconds. */
  readonly replayedCalls: number;
  readonly replayTime: HistogramSummary;
}

type Counted = Exclude<keyof SavepointStatistics, 'replayTime'>;

export class SavepointCounters {
  readonly replayTime: Histogram = new Histogram();
  readonly #counts: Record<Counted, number> = {
    created: 0,
    rollbacks: 0,
    divergences: 0,
    refusedUnsupported: 0,
    refusedLimit: 0,
    replayedCalls: 0,
  };

  count(what: Counted, times = 1): void {
    this.#counts[what] += times;
  }

  statistics(): SavepointStatistics {
    return { replayTime: this.replayTime.summary(), ...this.#counts };
  }
}

import { Histogram, type HistogramSummary } from '../pool/histogram.js';

/** What became of the savepoints of the pool's transactions. */
export interface SavepointStatistics {
  readonly created: number;
  /** Rollbacks to a savepoint that succeeded, and failed calls that were undone alone. */
  readonly rollbacks: number;
  /** Rollbacks that failed, because a replayed call gave something else. */
  readonly divergences: number;
  /** Refused because of a call before them that cannot be replayed. */
  readonly refusedUnsupported: number;
  /** Refused because there was too much before them. */
  readonly refusedLimit: number;
  /** Calls that were replayed, and how long each replay took, with its begin, in milliseconds. */
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
    return { ...this.#counts, replayTime: this.replayTime.summary() };
  }
}

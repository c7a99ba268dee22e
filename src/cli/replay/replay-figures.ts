import type { HistogramSummary } from '../../pool/histogram.js';
import type { LoadFigures } from '../load-figures.js';
import type { Measurements } from '../measurements.js';
import type { Replay } from './replay.js';

/** What was measured of a replay. Times are in milliseconds, shares in percent. */
export interface ReplayFigures extends Pick<LoadFigures, 'operations' | 'throughput' | 'wait' | 'latency' | 'errors'> {
  /** How long connections were held. */
  readonly query: HistogramSummary;
  /** From the first unit to the end of the last. */
  readonly elapsed: number;
  /** The calls of the units that were done. */
  readonly calls: number;
  /** How late units asked for their connections and gave them back: a process that is busy makes waits look longer. */
  readonly late: HistogramSummary;
  /** The most connections that were lent at a time. */
  readonly mostLent: number;
  /** How much of the time of all connections they were lent. */
  readonly used: number;
}

export function replayFigures(measurements: Measurements, replay: Replay, size: number): ReplayFigures {
  const { succeeded, failed, unfinished, unanswered, dropped, refused, elapsed, errors } = measurements;
  const done = succeeded.read + succeeded.write;
  const mean = elapsed === 0 ? 0 : (1_000 * done) / elapsed;
  return {
    operations: {
      total: done + failed,
      reads: succeeded.read,
      writes: succeeded.write,
      errors: failed,
      ...{ unfinished, unanswered, dropped, refused },
    },
    throughput: { mean, slowestSecond: mean, perSecond: measurements.perSecond },
    wait: measurements.wait.summary(),
    query: measurements.query.summary(),
    latency: measurements.latency.summary(),
    errors: Object.fromEntries([...errors].sort(([, one], [, other]) => other.count - one.count)),
    elapsed,
    calls: replay.calls,
    late: replay.lateness.summary(),
    mostLent: replay.mostLent,
    used: elapsed === 0 ? 0 : (100 * replay.timeHeld) / (size * elapsed),
  };
}

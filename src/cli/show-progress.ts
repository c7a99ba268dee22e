import type { ConnectionManager } from '../manager.js';
import type { Measurements } from './measurements.js';
import type { Progress, ProgressDisplay } from './progress.js';

/** What a run plans, and who takes part in it. */
type Planned = Pick<Progress, 'duration' | 'operations' | 'agents'>;

/**
 * Shows how a run goes, again and again.
 *
 * @param interval between two updates, in milliseconds; 0 for none
 * @returns a function that ends it, with a last update if there is anything new
 */
export function showProgress(
  pool: ConnectionManager,
  measurements: Measurements,
  display: ProgressDisplay,
  interval: number,
  planned: () => Planned,
): () => void {
  if (interval === 0) return () => {};
  let shownAt = measurements.started;
  const show = (): void => {
    shownAt = performance.now();
    const { duration, succeeded, failed, p99 } = measurements.interval(shownAt);
    const { leased, waiting, oldestWaiter, maxConnections } = pool.poolStats();
    display.show({
      ...planned(),
      elapsed: shownAt - measurements.started,
      ended: measurements.latency.count,
      rate: (1_000 * succeeded) / duration,
      used: leased,
      maxConnections,
      waiting,
      oldestWaiter,
      p99,
      errors: failed,
      errorsInAll: measurements.failed,
    });
  };
  const timer = setInterval(show, interval);
  return () => {
    clearInterval(timer);
    if (performance.now() - shownAt > interval / 2) show();
  };
}

import { acquireRefused } from '../pool/acquire-errors.js';
import type { ShutdownReport as PoolShutdownReport } from '../pool/shutdown-report.js';
import type { Parts } from './assembly.js';

/** How a shutdown went. */
export interface ShutdownReport extends PoolShutdownReport {
  /**
   * True when something will keep the process alive that no one can end: an embedded engine on which an index was
   * defined. Call `process.exit()` then.
   */
  readonly holdsProcess: boolean;
}

/**
 * Ends the parts of a pool: the leases, then what the pool opened for itself, then what carried all of it.
 * @param gracePeriod how long leases may go on, in milliseconds
 */
export async function endAll(parts: Parts, gracePeriod: number): Promise<ShutdownReport> {
  const { config, pool, factory, fence, extraConnections, exports, ending } = parts;
  ending.abort();
  // A database that is being prepared has the same time as a lease.
  void extraConnections.end(gracePeriod);
  const exporting = exports.end(gracePeriod);
  const report = await pool.shutdown(gracePeriod);
  await exporting;
  // No caller waits any more for a preparation that a lease began since then.
  await extraConnections.end(0);
  await fence.end(acquireRefused('shutdown', { snapshot: pool.snapshot(), waited: 0 }));
  const { holdsProcess } = factory;
  // The leases are over and the connections closed; a carrier that will not end in order is cut off.
  await factory.end(config.pool.closeTimeout).catch(() => {});
  return { ...report, holdsProcess };
}

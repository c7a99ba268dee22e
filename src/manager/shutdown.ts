import { acquireRefused } from '../pool/acquire-errors.js';
import type { ShutdownReport as PoolShutdownReport } from '../pool/shutdown-report.js';
import type { Parts } from './assembly.js';

/** How a shutdown went. */
export interface ShutdownReport extends PoolShutdownReport {
  /**
   * True when an embedded engine keeps the process alive and cannot be ended, because an index was defined on it. Call
   * `process.exit()` then.
   */
  readonly holdsProcess: boolean;
}

/**
 * Ends the parts of a pool: the leases, then connections the pool opened for itself, then the transports.
 * @param gracePeriod how long leases may go on, in milliseconds
 */
export async function endAll(parts: Parts, gracePeriod: number): Promise<ShutdownReport> {
  const { config, pool, factory, fence, extraConnections, exports, ending } = parts;
  ending.abort();
  // Preparation of a database gets the same grace period as a lease.
  void extraConnections.end(gracePeriod);
  const exporting = exports.end(gracePeriod);
  const report = await pool.shutdown(gracePeriod);
  await exporting;
  // A lease may have started a preparation since; no caller waits for it any more.
  await extraConnections.end(0);
  await fence.end(acquireRefused('shutdown', { snapshot: pool.snapshot(), waited: 0 }));
  const { holdsProcess } = factory;
  // Leases have ended and connections are closed; a transport that does not close in time is cut off.
  await factory.end(config.pool.closeTimeout).catch(() => {});
  return { ...report, holdsProcess };
}

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

/** What has to end with the pool: its agent sessions. */
export interface EndedWithPool {
  end(gracePeriod: number): Promise<void>;
  /** Writes what waits to be written, when the leases have ended. */
  flush(): Promise<void>;
}

/**
 * Ends the parts of a pool: the leases, then connections the pool opened for itself, then the transports.
 * @param gracePeriod how long leases may go on, in milliseconds
 */
export async function endAll(parts: Parts, sessions: EndedWithPool, gracePeriod: number): Promise<ShutdownReport> {
  const { config, discovery, pool, factory, fence, extraConnections, exports, ending } = parts;
  ending.abort();
  discovery?.stop();
  // Preparation of a database gets the same grace period as a lease.
  void extraConnections.end(gracePeriod);
  const exporting = exports.end(gracePeriod);
  const closing = sessions.end(gracePeriod);
  const report = await pool.shutdown(gracePeriod);
  await exporting;
  await closing;
  await sessions.flush();
  // A lease may have started a preparation since; no caller waits for it any more.
  await extraConnections.end(0);
  await fence.end(acquireRefused('shutdown', { snapshot: pool.snapshot(), waited: 0 }));
  const { holdsProcess } = factory;
  // Leases have ended and connections are closed; a transport that does not close in time is cut off.
  await factory.end(config.pool.closeTimeout).catch(() => {});
  return { ...report, holdsProcess };
}

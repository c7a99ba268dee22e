import type { PoolStatistics } from '../pool/statistics.js';
import type { MessageStatistics } from './message-counters.js';
import type { SavepointStatistics } from './savepoint-counters.js';
import type { TransactionStatistics } from './transaction-counters.js';

/** The pool at one instant: the nine summary fields, and under them everything the pool counts. Rates are percent. */
export interface PoolStats extends PoolStatistics {
  readonly totalConnections: number;
  /** Idle: lent at once to whoever comes. */
  readonly availableConnections: number;
  readonly inUseConnections: number;
  readonly connectionsCreated: number;
  /** Acquires that were served by a connection that was there before them. */
  readonly connectionsReused: number;
  readonly connectionsClosed: number;
  /** Probes that passed, of all probes; 0 before the first. */
  readonly healthCheckPassRate: number;
  /** Acquires that were served, of all that ended; 0 before the first. */
  readonly acquisitionSuccessRate: number;
  /** Acquires served by a connection that was there before, of all that were served; 0 before the first. */
  readonly averageReuseRatio: number;
  readonly messages: MessageStatistics;
  readonly transactions: TransactionStatistics;
  readonly savepoints: SavepointStatistics;
}

export function poolStats(
  statistics: PoolStatistics,
  messages: MessageStatistics,
  transactions: TransactionStatistics,
  savepoints: SavepointStatistics,
): PoolStats {
  const { probesPassed, probesFailed, served, started, waiting, reused } = statistics;
  return {
    totalConnections: statistics.total,
    availableConnections: statistics.idle,
    inUseConnections: statistics.leased,
    connectionsCreated: statistics.opened,
    connectionsReused: reused,
    connectionsClosed: statistics.closed,
    healthCheckPassRate: percent(probesPassed, probesPassed + probesFailed),
    acquisitionSuccessRate: percent(served, started - waiting),
    averageReuseRatio: percent(reused, served),
    ...statistics,
    messages,
    transactions,
    savepoints,
  };
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}

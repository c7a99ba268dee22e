import type { PoolStatistics } from '../pool/statistics.js';
import type { MessageStatistics } from './message-counters.js';
import type { SavepointStatistics } from './savepoint-counters.js';
import type { TransactionStatistics } from './transaction-counters.js';

/** The pool at one instant: nine summary fields, and everything the pool counts. Rates are in percent. */
export interface PoolStats extends PoolStatistics {
  readonly totalConnections: number;
  /** Idle connections, which the pool can lend at once. */
  readonly availableConnections: number;
  readonly inUseConnections: number;
  readonly connectionsCreated: number;
  /** Acquires that got a connection that was already open. */
  readonly connectionsReused: number;
  readonly connectionsClosed: number;
  /** Percentage of probes that passed; 0 before the first. */
  readonly healthCheckPassRate: number;
  /** Percentage of ended acquires that were served; 0 before the first. */
  readonly acquisitionSuccessRate: number;
  /** Percentage of served acquires that got a connection that was already open; 0 before the first. */
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

import type { PoolStatistics } from '../pool/statistics.js';
import type { MessageStatistics } from './message-counters.js';
import type { QueryStatistics } from './query-journal.js';
import type { SavepointStatistics } from './savepoint-counters.js';
import type { TokenStatistics } from './token-counters.js';
import type { TransactionStatistics } from './transaction-counters.js';

/** The pool at one instant: everything it counts. Rates are in percent. */
export interface PoolStats extends PoolStatistics, QueryStatistics, TokenStatistics {
  /** Percentage of probes that passed; 0 before the first. */
  readonly healthCheckPassRate: number;
  /** Percentage of ended acquires that were served; 0 before the first. */
  readonly acquisitionSuccessRate: number;
  /** Percentage of served acquires that got a connection that was already open; 0 before the first. */
  readonly averageReuseRatio: number;
  readonly messages: MessageStatistics;
  readonly transactions: TransactionStatistics;
  readonly savepoints: SavepointStatistics;

  // The names of the pool in Rust: docs/migration.md. They can be read, and do not appear in JSON.

  /** @deprecated a name of the pool in Rust: read `total` */
  readonly totalConnections: number;
  /** @deprecated a name of the pool in Rust: read `idle` */
  readonly availableConnections: number;
  /** @deprecated a name of the pool in Rust: read `leased` */
  readonly inUseConnections: number;
  /** @deprecated a name of the pool in Rust: read `opened` */
  readonly connectionsCreated: number;
  /** @deprecated a name of the pool in Rust: read `reused` */
  readonly connectionsReused: number;
  /** @deprecated a name of the pool in Rust: read `closed` */
  readonly connectionsClosed: number;
}

/** For `Object.defineProperties()`: so none of them is enumerable, and each number is shown once. */
const namesInRust = {
  totalConnections: sameAs('total'),
  availableConnections: sameAs('idle'),
  inUseConnections: sameAs('leased'),
  connectionsCreated: sameAs('opened'),
  connectionsReused: sameAs('reused'),
  connectionsClosed: sameAs('closed'),
};

function sameAs(name: 'total' | 'idle' | 'leased' | 'opened' | 'reused' | 'closed'): PropertyDescriptor {
  return {
    get(this: PoolStatistics) {
      return this[name];
    },
  };
}

export function poolStats(
  statistics: PoolStatistics,
  counted: QueryStatistics & TokenStatistics,
  { messages, transactions, savepoints }: Pick<PoolStats, 'messages' | 'transactions' | 'savepoints'>,
): PoolStats {
  const { probesPassed, probesFailed, served, started, waiting, reused } = statistics;
  const stats = {
    healthCheckPassRate: percent(probesPassed, probesPassed + probesFailed),
    acquisitionSuccessRate: percent(served, started - waiting),
    averageReuseRatio: percent(reused, served),
    ...counted,
    ...statistics,
    messages,
    transactions,
    savepoints,
  };
  return Object.defineProperties(stats, namesInRust) as PoolStats;
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}

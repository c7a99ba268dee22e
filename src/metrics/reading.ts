import type { SessionsStatistics } from '../agents/sessions.js';
import { unusedFor } from '../manager/connection-report.js';
import type { HealthStatus } from '../manager/health-report.js';
import { ConnectionManager } from '../manager.js';
import type { EndpointReport } from '../pool/endpoint-report.js';
import type { PoolBuckets } from '../pool/journal.js';
import type { PoolStats } from '../telemetry/pool-stats.js';
import type { QueriesOfKind } from '../telemetry/query-journal.js';
import { type TenantFigures, tenantsOf } from './tenants.js';

/** A pool read once: all numbers of one instant. */
export interface PoolReading {
  readonly stats: PoolStats;
  readonly health: HealthStatus;
  readonly endpoints: readonly EndpointReport[];
  readonly sessions: SessionsStatistics;
  /** Empty unless tenants are shown. */
  readonly tenants: readonly TenantFigures[];
  /** The times of the statistics in buckets. */
  readonly buckets: PoolBuckets;
  readonly queries: readonly QueriesOfKind[];
  /** In milliseconds. */
  readonly oldestLease: number;
  /** The longest time that a present lease has made no call, in milliseconds; 0 when all make calls. */
  readonly idlestLease: number;
  /** The option `connectionTimeout`, in milliseconds. */
  readonly acquireTimeout: number;
}

/**
 * @param tenants how many agents are shown by name; 0 for none
 * @throws UsageError for anything else than a pool of this copy of the package
 */
export function readPool(manager: ConnectionManager, { tenants }: { readonly tenants: number }): PoolReading {
  const { pool, queries, config } = ConnectionManager.partsOf(manager);
  const sessions = manager.sessions();
  const health = manager.healthStatus();
  let oldestLease = 0;
  let idlestLease = 0;
  for (const member of pool.members()) {
    // Connections that single calls share are lent for as long as calls come.
    if (member.lease === undefined) continue;
    oldestLease = Math.max(oldestLease, member.stateFor);
    idlestLease = Math.max(idlestLease, unusedFor(member) ?? 0);
  }
  return {
    ...{ health, sessions, oldestLease, idlestLease },
    stats: manager.poolStats(),
    endpoints: health.endpoints,
    tenants: tenants === 0 ? [] : tenantsOf(manager, sessions, tenants),
    buckets: pool.buckets,
    queries: queries.kinds,
    acquireTimeout: config.pool.connectionTimeout,
  };
}

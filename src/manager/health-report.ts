import type { Circuit } from '../endpoints/endpoint-state.js';
import type { EndpointReport } from '../pool/endpoint-report.js';
import type { Pool } from '../pool/pool.js';
import type { PoolStats } from '../telemetry/pool-stats.js';

/** Whether the pool can serve; if not, why. */
export interface HealthStatus {
  /**
   * True when the pool can serve now: it lends, it has opened at least one connection, fewer than `unhealthyThreshold`
   * probes and calls in a row went without an answer at one of its servers at least, and if openings fail, other
   * connections still serve.
   */
  readonly healthy: boolean;
  /** The reason in one sentence, for people. */
  readonly reason: string;
  readonly state: PoolStats['state'];
  /**
   * `open` while every server keeps failing and the pool makes no attempt; `half-open` while it tries whether one is
   * back.
   */
  readonly circuitBreakerState: Circuit;
  /** As `endpoints()` gives them. */
  readonly endpoints: readonly EndpointReport[];
}

/** A snapshot of the pool. */
export interface Metrics {
  /** The name of the pool: the option `name`. */
  readonly pool: string;
  /** The time of day, in milliseconds since 1970. */
  readonly time: number;
  readonly stats: PoolStats;
  readonly health: HealthStatus;
}

/** The part of a pool that a health report reads. */
type Observed = Pick<Pool<unknown, never>, 'snapshot' | 'readiness' | 'circuit'> & {
  readonly endpoints: { readonly reports: readonly EndpointReport[] };
};

export function healthOf(pool: Observed): HealthStatus {
  const { state, leased, maxConnections, waiting } = pool.snapshot();
  const { ready, obstacle } = pool.readiness;
  return {
    healthy: ready,
    reason: obstacle ?? `${leased} of ${maxConnections} connections in use, ${waiting} callers wait`,
    state,
    circuitBreakerState: pool.circuit,
    endpoints: pool.endpoints.reports,
  };
}

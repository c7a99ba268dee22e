import { withoutQuery } from '../config/address.js';
import type { Circuit } from '../endpoints/endpoint.js';
import type { Pool } from '../pool/pool.js';
import type { PoolStats } from '../telemetry/pool-stats.js';

/** The state of an address the pool connects to. */
export interface EndpointHealth {
  readonly url: string;
  /** Connections open there. */
  readonly connections: number;
  /** Why the last attempt to open a connection failed; undefined when it succeeded. */
  readonly lastError: string | undefined;
  /** Failed probes and calls without an answer in time, in a row and on different connections. */
  readonly unanswered: number;
}

/** Whether the pool can serve; if not, why. */
export interface HealthStatus {
  /**
   * True when the pool can serve now: it lends, it has opened at least one connection, fewer than `unhealthyThreshold`
   * probes and calls in a row went without an answer, and if openings fail, other connections still serve.
   */
  readonly healthy: boolean;
  /** The reason in one sentence, for people. */
  readonly reason: string;
  readonly state: PoolStats['state'];
  /**
   * `open` while the endpoint keeps failing and the pool makes no attempt; `half-open` while the pool tries whether it
   * is back.
   */
  readonly circuitBreakerState: Circuit;
  readonly endpoints: readonly EndpointHealth[];
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
type Observed = Pick<Pool<unknown, never>, 'snapshot' | 'readiness' | 'circuit' | 'unanswered'>;

/** @param url the address the pool connects to */
export function healthOf(pool: Observed, url: string): HealthStatus {
  const { state, idle, leased, validating, resetting, maxConnections, waiting, lastOpenError } = pool.snapshot();
  const connections = idle + leased + validating + resetting;
  const { ready, obstacle } = pool.readiness;
  return {
    healthy: ready,
    reason: obstacle ?? `${leased} of ${maxConnections} connections in use, ${waiting} callers wait`,
    state,
    circuitBreakerState: pool.circuit,
    endpoints: [{ url: withoutQuery(url), connections, lastError: lastOpenError, unanswered: pool.unanswered }],
  };
}

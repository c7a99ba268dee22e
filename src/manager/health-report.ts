import { withoutQuery } from '../config/address.js';
import type { Circuit } from '../endpoints/endpoint.js';
import type { Pool } from '../pool/pool.js';
import type { PoolStats } from '../telemetry/pool-stats.js';

/** The state of an address the pool connects to. */
export interface EndpointHealth {
  readonly url: string;
  /** Connections that are open there. */
  readonly connections: number;
  /** Why the last attempt to open a connection failed; undefined when it succeeded. */
  readonly lastError: string | undefined;
  /** Probes that failed, and calls that got no answer in time, in a row and on different connections. */
  readonly unanswered: number;
}

/** Whether the pool can do its work, and if not, why not. */
export interface HealthStatus {
  /**
   * True when the pool can serve now: it lends, a connection was had at least once, fewer than `unhealthyThreshold` probes
   * and calls in a row went without an answer, and when openings fail, other connections serve meanwhile.
   */
  readonly healthy: boolean;
  /** In one sentence, for a person. */
  readonly reason: string;
  readonly state: PoolStats['state'];
  /** `open` while the endpoint keeps failing and no attempt is made; `half-open` while it is found out whether it is well again. */
  readonly circuitBreakerState: Circuit;
  readonly endpoints: readonly EndpointHealth[];
}

/** Everything the pool knows of itself at one instant. */
export interface Metrics {
  /** What the pool is called: the option `name`. */
  readonly pool: string;
  /** The time of day, in milliseconds since 1970. */
  readonly time: number;
  readonly stats: PoolStats;
  readonly health: HealthStatus;
}

/** What a pool says of its health. */
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

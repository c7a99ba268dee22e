import type { Circuit } from '../endpoints/endpoint-state.js';
import type { Endpoints } from '../endpoints/endpoints.js';
import type { Standing } from '../endpoints/shares.js';
import { messageOf } from '../errors/error-message.js';

/** What the pool knows about one of its servers. */
export interface EndpointReport {
  /** The address, without its query string. */
  readonly url: string;
  readonly weight: number;
  readonly zone: string | undefined;
  readonly priority: number;
  /**
   * - `well`: nothing is known against it;
   * - `doubtful`: a failure, a lost connection or a missing answer is not yet disproved, or it fails as all others do; those that
   *   are well go first;
   * - `out`: its circuit is not closed, it said that it is shutting down, starting or full, or it refuses the pool's own user,
   *   and another one serves; it is tried now and then;
   * - `draining`: it gets no further work, because `drainEndpoint()` or `removeEndpoint()` said so, or it left the list.
   */
  readonly state: Standing;
  /** Its circuit breaker. */
  readonly circuit: Circuit;
  /** Which part of new work it gets now, from 0 to 1. */
  readonly share: number;
  /** Connections open there. */
  readonly connections: number;
  /** Connections being opened there. */
  readonly opening: number;
  /** Leases there: of whole connections, and of single calls. */
  readonly inUse: number;
  /** Connections that were opened there so far. */
  readonly opened: number;
  /** Attempts to open in a row that failed. */
  readonly failures: number;
  /** Failed probes and calls without an answer in time, in a row and on different connections. */
  readonly unanswered: number;
  /** How long a round trip takes, in milliseconds; undefined while it was not measured, as with one server. */
  readonly latency: number | undefined;
  /** How long until the next attempt, in milliseconds, while it is `out` or its circuit is open; else 0. */
  readonly nextProbeIn: number;
  /** Why it is not well, or failed last; undefined when nothing is known against it. */
  readonly lastError: string | undefined;
}

/** What is known about each endpoint, those that are being drained included. */
export function reportsOf(endpoints: Endpoints, now: number): EndpointReport[] {
  const shares = endpoints.staying.reduce((sum, { share }) => sum + share, 0);
  return endpoints.all.map((endpoint) => {
    const { circuit, failures, unanswered } = endpoint.state;
    const { connections, inUse, latency, opened, opening, shown, standing, target, trouble } = endpoint;
    const { weight, zone, priority } = target;
    return {
      ...{ url: shown, weight, zone, priority, state: standing, circuit },
      share: shares === 0 || endpoint.isDraining ? 0 : endpoint.share / shares,
      ...{ connections: connections - opening, opening, inUse, opened, failures, unanswered },
      latency: latency.isUnknown ? undefined : latency.cost,
      nextProbeIn: standing === 'out' ? endpoint.wait(now, true) : endpoint.openFor(now),
      lastError: trouble === undefined ? undefined : messageOf(trouble),
    };
  });
}

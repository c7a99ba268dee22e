import type { HistogramSummary } from '../../src/pool/histogram.js';
import type { TimeSummary } from '../../src/pool/recent-histogram.js';
import type { PoolStats } from '../../src/telemetry/pool-stats.js';
import type { Changes } from '../../src/verdict/recent-changes.js';
import type { LeaseReading, VerdictReading } from '../../src/verdict/verdict-reading.js';

type Endpoint = VerdictReading['health']['endpoints'][number];

export function summary(values: Partial<HistogramSummary> = {}): HistogramSummary {
  return { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0, ...values };
}

export function times(values: Partial<HistogramSummary>, lastMinute: Partial<HistogramSummary> = values): TimeSummary {
  return { ...summary(values), lastMinute: summary(lastMinute) };
}

/** The statistics of a pool of 20 with 7 leases, whose queries take 4 ms. */
export function readStats(values: Partial<PoolStats> = {}): PoolStats {
  const quick = { count: 10_000, mean: 4, p50: 4, p90: 8, p99: 12, max: 20 };
  const numbers = new Proxy(
    {
      state: 'running',
      maxConnections: 20,
      minConnections: 2,
      total: 20,
      idle: 13,
      leased: 7,
      opened: 20,
      queryTime: times(quick),
      waitTime: times({ count: 10_000 }),
      leaseTime: times(quick),
      openTime: times({ count: 20, mean: 30, p50: 30, p90: 40, p99: 50, max: 50 }),
      ...values,
    } as Partial<PoolStats>,
    // What a test does not name is 0.
    { get: (given, name) => Reflect.get(given, name) ?? 0 },
  );
  return numbers as PoolStats;
}

export function readChanges(values: Partial<Changes> = {}): Changes {
  return {
    duration: 10_000,
    started: 1_000,
    served: 1_000,
    timedOut: 0,
    turnedAway: 0,
    failed: 0,
    openFailed: 0,
    queries: 1_000,
    queriesFailed: 0,
    committed: 0,
    conflicts: 0,
    gaps: 0,
    queryTime: 4_000,
    leaseTime: 5_000,
    usualQueryTime: 4,
    ...values,
  };
}

export function readEndpoint(values: Partial<Endpoint> = {}): Endpoint {
  return {
    url: 'ws://node-1:8000/rpc',
    state: 'well',
    circuit: 'closed',
    failures: 0,
    lastError: undefined,
    nextProbeIn: 0,
    latency: undefined,
    ...values,
  };
}

export function readLease(values: Partial<LeaseReading> = {}): LeaseReading {
  return {
    connection: 1,
    held: 5,
    idle: undefined,
    unansweredFor: 3,
    shared: false,
    agentId: undefined,
    inTransaction: false,
    ...values,
  };
}

/** All that is known of a pool that is well. */
export function reading({ stats, ...values }: Partial<VerdictReading> = {}): VerdictReading {
  return {
    stats: stats ?? readStats(),
    health: { healthy: true, reason: '', endpoints: [readEndpoint()] },
    leases: [],
    waitingAgents: [],
    refusedAgents: [],
    nestedAcquires: 0,
    lately: readChanges(),
    lastMinute: readChanges({ duration: 60_000 }),
    ...values,
  };
}

import type { ConsoleMessage, ConsoleSnapshot, SnapshotCell, SnapshotLease } from '../../src/console/index.js';

const noTimes = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };

/** A pool in its usual state, or in another one. */
export function snapshotWith(different: Partial<ConsoleSnapshot> = {}): ConsoleSnapshot {
  return {
    pool: 'shop/orders',
    time: new Date(2026, 10, 28, 12, 1, 5).getTime(),
    verdict: { kind: 'healthy', severity: 'fine', sentence: 'Healthy: 3 of 20 connections in use, nobody waits.' },
    state: 'running',
    connections: {
      ...{ limit: 20, minimum: 2, total: 5, idle: 2, leased: 3, opening: 0, validating: 0, resetting: 0, closing: 0 },
    },
    waiting: { callers: 0, oldest: 0 },
    rates: { acquires: 812.4, queries: 1_624.8 },
    failures: {
      ...{ duration: 60_000, timedOut: 0, turnedAway: 0, acquiresFailed: 0, openingsFailed: 0 },
      ...{ queriesFailed: 0, conflicts: 0 },
    },
    waitTime: { ...noTimes, count: 812, p50: 0.2, p90: 1.1, p99: 6.14, max: 9 },
    queryTime: { ...noTimes, count: 1_624, p50: 2, p90: 3.5, p99: 12.3, max: 31 },
    leaseTime: { ...noTimes, count: 812, p50: 5, p90: 8, p99: 25, max: 40 },
    totals: { served: 9_000, queries: 18_000, opened: 5, closed: 0, committed: 12, transactionsOpen: 1 },
    endpoints: [endpointWith()],
    strip: [1, 2, 3, 4, 5].map((id) => cellWith({ id, state: id < 4 ? 'leased' : 'idle' })),
    leases: { shown: [1, 2, 3].map((connection) => leaseWith({ connection, held: 1_000 * connection })), more: 0 },
    agents: { open: 0, fairness: 1, shown: [], more: 0 },
    events: [
      {
        ...{ id: 1, time: new Date(2026, 10, 28, 12, 0, 59).getTime(), name: 'opened', level: 'info', count: 2 },
        text: 'connection #5 was opened at db:8000 in 12 ms',
      },
    ],
    ...different,
  };
}

type Endpoint = ConsoleSnapshot['endpoints'][number];

export function endpointWith(different: Partial<Endpoint> = {}): Endpoint {
  return {
    ...{ url: 'ws://db:8000/rpc', state: 'well', circuit: 'closed', share: 1, connections: 5, opening: 0, inUse: 3 },
    ...{ latency: 0.8, nextProbeIn: 0, lastError: undefined },
    ...different,
  };
}

export function cellWith(different: Partial<SnapshotCell> = {}): SnapshotCell {
  return { id: 1, endpoint: 0, state: 'idle', for: 10, ...different };
}

export function leaseWith(different: Partial<SnapshotLease> = {}): SnapshotLease {
  return {
    ...{ connection: 1, endpoint: 0, agent: undefined, namespace: 'shop', database: 'orders', user: 'root' },
    ...{ held: 1_000, idle: undefined, queries: 3, shared: 0, transactionFor: undefined },
    statement: 'SELECT * FROM order WHERE customer = $customer',
    ...different,
  };
}

export function agentWith(different: Partial<ConsoleSnapshot['agents']['shown'][number]> = {}) {
  return {
    ...{ agentId: 'support-bot', sessionId: 's1', namespace: 'shop', database: 'orders', state: 'open', weight: 1 },
    ...{ resourceLimits: {}, refused: {}, connections: 2, waiting: 1, longestWait: 12, operations: 900 },
    ...{ openTransactions: 0, busyTime: 4_000 },
    ...different,
  } as ConsoleSnapshot['agents']['shown'][number];
}

export function messageOf(snapshot: ConsoleSnapshot | undefined, others: readonly string[] = []): ConsoleMessage {
  const verdict = { kind: 'healthy', severity: 'fine', sentence: 'Healthy.' } as const;
  const own = snapshot === undefined ? [] : [{ name: snapshot.pool, verdict: snapshot.verdict }];
  return {
    pools: [...own, ...others.map((name) => ({ name, verdict }))],
    ...{ actions: false, next: 500, snapshot },
  };
}

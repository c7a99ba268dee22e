import type { AgentLimit } from '../errors/agent.js';
import { closeReasons } from '../pool/close-reason.js';
import type { Family } from './family.js';
import { durations, each, flags, ofEndpoints, ofTenants, one } from './family-shapes.js';

/** The attribute that every sample has: the name of its pool. */
export const poolNameAttribute = 'db.client.connection.pool.name';

const [connections, requests, seconds, none] = ['{connection}', '{request}', 's', ''];
const connectionState = 'db.client.connection.state';
const outcome = 'surreal_pool.outcome';
const reason = 'surreal_pool.reason';

const circuits = ['closed', 'half-open', 'open'] as const;
const standings = ['well', 'doubtful', 'out', 'draining'] as const;
const poolStates = ['running', 'paused', 'draining', 'closed'] as const;
const agentLimits = Object.keys({
  maxConnections: true,
  maxWaiting: true,
  maxOperations: true,
  operationsPerSecond: true,
  maxTransactions: true,
  maxRows: true,
  maxBytes: true,
} satisfies Record<AgentLimit, true>) as readonly AgentLimit[];

/** Levels: what is there now. */
const levels: readonly Family[] = [
  each(
    'upDownCounter',
    'db.client.connection.count',
    connections,
    'Connections by state; used ones are lent. Their sum is all connections of the pool but those being closed.',
    connectionState,
    ({ stats: { idle, leased, opening, validating, resetting } }) => ({
      idle,
      used: leased,
      opening,
      validating,
      resetting,
    }),
  ),
  one(
    'upDownCounter',
    'db.client.connection.limit',
    connections,
    'The most connections the pool may have: maxConnections.',
    ({ stats }) => stats.maxConnections,
  ),
  one(
    'upDownCounter',
    'db.client.connection.idle.min',
    connections,
    'Connections that the pool keeps open though nobody needs them: minConnections.',
    ({ stats }) => stats.minConnections,
  ),
  one(
    'upDownCounter',
    'db.client.connection.idle.max',
    connections,
    'The most idle connections: all of the pool may be idle until idleTimeout.',
    ({ stats }) => stats.maxConnections,
  ),
  one(
    'upDownCounter',
    'db.client.connection.pending_requests',
    requests,
    'Callers that wait for a connection now.',
    ({ stats }) => stats.waiting,
  ),
  one(
    'upDownCounter',
    'surreal_pool.connection.closing',
    connections,
    'Connections that the pool is closing; they are not part of db.client.connection.count.',
    ({ stats }) => stats.closing,
  ),
  one(
    'upDownCounter',
    'surreal_pool.identities',
    '{identity}',
    "Users and databases besides the pool's own of which a caller has or wants a connection.",
    ({ stats }) => stats.identities,
  ),
  one(
    'gauge',
    'surreal_pool.oldest_waiter',
    seconds,
    'How long the caller waits that has waited longest; 0 when nobody waits.',
    ({ stats }) => stats.oldestWaiter / 1000,
  ),
  one(
    'gauge',
    'surreal_pool.acquire.timeout',
    seconds,
    'How long callers wait at most: connectionTimeout; 0 for no limit.',
    ({ acquireTimeout }) => acquireTimeout / 1000,
  ),
  one(
    'gauge',
    'surreal_pool.lease.oldest',
    seconds,
    'How long the connection has been lent that was lent first; 0 when none is.',
    ({ oldestLease }) => oldestLease / 1000,
  ),
  one(
    'gauge',
    'surreal_pool.lease.idle',
    seconds,
    'The longest time for which a holder of a connection has made no call and had no live query; 0 when all use theirs.',
    ({ idlestLease }) => idlestLease / 1000,
  ),
  one('gauge', 'surreal_pool.healthy', none, 'Whether the pool can serve: 1 or 0.', ({ health }) =>
    health.healthy ? 1 : 0,
  ),
  each(
    'gauge',
    'surreal_pool.state',
    none,
    '1 for the present state of the pool, 0 for the others.',
    'surreal_pool.state',
    ({ stats }) => flags(poolStates, stats.state),
  ),
  ofEndpoints(
    'gauge',
    'surreal_pool.breaker.state',
    none,
    '1 for the present state of the circuit breaker of a server, 0 for the others.',
    'surreal_pool.breaker.state',
    ({ circuit }) => flags(circuits, circuit),
  ),
  ofEndpoints(
    'gauge',
    'surreal_pool.endpoint.state',
    none,
    '1 for the present state of a server, 0 for the others.',
    'surreal_pool.endpoint.state',
    ({ state }) => flags(standings, state),
  ),
  ofEndpoints(
    'upDownCounter',
    'surreal_pool.endpoint.connections',
    connections,
    'Connections at a server, open or being opened.',
    'surreal_pool.connection.state',
    ({ connections: open, opening }) => ({ open, opening }),
  ),
  ofEndpoints(
    'upDownCounter',
    'surreal_pool.endpoint.leases',
    '{lease}',
    'Leases at a server: of connections, and of single calls.',
    undefined,
    ({ inUse }) => ({ inUse }),
  ),
  ofEndpoints(
    'gauge',
    'surreal_pool.endpoint.share',
    none,
    'Which part of new work a server gets: from 0 to 1.',
    undefined,
    ({ share }) => ({ share }),
  ),
  ofEndpoints(
    'gauge',
    'surreal_pool.endpoint.latency',
    seconds,
    'How long a round trip to a server takes; absent while it is not measured, as with one server.',
    undefined,
    ({ latency }) => ({ latency: latency === undefined ? undefined : latency / 1000 }),
  ),
  one(
    'upDownCounter',
    'surreal_pool.transaction.open',
    '{transaction}',
    'Transactions that have not ended.',
    ({ stats }) => stats.transactions.open,
  ),
  one(
    'upDownCounter',
    'surreal_pool.session.open',
    '{session}',
    'Agent sessions that are not closed.',
    ({ sessions }) => sessions.open,
  ),
  one(
    'gauge',
    'surreal_pool.session.fairness',
    none,
    "Jain's index of the time of connections of agent sessions by their weights: 1 when all had the same.",
    ({ sessions }) => sessions.fairness,
  ),
  ofTenants(
    'upDownCounter',
    'surreal_pool.tenant.connections',
    connections,
    'Connections that an agent has or waits for.',
    (tenant) => tenant.connections,
  ),
  ofTenants(
    'upDownCounter',
    'surreal_pool.tenant.waiting',
    requests,
    'Calls of an agent that wait for a connection.',
    (tenant) => tenant.waiting,
  ),
];

/** What happened since the pool was made. */
const counters: readonly Family[] = [
  one(
    'counter',
    'db.client.connection.timeouts',
    '{timeout}',
    'Acquires that timed out.',
    ({ stats }) => stats.timedOut,
  ),
  each(
    'counter',
    'surreal_pool.acquires',
    '{acquire}',
    'Acquires by how they ended; the last four are refusals.',
    outcome,
    ({ stats }) => ({
      served: stats.served,
      'timed-out': stats.timedOut,
      aborted: stats.aborted,
      failed: stats.failed,
      'queue-full': stats.refusedQueueFull,
      shutdown: stats.refusedShutdown,
      'circuit-open': stats.refusedCircuitOpen,
      overload: stats.refusedOverload,
    }),
  ),
  one(
    'counter',
    'surreal_pool.acquires.reused',
    '{acquire}',
    'Served acquires that got a connection that was there before them.',
    ({ stats }) => stats.reused,
  ),
  one('counter', 'surreal_pool.connection.opened', connections, 'Connections opened.', ({ stats }) => stats.opened),
  one(
    'counter',
    'surreal_pool.connection.open_failures',
    connections,
    'Attempts to open a connection that failed.',
    ({ stats }) => stats.openFailed,
  ),
  each(
    'counter',
    'surreal_pool.connection.closed',
    connections,
    'Connections closed, by reason.',
    reason,
    ({ stats }) => Object.fromEntries(closeReasons.map((word) => [word, stats.closedBy[word]])),
  ),
  each('counter', 'surreal_pool.probes', '{probe}', 'Probes of connections.', outcome, ({ stats }) => ({
    passed: stats.probesPassed,
    failed: stats.probesFailed,
  })),
  each('counter', 'surreal_pool.resets', '{reset}', 'Resets of connections after a lease.', outcome, ({ stats }) => ({
    passed: stats.resets,
    failed: stats.resetsFailed,
  })),
  each(
    'counter',
    'surreal_pool.identity_changes',
    '{change}',
    'Idle connections switched to another user or database.',
    outcome,
    ({ stats }) => ({ passed: stats.changes, failed: stats.changesFailed }),
  ),
  one(
    'counter',
    'surreal_pool.lease.released_twice',
    '{lease}',
    'Leases that a caller released twice: a mistake in its code.',
    ({ stats }) => stats.releasedTwice,
  ),
  one(
    'counter',
    'surreal_pool.lease.reclaimed',
    '{lease}',
    'Leases that a caller lost and the pool took back: a leak in its code.',
    ({ stats }) => stats.reclaimed,
  ),
  one(
    'counter',
    'surreal_pool.endpoint.panics',
    '{panic}',
    'How often too few servers were well, so that doubtful ones were used like well ones.',
    ({ stats }) => stats.panics,
  ),
  one(
    'counter',
    'surreal_pool.gaps',
    '{gap}',
    'How often the process stood still: a blocked event loop, or a suspended machine.',
    ({ stats }) => stats.gaps,
  ),
  one(
    'counter',
    'surreal_pool.messages',
    '{message}',
    'Messages that carried single calls.',
    ({ stats }) => stats.messages.sent,
  ),
  one(
    'counter',
    'surreal_pool.message.calls',
    '{call}',
    'Single calls in these messages.',
    ({ stats }) => stats.messages.calls,
  ),
  each(
    'counter',
    'surreal_pool.transactions',
    '{transaction}',
    'Transactions by how they ended. Of an unknown one the caller does not know whether it was applied.',
    outcome,
    ({ stats: { transactions } }) => ({
      committed: transactions.committed,
      'rolled-back': transactions.rolledBack,
      conflict: transactions.conflicts,
      lost: transactions.lost,
      unknown: transactions.unknown,
      abandoned: transactions.abandoned,
    }),
  ),
  one(
    'counter',
    'surreal_pool.transaction.begun',
    '{transaction}',
    'Transactions begun.',
    ({ stats }) => stats.transactions.begun,
  ),
  one(
    'counter',
    'surreal_pool.transaction.aborted',
    '{transaction}',
    'Transactions that could only be rolled back, because a call failed.',
    ({ stats }) => stats.transactions.aborted,
  ),
  one(
    'counter',
    'surreal_pool.transaction.retries',
    '{transaction}',
    'Repeats of transactions after a conflict.',
    ({ stats }) => stats.transactions.retries,
  ),
  one(
    'counter',
    'surreal_pool.transaction.fenced',
    '{transaction}',
    'Commits without an answer whose outcome verifyCommit found out.',
    ({ stats }) => stats.transactions.fenced,
  ),
  one(
    'counter',
    'surreal_pool.savepoints',
    '{savepoint}',
    'Savepoints created.',
    ({ stats }) => stats.savepoints.created,
  ),
  one(
    'counter',
    'surreal_pool.savepoint.rollbacks',
    '{rollback}',
    'Rollbacks to a savepoint that succeeded.',
    ({ stats }) => stats.savepoints.rollbacks,
  ),
  one(
    'counter',
    'surreal_pool.savepoint.divergences',
    '{rollback}',
    'Rollbacks to a savepoint that failed, because a replayed call gave another answer.',
    ({ stats }) => stats.savepoints.divergences,
  ),
  one(
    'counter',
    'surreal_pool.savepoint.replayed_calls',
    '{call}',
    'Calls that rollbacks replayed.',
    ({ stats }) => stats.savepoints.replayedCalls,
  ),
  each(
    'counter',
    'surreal_pool.savepoint.refusals',
    '{refusal}',
    'Savepoints and rollbacks that the pool refused.',
    reason,
    ({ stats: { savepoints } }) => ({ unsupported: savepoints.refusedUnsupported, limit: savepoints.refusedLimit }),
  ),
  each(
    'counter',
    'surreal_pool.token.renewals',
    '{renewal}',
    'Renewals of tokens before they end.',
    outcome,
    ({ stats }) => ({ renewed: stats.tokenRenewals, failed: stats.tokenRenewalsFailed }),
  ),
  one(
    'counter',
    'surreal_pool.session.created',
    '{session}',
    'Agent sessions created.',
    ({ sessions }) => sessions.created,
  ),
  each(
    'counter',
    'surreal_pool.session.refusals',
    '{refusal}',
    'Calls of agent sessions that a limit refused.',
    'surreal_pool.limit',
    ({ sessions }) => Object.fromEntries(agentLimits.map((limit) => [limit, sessions.refused[limit] ?? 0])),
  ),
  one(
    'counter',
    'surreal_pool.audit.lost',
    '{row}',
    'Rows of audits of agent sessions that could not be written.',
    ({ sessions }) => sessions.auditLost,
  ),
  ofTenants(
    'counter',
    'surreal_pool.tenant.operations',
    '{operation}',
    'Operations of an agent since it is shown by name.',
    (tenant) => tenant.operations,
  ),
  ofTenants(
    'counter',
    'surreal_pool.tenant.busy_time',
    seconds,
    'How long connections worked for an agent since it is shown by name.',
    (tenant) => tenant.busyTime / 1000,
  ),
  ofTenants(
    'counter',
    'surreal_pool.tenant.refusals',
    '{refusal}',
    'Calls of an agent that a limit refused since it is shown by name.',
    (tenant) => tenant.refusals,
  ),
];

/** How long things took. */
const times: readonly Family[] = [
  durations(
    'db.client.operation.duration',
    'How long queries took on their connection, each attempt by itself, without the wait for the connection.',
    ['db.system.name', 'db.operation.name', 'error.type'],
    ({ queries }) =>
      queries.map(({ operation, error, durations: read }) => ({
        attributes: {
          'db.system.name': 'surrealdb',
          'db.operation.name': operation,
          ...(error !== undefined && { 'error.type': error }),
        },
        durations: read,
      })),
  ),
  durations('db.client.connection.create_time', 'How long it took to open a connection.', [], ({ buckets }) => [
    { attributes: {}, durations: buckets.openTime },
  ]),
  durations(
    'db.client.connection.wait_time',
    'How long callers waited for a connection, however their acquire ended; 0 when they were served at once.',
    [],
    ({ buckets }) => [{ attributes: {}, durations: buckets.waitTime }],
  ),
  durations('db.client.connection.use_time', 'How long callers held a connection.', [], ({ buckets }) => [
    { attributes: {}, durations: buckets.leaseTime },
  ]),
];

/**
 * Every metric of the package, once: OpenTelemetry and Prometheus both get theirs from here, so that one dashboard serves both.
 * Names that begin with `db.` are those of OpenTelemetry's semantic conventions 1.45.
 */
export const families: readonly Family[] = [...levels, ...counters, ...times];

import type { SessionStatistics } from '../agents/session-statistics.js';
import type { ConnectionReport } from '../manager/connection-report.js';
import type { EndpointReport } from '../pool/endpoint-report.js';
import type { HistogramSummary } from '../pool/histogram.js';
import type { PoolStats } from '../telemetry/pool-stats.js';
import type { Changes } from '../verdict/recent-changes.js';
import type { Verdict } from '../verdict/verdict.js';
import type { PoolReports } from '../verdict/verdict-reading.js';
import type { RecentEvent } from './recent-events.js';

/**
 * A pool at one instant, as the live page shows it: plain JSON. It has no value of a query and no secret, and addresses
 * without their query string. Times are in milliseconds, rounded; what is undefined is absent in JSON.
 */
export interface ConsoleSnapshot {
  /** The name of the pool: the option `name`, with a number behind it when another pool has the same. */
  readonly pool: string;
  /** The time of day, in milliseconds since 1970. */
  readonly time: number;
  /** What is the matter, in one sentence. */
  readonly verdict: Verdict;
  readonly state: PoolStats['state'];
  readonly connections: SnapshotCounts;
  readonly waiting: {
    readonly callers: number;
    /** How long the first of them has waited; 0 when nobody waits. */
    readonly oldest: number;
  };
  /** Per second over about the last ten; undefined in the first snapshot. */
  readonly rates: SnapshotRates | undefined;
  /** Failures of about the last minute; undefined in the first snapshot. */
  readonly failures: SnapshotFailures | undefined;
  /** How long callers waited for a connection in the last minute. */
  readonly waitTime: HistogramSummary;
  /** How long queries took in the last minute, without the wait for a connection. */
  readonly queryTime: HistogramSummary;
  /** How long connections were held in the last minute. */
  readonly leaseTime: HistogramSummary;
  readonly totals: SnapshotTotals;
  readonly endpoints: readonly SnapshotEndpoint[];
  /** Every connection, by endpoint and then by number. */
  readonly strip: readonly SnapshotCell[];
  /** Connections that are lent, the longest first; `more` are not shown. */
  readonly leases: { readonly shown: readonly SnapshotLease[]; readonly more: number };
  readonly agents: SnapshotAgents;
  /** The newest first. */
  readonly events: readonly RecentEvent[];
}

/** As in the statistics. */
export interface SnapshotCounts
  extends Pick<PoolStats, 'total' | 'idle' | 'leased' | 'opening' | 'validating' | 'resetting' | 'closing'> {
  readonly limit: number;
  readonly minimum: number;
}

export interface SnapshotRates {
  readonly acquires: number;
  readonly queries: number;
}

export interface SnapshotFailures {
  /** How long this was counted, a minute at most. */
  readonly duration: number;
  readonly timedOut: number;
  /** Acquires refused because too many waited, or for too long. */
  readonly turnedAway: number;
  readonly acquiresFailed: number;
  readonly openingsFailed: number;
  readonly queriesFailed: number;
  readonly conflicts: number;
}

/** Since the pool was made. */
export interface SnapshotTotals {
  readonly served: number;
  readonly queries: number;
  readonly opened: number;
  readonly closed: number;
  readonly committed: number;
  readonly transactionsOpen: number;
}

export type SnapshotEndpoint = Pick<
  EndpointReport,
  'url' | 'state' | 'circuit' | 'share' | 'connections' | 'opening' | 'inUse' | 'latency' | 'nextProbeIn' | 'lastError'
>;

/** One connection in the strip. */
export interface SnapshotCell {
  readonly id: number;
  /** Which of `endpoints`; -1 when it is not there any more. */
  readonly endpoint: number;
  readonly state: ConnectionReport['state'];
  /** How long it has been in this state. */
  readonly for: number;
  /** How long its holder has made no call; absent while it is not lent, and while a call is under way. */
  readonly idle?: number;
  /** How many single calls share it. */
  readonly shared?: number;
}

/** A connection that is lent. */
export interface SnapshotLease {
  readonly connection: number;
  readonly endpoint: number;
  readonly agent: string | undefined;
  readonly namespace: string;
  readonly database: string;
  readonly user: string;
  readonly held: number;
  /** How long its holder has made no call; undefined while a call is under way. */
  readonly idle: number | undefined;
  readonly queries: number;
  /** How many single calls share it; 0 when one caller has it to itself. */
  readonly shared: number;
  /** How long its transaction is open. */
  readonly transactionFor: number | undefined;
  /** The last query without its values. */
  readonly statement: string | undefined;
}

/** Open agent sessions, the busiest now first. */
export interface SnapshotAgents {
  readonly open: number;
  /** Jain's index of the time that they had: 1 when it is even. */
  readonly fairness: number;
  readonly shown: readonly SnapshotAgent[];
  readonly more: number;
}

export interface SnapshotAgent
  extends Pick<
    SessionStatistics,
    'agentId' | 'sessionId' | 'namespace' | 'database' | 'state' | 'weight' | 'resourceLimits' | 'refused'
  > {
  readonly connections: number;
  readonly waiting: number;
  readonly longestWait: number;
  readonly operations: number;
  readonly openTransactions: number;
  readonly busyTime: number;
}

/** How many leases and agents a snapshot lists. */
const mostLeases = 200;
const mostAgents = 20;

/** What a snapshot is made of. */
export interface SnapshotParts extends PoolReports {
  readonly pool: string;
  readonly time: number;
  readonly verdict: Verdict;
  readonly lately: Changes | undefined;
  readonly lastMinute: Changes | undefined;
  readonly events: readonly RecentEvent[];
}

export function snapshotOf(parts: SnapshotParts): ConsoleSnapshot {
  const { pool, time, verdict, stats, health, connections, sessions, lately, lastMinute, events } = parts;
  const places = new Map(health.endpoints.map(({ url }, place) => [url, place]));
  const placeOf = ({ endpoint }: ConnectionReport): number => places.get(endpoint) ?? -1;
  const lent = connections.filter(({ holder }) => holder !== undefined);
  lent.sort((one, other) => (other.holder?.held ?? 0) - (one.holder?.held ?? 0));
  const { transactions } = stats;
  return {
    ...{ pool, time, verdict, state: stats.state },
    connections: {
      limit: stats.maxConnections,
      minimum: stats.minConnections,
      total: stats.total,
      idle: stats.idle,
      leased: stats.leased,
      opening: stats.opening,
      validating: stats.validating,
      resetting: stats.resetting,
      closing: stats.closing,
    },
    waiting: { callers: stats.waiting, oldest: Math.round(stats.oldestWaiter) },
    rates: lately && { acquires: perSecond(lately.started, lately), queries: perSecond(lately.queries, lately) },
    failures: lastMinute && {
      duration: Math.round(lastMinute.duration),
      timedOut: lastMinute.timedOut,
      turnedAway: lastMinute.turnedAway,
      acquiresFailed: lastMinute.failed,
      openingsFailed: lastMinute.openFailed,
      queriesFailed: lastMinute.queriesFailed,
      conflicts: lastMinute.conflicts,
    },
    waitTime: stats.waitTime.lastMinute,
    queryTime: stats.queryTime.lastMinute,
    leaseTime: stats.leaseTime.lastMinute,
    totals: {
      served: stats.served,
      queries: stats.queries,
      opened: stats.opened,
      closed: stats.closed,
      committed: transactions.committed,
      transactionsOpen: transactions.open,
    },
    endpoints: health.endpoints.map(endpointOf),
    strip: connections
      .map((connection) => cellOf(connection, placeOf(connection)))
      .sort((one, other) => one.endpoint - other.endpoint || one.id - other.id),
    leases: {
      shown: lent.slice(0, mostLeases).map((connection) => leaseOf(connection, placeOf(connection))),
      more: Math.max(0, lent.length - mostLeases),
    },
    agents: {
      open: sessions.open,
      fairness: sessions.fairness,
      shown: busiest(sessions.sessions, mostAgents).map(agentOf),
      more: Math.max(0, sessions.sessions.length - mostAgents),
    },
    events,
  };
}

function perSecond(count: number, { duration }: Changes): number {
  return Math.round((10_000 * count) / duration) / 10;
}

function endpointOf(endpoint: EndpointReport): SnapshotEndpoint {
  const { url, state, circuit, share, connections, opening, inUse, latency, nextProbeIn, lastError } = endpoint;
  return {
    ...{ url, state, circuit, share, connections, opening, inUse, latency, lastError },
    nextProbeIn: Math.round(nextProbeIn),
  };
}

function cellOf({ id, state, stateFor, holder }: ConnectionReport, endpoint: number): SnapshotCell {
  const cell: { -readonly [Name in keyof SnapshotCell]: SnapshotCell[Name] } = {
    id,
    endpoint,
    state,
    for: Math.round(stateFor),
  };
  if (holder?.idle !== undefined) cell.idle = Math.round(holder.idle);
  if (holder !== undefined && holder.sharedBy > 0) cell.shared = holder.sharedBy;
  return cell;
}

function leaseOf({ id, namespace, database, user, holder }: ConnectionReport, endpoint: number): SnapshotLease {
  return {
    connection: id,
    endpoint,
    namespace,
    database,
    user,
    agent: holder?.agent,
    held: Math.round(holder?.held ?? 0),
    idle: rounded(holder?.idle),
    queries: holder?.queries ?? 0,
    shared: holder?.sharedBy ?? 0,
    transactionFor: rounded(holder?.transactionFor),
    statement: holder?.statement,
  };
}

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value);
}

/** Those that have or want most now, then those that had most. */
function busiest(sessions: readonly SessionStatistics[], most: number): readonly SessionStatistics[] {
  const now = ({ activeConnections, waiting }: SessionStatistics): number => activeConnections + waiting;
  return [...sessions].sort((one, other) => now(other) - now(one) || other.busyTime - one.busyTime).slice(0, most);
}

function agentOf(session: SessionStatistics): SnapshotAgent {
  const { agentId, sessionId, namespace, database, state, weight, resourceLimits, refused } = session;
  return {
    ...{ agentId, sessionId, namespace, database, state, weight, resourceLimits, refused },
    connections: session.activeConnections,
    waiting: session.waiting,
    longestWait: Math.round(session.longestWait),
    operations: session.totalOperations,
    openTransactions: session.openTransactions,
    busyTime: Math.round(session.busyTime),
  };
}

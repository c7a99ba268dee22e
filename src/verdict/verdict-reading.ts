import type { SessionsStatistics } from '../agents/sessions.js';
import type { ConnectionReport } from '../manager/connection-report.js';
import type { HealthStatus } from '../manager/health-report.js';
import type { ConnectionManager } from '../manager.js';
import type { EndpointReport } from '../pool/endpoint-report.js';
import type { PoolStats } from '../telemetry/pool-stats.js';
import { systemClock } from '../time/clock.js';
import type { Changes, RecentChanges } from './recent-changes.js';

/** A lent connection as a verdict reads it. Times are in milliseconds. */
export interface LeaseReading {
  readonly connection: number;
  readonly held: number;
  /** How long its holder has made no call; undefined while one is under way. */
  readonly idle: number | undefined;
  /** How long calls have been under way without any answer; undefined while none is under way. */
  readonly unansweredFor: number | undefined;
  /** Whether single calls share the connection: then it is lent for as long as calls come, and nobody holds it. */
  readonly shared: boolean;
  readonly agentId: string | undefined;
  readonly inTransaction: boolean;
}

/** An agent that was refused by a limit lately. */
export interface RefusedAgent {
  readonly agentId: string;
  readonly limit: string;
  /** How often in the last minute. */
  readonly refused: number;
}

/** A server as a verdict reads it. */
export type EndpointReading = Pick<
  EndpointReport,
  'url' | 'state' | 'circuit' | 'failures' | 'lastError' | 'nextProbeIn' | 'latency'
>;

/** The servers of the pool, and whether it can serve. */
export interface HealthReading {
  readonly healthy: boolean;
  readonly reason: string;
  readonly endpoints: readonly EndpointReading[];
}

/** All that a verdict is made of. What is undefined is not known, and blames nobody. */
export interface VerdictReading {
  readonly stats: PoolStats;
  readonly health: HealthReading;
  readonly leases: readonly LeaseReading[];
  /** How many calls of each agent wait. */
  readonly waitingAgents: readonly { readonly agentId: string; readonly waiting: number }[];
  readonly refusedAgents: readonly RefusedAgent[];
  /** How often, in the last minute, work that held a connection asked for another while all were in use. */
  readonly nestedAcquires: number;
  /** What changed in about ten seconds. */
  readonly lately: Changes | undefined;
  /** What changed in about a minute. */
  readonly lastMinute: Changes | undefined;
}

/** How far back the changes of a verdict reach, in milliseconds. */
const lately = 10_000;
const minute = 60_000;

/** What a pool reports of itself at one instant. */
export interface PoolReports {
  readonly stats: PoolStats;
  readonly health: HealthStatus;
  readonly connections: readonly ConnectionReport[];
  readonly sessions: SessionsStatistics;
}

/** What only the events of a pool tell, counted over the last minute by who listens to them. */
export interface SeenEvents {
  readonly nestedAcquires: number;
  readonly refusedAgents: readonly RefusedAgent[];
}

const nothingSeen: SeenEvents = { nestedAcquires: 0, refusedAgents: [] };

/** Reads all reports of a pool; it costs the more the more connections and sessions there are. */
export function reportsOf(manager: ConnectionManager): PoolReports {
  return {
    stats: manager.poolStats(),
    health: manager.healthStatus(),
    connections: manager.connections(),
    sessions: manager.sessions(),
  };
}

/**
 * What a verdict is made of.
 * @param recent what was noted before; these statistics are noted too
 * @param now on the clock of the pool, in milliseconds
 */
export function verdictReading(
  { stats, health, connections, sessions }: PoolReports,
  recent: RecentChanges,
  seen: SeenEvents = nothingSeen,
  now: number = systemClock.now(),
): VerdictReading {
  recent.note(stats, now);
  return {
    ...{ stats, health },
    leases: connections.flatMap(({ id, holder }) =>
      holder === undefined
        ? []
        : {
            connection: id,
            held: holder.held,
            idle: holder.idle,
            unansweredFor: holder.unansweredFor,
            shared: holder.sharedBy > 0,
            agentId: holder.agent,
            inTransaction: holder.transactionFor !== undefined,
          },
    ),
    waitingAgents: sessions.sessions.filter(({ waiting }) => waiting > 0),
    ...seen,
    lately: recent.over(lately),
    lastMinute: recent.over(minute),
  };
}

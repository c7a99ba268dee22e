import type { SessionsStatistics } from '../agents/sessions.js';
import type { ConnectionReport } from '../manager/connection-report.js';
import type { HealthStatus } from '../manager/health-report.js';
import type { ConnectionManager } from '../manager.js';
import type { PoolStats } from '../telemetry/pool-stats.js';
import { systemClock } from '../time/clock.js';
import type { RecentChanges } from './recent-changes.js';
import { type RefusedAgent, type Verdict, type VerdictReading, verdictOf } from './verdict.js';

/** How far back the changes of a verdict reach, in milliseconds. */
const lately = 10_000;
const minute = 60_000;

/** What a pool says about itself at one instant. */
export interface PoolParts {
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

/** Everything of a pool that reports are made of; it costs the more the more connections and sessions there are. */
export function partsOf(manager: ConnectionManager): PoolParts {
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
  { stats, health, connections, sessions }: PoolParts,
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

/**
 * What is the matter with a pool now.
 * @param recent what earlier calls noted; without it only what can be seen at one instant is known
 */
export function verdictFor(manager: ConnectionManager, recent: RecentChanges): Verdict {
  return verdictOf(verdictReading(partsOf(manager), recent));
}

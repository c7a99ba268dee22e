import { ConnectionManager } from '../manager.js';
import { RecentChanges } from '../metrics/recent-changes.js';
import { verdictFor } from '../metrics/verdict-reading.js';
import type { EndpointReport } from '../pool/endpoint-report.js';
import { formatDuration } from '../time/format-duration.js';
import type { ResolvedHealthOptions } from './options.js';

/** A server as a health check tells it. */
export type EndpointHealth = Pick<
  EndpointReport,
  'url' | 'state' | 'circuit' | 'connections' | 'lastError' | 'nextProbeIn'
>;

/** What a check found about one pool. */
export interface PoolHealth {
  /** The name of the pool. */
  readonly pool: string;
  readonly status: 'ok' | 'unavailable';
  /** What was found, in one sentence, for people. */
  readonly sentence: string;
  /** Since when no server is usable, as an ISO date; absent while one is, and before the first connection. */
  readonly since?: string;
  /** Only with the option `details`. */
  readonly endpoints?: readonly EndpointHealth[];
}

type Finding = Pick<PoolHealth, 'status' | 'sentence'>;

const ok = (sentence: string): Finding => ({ status: 'ok', sentence });
const unavailable = (sentence: string): Finding => ({ status: 'unavailable', sentence });

/** Whether the pool should get work. It reads what the pool knows, and neither acquires nor sends. */
export function readinessOf(pool: ConnectionManager, options: ResolvedHealthOptions): PoolHealth {
  const facts = factsOf(pool);
  const { health, outage } = facts;
  const since = outage > 0 && !health.healthy ? { since: new Date(Date.now() - outage).toISOString() } : {};
  return told(pool, { ...readiness(facts, options), ...since }, facts, options);
}

/** Whether the pool has made its first connection, or makes none before a caller comes. */
export function startOf(pool: ConnectionManager, options: ResolvedHealthOptions): PoolHealth {
  const facts = factsOf(pool);
  const finding = facts.opened > 0 ? ok('The first connection was made.') : beforeFirst(facts);
  return told(pool, finding, facts, options);
}

function factsOf(pool: ConnectionManager) {
  const { awaitsCaller, outage } = ConnectionManager.partsOf(pool).pool;
  const { opened, openFailed } = pool.poolStats();
  return { health: pool.healthStatus(), awaitsCaller, outage, opened, openFailed };
}

const changes = new WeakMap<ConnectionManager, RecentChanges>();

/** What changed in a pool lately, from check to check. */
function changesOf(pool: ConnectionManager): RecentChanges {
  const known = changes.get(pool) ?? new RecentChanges();
  changes.set(pool, known);
  return known;
}

type Facts = ReturnType<typeof factsOf>;

function readiness(facts: Facts, { outageTolerance }: ResolvedHealthOptions): Finding {
  const { health, awaitsCaller, outage, opened } = facts;
  const { state, healthy, reason } = health;
  if (state === 'paused') return unavailable('The pool is paused: it lends nothing until resume().');
  if (state !== 'running') return unavailable(`The pool is ${state === 'closed' ? 'shut' : 'shutting'} down.`);
  if (opened === 0) return beforeFirst(facts);
  if (healthy) return ok(`${reason}.`);
  // Without work it would never find out that a server is back.
  if (awaitsCaller) return ok('No server is known to work, and the pool tries one when a caller comes.');
  if (outageTolerance === 0) return unavailable('No server is usable.');
  const tolerated = formatDuration(outageTolerance);
  if (outage >= outageTolerance) {
    return unavailable(`No server has been usable for ${formatDuration(outage)}, which is more than ${tolerated}.`);
  }
  return ok(`No server has been usable for ${formatDuration(outage)}; it stays ready until that is ${tolerated}.`);
}

function beforeFirst({ awaitsCaller, openFailed }: Facts): Finding {
  if (openFailed > 0) return unavailable('No connection was made yet: attempts to make one failed.');
  if (awaitsCaller) return ok('No connection was made yet: the pool opens the first one when a caller comes.');
  return unavailable('No connection was made yet.');
}

function told(
  pool: ConnectionManager,
  finding: Omit<PoolHealth, 'pool' | 'endpoints'>,
  { health: { endpoints } }: Facts,
  { details }: ResolvedHealthOptions,
): PoolHealth {
  if (!details) return { pool: pool.name, ...finding };
  return {
    pool: pool.name,
    ...finding,
    sentence: `${finding.sentence} ${verdictFor(pool, changesOf(pool)).sentence}`,
    endpoints: endpoints.map(({ url, state, circuit, connections, lastError, nextProbeIn }) => {
      return { url, state, circuit, connections, lastError, nextProbeIn };
    }),
  };
}

import { ConnectionManager } from '../manager.js';
import type { EndpointReport } from '../pool/endpoint-report.js';
import { formatDuration } from '../time/format-duration.js';
import { verdictOf } from '../verdict/verdict.js';
import { type PoolReports, reportsOf, verdictReading } from '../verdict/verdict-reading.js';
import { changesOf } from './changes-of-pools.js';
import type { ResolvedHealthOptions } from './options.js';
import { withoutNames } from './without-names.js';

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
  /** What was found, and what is the matter with the pool: the verdict of the live page. For people. */
  readonly sentence: string;
  /** Since when no server is usable, as an ISO date; absent while one is, and before the first connection. */
  readonly since?: string;
  /** Only with the option `details`. */
  readonly endpoints?: readonly EndpointHealth[];
}

/** What a check says; without words of its own where the verdict about the pool says it all. */
interface Finding {
  readonly status: PoolHealth['status'];
  readonly words: string;
}

const ok = (words = ''): Finding => ({ status: 'ok', words });
const unavailable = (words = ''): Finding => ({ status: 'unavailable', words });

/** Whether the pool should get work. It reads what the pool knows, and neither acquires nor sends. */
export function readinessOf(pool: ConnectionManager, options: ResolvedHealthOptions): PoolHealth {
  const reports = reportsOf(pool);
  const facts = factsOf(pool, reports);
  const { health, outage } = facts;
  const { status, words } = readiness(facts, options);
  const since = outage > 0 && !health.healthy ? { since: new Date(Date.now() - outage).toISOString() } : {};
  const sentence = `${words} ${verdict(pool, reports, options)}`.trimStart();
  return { pool: pool.name, status, sentence, ...since, ...details(facts, options) };
}

/** Whether the pool has made its first connection, or makes none before a caller comes. */
export function startOf(pool: ConnectionManager, options: ResolvedHealthOptions): PoolHealth {
  const facts = factsOf(pool, { stats: pool.poolStats(), health: pool.healthStatus() });
  const { status, words } = facts.opened > 0 ? ok('The first connection was made.') : beforeFirst(facts);
  return { pool: pool.name, status, sentence: words, ...details(facts, options) };
}

function factsOf(pool: ConnectionManager, { stats, health }: Pick<PoolReports, 'stats' | 'health'>) {
  const { awaitsCaller, outage } = ConnectionManager.partsOf(pool).pool;
  const { opened, openFailed } = stats;
  return { health, awaitsCaller, outage, opened, openFailed };
}

type Facts = ReturnType<typeof factsOf>;

function readiness(facts: Facts, { outageTolerance }: ResolvedHealthOptions): Finding {
  const { health, awaitsCaller, outage, opened } = facts;
  const { state, healthy } = health;
  if (state !== 'running') return unavailable();
  if (opened === 0) return beforeFirst(facts);
  if (healthy) return ok();
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

/** What is the matter with the pool. */
function verdict(pool: ConnectionManager, reports: PoolReports, { details }: ResolvedHealthOptions): string {
  const reading = verdictReading(reports, changesOf(pool));
  return verdictOf(details ? reading : withoutNames(reading)).sentence;
}

function details({ health }: Facts, { details }: ResolvedHealthOptions): Pick<PoolHealth, 'endpoints'> {
  if (!details) return {};
  return {
    endpoints: health.endpoints.map(({ url, state, circuit, connections, lastError, nextProbeIn }) => {
      return { url, state, circuit, connections, lastError, nextProbeIn };
    }),
  };
}

import { UsageError } from '../errors/configuration.js';
import { type HttpHandler, httpHandler } from '../http/http-handler.js';
import type { HttpReply, HttpRequest } from '../http/http-message.js';
import { jsonReply, lastSegment, methodNotAllowed, notFound, reads } from '../http/replies.js';
import type { ConnectionManager } from '../manager.js';
import { PoolNames } from '../metrics/pool-names.js';
import { type Pools, poolsNow, requirePools } from '../metrics/pools.js';
import { type HealthOptions, type ResolvedHealthOptions, readHealthOptions } from './options.js';
import { type PoolHealth, readinessOf, startOf } from './pool-health.js';

/**
 * - `live`: the process answers. It asks no pool and no database, so that no outage there restarts the process;
 * - `ready`: the pool should get work: see `docs/health-endpoints.md`;
 * - `started`: the first connection was made.
 */
export type HealthCheck = 'live' | 'ready' | 'started';

/** What a check found; the body of the reply. */
export interface HealthReport extends Partial<Omit<PoolHealth, 'status' | 'sentence'>> {
  readonly status: 'ok' | 'unavailable';
  readonly check: HealthCheck;
  /** What was found, in one sentence, for people. */
  readonly sentence: string;
  /** Each pool, when a list or a function was given. All of them have to be well. */
  readonly pools?: readonly PoolHealth[];
}

/** Answers all three checks by the last segment of the path, and each of them by itself. */
export interface HealthChecks extends HttpHandler {
  readonly live: HttpHandler;
  readonly ready: HttpHandler;
  readonly started: HttpHandler;
  /**
   * What a check finds now: what the handler would answer.
   * @throws whatever the function throws that gives the pools
   */
  readonly status: (check: HealthCheck) => HealthReport;
}

/** A map, since a path may also end in the name of what every object has: `/constructor`. */
const segments: ReadonlyMap<string, HealthCheck> = new Map([
  ['livez', 'live'],
  ['healthz', 'live'],
  ['live', 'live'],
  ['readyz', 'ready'],
  ['ready', 'ready'],
  ['startupz', 'started'],
  ['started', 'started'],
]);

/**
 * A handler for the probes of Kubernetes and of load balancers: 200 or 503 with a body in JSON and a sentence. By the last
 * segment of the path it answers `livez`, `healthz` and `live`, `readyz` and `ready`, `startupz` and `started`; its `live`, `ready`
 * and `started` answer at any path. No check acquires a connection or sends anything, and none fails because the pool is busy.
 *
 * @param pools a pool, a list of pools, which all have to be ready, or a function that gives those that are there now: while there
 *   are none, it is not ready
 * @throws UsageError for anything else than pools, ConfigurationError for an option that cannot be used
 */
export function healthHandler(pools: Pools, options: HealthOptions = {}): HealthChecks {
  const read = readHealthOptions(options);
  requirePools(pools);
  if (Array.isArray(pools) && pools.length === 0) {
    throw new UsageError('healthHandler() was given an empty list: for pools that are made later, give it a function');
  }
  const status = (check: HealthCheck): HealthReport => report(check, pools, read);
  const answer = (check: HealthCheck, { method }: HttpRequest): HttpReply => {
    if (!reads(method)) return methodNotAllowed(['GET', 'HEAD']);
    const found = status(check);
    if (found.status === 'ok') return jsonReply(200, found);
    return jsonReply(503, found, { 'retry-after': String(retryAfter(pools)) });
  };
  const all = httpHandler((request) => {
    const check = segments.get(lastSegment(request.path));
    return check === undefined ? notFound([...segments.keys()]) : answer(check, request);
  });
  const only = (check: HealthCheck): HttpHandler => httpHandler((request) => answer(check, request));
  return Object.assign(all, { live: only('live'), ready: only('ready'), started: only('started'), status });
}

function report(check: HealthCheck, pools: Pools, options: ResolvedHealthOptions): HealthReport {
  if (check === 'live') return { status: 'ok', check, sentence: 'The process answers.' };
  const judge = check === 'ready' ? readinessOf : startOf;
  // A name for each: a report about two pools of one name would not say which of them is unwell.
  const names = new PoolNames();
  const found = poolsNow(pools).map((pool) => ({ ...judge(pool, options), pool: names.of(pool) }));
  const [first] = found;
  if (first === undefined) return { status: 'unavailable', check, sentence: 'No pool was made yet.', pools: [] };
  if (typeof pools !== 'function' && !Array.isArray(pools)) return { check, ...first };
  const unwell = found.filter(({ status }) => status !== 'ok');
  if (unwell.length === 0) return { check, status: 'ok', sentence: `All pools are ${check}.`, pools: found };
  const sentence = unwell.map((one) => `${one.pool}: ${one.sentence}`).join(' ');
  return { check, status: 'unavailable', sentence, pools: found };
}

/** When to ask again, in whole seconds: as soon as a server is tried, else in a second. */
function retryAfter(pools: Pools): number {
  const waits = poolsNow(pools)
    .flatMap((pool: ConnectionManager) => pool.endpoints().map(({ nextProbeIn }) => nextProbeIn))
    .filter((wait) => wait > 0);
  return waits.length === 0 ? 1 : Math.ceil(Math.min(...waits) / 1_000);
}

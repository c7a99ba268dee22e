import type { EndpointReport } from '../pool/endpoint-report.js';
import type { PoolStats } from '../telemetry/pool-stats.js';
import type { AgentsFigures } from './agent-figures.js';
import { type AssertionResult, evaluate } from './assertions.js';
import { distribution } from './distribution.js';
import type { Interruption } from './interruption.js';
import type { LoadFigures } from './load-figures.js';
import type { LoadOptions } from './load-options.js';
import type { Measurements } from './measurements.js';
import { messageFigures } from './message-figures.js';
import { type Verdict, verdictOn } from './verdict.js';
import type { Versions } from './versions.js';

/** Raised when a field of the report changes its meaning or is removed; not when one is added. */
export const reportSchema = 1;

export interface LoadReport extends LoadFigures {
  readonly schema: typeof reportSchema;
  readonly versions: Versions;
  readonly verdict: Verdict;
  readonly assertions: readonly AssertionResult[];
}

/** Observations beside the measurements. */
export interface Observations {
  readonly options: LoadOptions;
  readonly versions: Versions;
  readonly interrupted: Interruption | null;
  readonly queryAlone: number;
  readonly processBusy: number;
  /** The pool when the load began, and when it had ended, before the shutdown. */
  readonly poolBefore: PoolStats;
  readonly poolAfter: PoolStats;
  /** The servers of the pool when the load had ended. */
  readonly endpoints: readonly EndpointReport[];
  /** What the agents had of the pool; null without agents. */
  readonly agents: AgentsFigures | null;
}

export function reportOf(measurements: Measurements, observations: Observations): LoadReport {
  const figures = figuresOf(measurements, observations);
  return {
    schema: reportSchema,
    versions: observations.versions,
    verdict: verdictOn(figures),
    assertions: evaluate(observations.options.assertions, figures),
    ...figures,
  };
}

function figuresOf(measurements: Measurements, observations: Observations): LoadFigures {
  const { options, interrupted, queryAlone, processBusy, poolBefore, poolAfter, endpoints, agents } = observations;
  const { endpoint, namespace, database, demand, mix, statements, singleCalls, duration, operations } = options;
  const { succeeded, failed, unfinished, unanswered, dropped, refused, elapsed } = measurements;
  return {
    load: {
      endpoint,
      engine: isEmbedded(endpoint) ? 'in-process' : 'server',
      namespace,
      database,
      workers: 'workers' in demand ? demand.workers : null,
      rate: 'rate' in demand ? demand.rate : null,
      agents: options.agents,
      singleCalls,
      mix: statements === null ? mix : null,
      statements: statements?.map(({ name, weight }) => ({ name, weight })) ?? null,
      duration,
      operations,
    },
    interrupted,
    elapsed,
    operations: {
      total: succeeded.read + succeeded.write + failed,
      reads: succeeded.read,
      writes: succeeded.write,
      errors: failed,
      unfinished,
      unanswered,
      dropped,
      refused,
    },
    throughput: throughput(measurements),
    wait: measurements.wait.summary(),
    query: measurements.query.summary(),
    latency: measurements.latency.summary(),
    latencyDistribution: distribution(measurements.latency),
    queryAlone,
    processBusy,
    pool: {
      minConnections: poolAfter.minConnections,
      maxConnections: poolAfter.maxConnections,
      opened: poolAfter.opened,
      openFailed: poolAfter.openFailed,
      closed: poolAfter.closed,
      closedBy: Object.fromEntries(Object.entries(poolAfter.closedBy).filter(([, count]) => count > 0)),
      reuse: percent(poolAfter.reused - poolBefore.reused, poolAfter.served - poolBefore.served),
      messages: messageFigures(poolBefore, poolAfter),
      endpoints: endpoints.map(({ url, state, connections, opened }) => ({ url, state, connections, opened })),
    },
    agents,
    errors: Object.fromEntries([...measurements.errors].sort(([, one], [, other]) => other.count - one.count)),
  };
}

/** Whether the database runs in this process. */
export function isEmbedded(endpoint: string): boolean {
  return !/^wss?:/.test(endpoint);
}

function throughput({ elapsed, inTime, perSecond: counts }: Measurements): LoadFigures['throughput'] {
  // Leaves out an incomplete last second, and operations that succeeded after the end.
  const perSecond = Array.from({ length: Math.floor(elapsed / 1_000) }, (_, second) => counts[second] ?? 0);
  const mean = elapsed === 0 ? 0 : (1_000 * inTime) / elapsed;
  return { mean, slowestSecond: perSecond.length === 0 ? mean : Math.min(...perSecond), perSecond };
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}

import { withoutQuery } from '../config/address.js';
import type { HistogramSummary } from '../pool/histogram.js';
import type { PoolStats } from '../telemetry/pool-stats.js';
import type { OperationCounts } from './load-figures.js';
import { isEmbedded, reportSchema } from './load-report.js';
import type { ErrorCount } from './measurements.js';
import type { MessageFigures } from './message-figures.js';
import type { Expectation, Scene } from './scenarios/scene.js';
import { type Versions, versionsWith } from './versions.js';

/** What a scenario was and what it showed. Times are in milliseconds. Holds no secret. */
export interface ScenarioReport {
  readonly schema: typeof reportSchema;
  readonly versions: Versions;
  readonly scenario: string;
  /** Without what follows a question mark, which may be a secret. */
  readonly endpoint: string;
  readonly elapsed: number;
  readonly operations: OperationCounts;
  /** Operations per second that succeeded. */
  readonly throughput: number;
  /** From asking the pool for a connection to having it. */
  readonly wait: HistogramSummary;
  /** From having a connection to the end of the operation. */
  readonly query: HistogramSummary;
  readonly latency: HistogramSummary;
  readonly errors: Readonly<Record<string, ErrorCount>>;
  /** How single calls went to the server; null when the scenario is not about them. */
  readonly messages: MessageFigures | null;
  /** The pool at the end, before it was shut down. */
  readonly pool: PoolStats;
  readonly expectations: readonly Expectation[];
}

/** What a scene shows now. */
export function scenarioReport(scenario: string, scene: Scene): ScenarioReport {
  const { measurements, counts, place, pool, expectations } = scene;
  const elapsed = performance.now() - measurements.started;
  return {
    schema: reportSchema,
    versions: versionsWith(scene.serverVersion, isEmbedded(place.endpoint)),
    scenario,
    endpoint: withoutQuery(place.endpoint),
    elapsed,
    operations: {
      total: counts.total,
      reads: measurements.succeeded.read,
      writes: measurements.succeeded.write,
      errors: counts.failed,
    },
    throughput: (1_000 * counts.succeeded) / elapsed,
    wait: measurements.wait.summary(),
    query: measurements.query.summary(),
    latency: measurements.latency.summary(),
    errors: Object.fromEntries(measurements.errors),
    messages: scene.messages,
    pool: pool.poolStats(),
    expectations,
  };
}

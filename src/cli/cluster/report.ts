import type { EndpointReport } from '../../pool/endpoint-report.js';
import type { Interruption } from '../interruption.js';
import { reportSchema } from '../load-report.js';
import type { ErrorCount } from '../measurements.js';
import type { Expectation } from '../scenarios/scene.js';
import type { Versions } from '../versions.js';
import type { PartFigures } from './calls.js';
import type { StoreCheck } from './ledger.js';
import type { settings } from './plan.js';

/** What each server did and had at one moment. */
export interface Sample {
  /** Since the first part began, in milliseconds. */
  readonly at: number;
  readonly servers: readonly {
    /** Queries that it brought to the store since the last sample. */
    readonly queries: number;
    readonly connections: number;
    readonly state: EndpointReport['state'];
  }[];
}

/** The settings and results of a run with servers of its own. Times are in milliseconds. */
export interface ClusterReport {
  readonly schema: typeof reportSchema;
  readonly versions: Versions;
  readonly servers: number;
  readonly maxConnections: number;
  /** Operations per second that began; null with workers. */
  readonly rate: number | null;
  readonly workers: number | null;
  /** Of the pool, where they differ from the defaults. */
  readonly settings: typeof settings;
  readonly interrupted: Interruption | null;
  readonly calls: number;
  readonly failed: number;
  readonly parts: readonly PartFigures[];
  /** By class and outcome. */
  readonly errors: Readonly<Record<string, ErrorCount>>;
  readonly samples: readonly Sample[];
  readonly store: StoreCheck;
  readonly expectations: readonly Expectation[];
}

export type Observed = Omit<ClusterReport, 'schema' | 'calls' | 'failed' | 'expectations'>;

export function clusterReport(observed: Observed): ClusterReport {
  const sum = (pick: (part: PartFigures) => number): number =>
    observed.parts.reduce((total, part) => total + pick(part), 0);
  return {
    schema: reportSchema,
    ...observed,
    calls: sum(({ calls }) => calls),
    failed: sum(({ failed }) => failed),
    expectations: expectationsOf(observed),
  };
}

function expectationsOf({ store, samples, interrupted }: Observed): Expectation[] {
  const { made, missing, twice, notMade, madeNevertheless, unknown, unknownMade, torn } = store;
  const has = samples.at(-1)?.servers ?? [];
  return [
    expected('every acknowledged write is in the store, once', of(made - missing, made), missing + twice === 0),
    expected('of writes that failed for certain none is there', of(madeNevertheless, notMade), madeNevertheless === 0),
    expected('of writes of unknown outcome all is there, or nothing', of(unknownMade, unknown), torn === 0),
    ...(interrupted === null
      ? [
          expected(
            'each server has connections again at the end',
            has.map(({ connections }) => connections).join(', '),
            has.length > 0 && has.every(({ state, connections }) => state === 'well' && connections > 0),
          ),
        ]
      : []),
  ];
}

function expected(text: string, actual: string, held: boolean): Expectation {
  return { text, actual, held };
}

function of(part: number, whole: number): string {
  return `${part.toLocaleString('en-US')} of ${whole.toLocaleString('en-US')}`;
}

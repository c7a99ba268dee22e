import { type AssertionResult, evaluate } from '../assertions.js';
import { formatDuration, formatNumber, formatPercent } from '../formats.js';
import type { Interruption } from '../interruption.js';
import type { LoadFigures } from '../load-figures.js';
import type { LoadOptions } from '../load-options.js';
import { isEmbedded, reportSchema } from '../load-report.js';
import type { Versions } from '../versions.js';
import type { ReplayFigures } from './replay-figures.js';
import type { RecordedFigures } from './replay-plan.js';

/** What was replayed, and how. */
export interface ReplaySettings {
  readonly file: string;
  /** How many times faster than recorded the units came. */
  readonly speed: number;
  readonly endpoint: string;
  readonly engine: LoadFigures['load']['engine'];
}

/** The settings and results of a replay. Times are in milliseconds, shares in percent. Contains no secret. */
export interface ReplayReport extends ReplayFigures {
  readonly schema: typeof reportSchema;
  readonly versions: Versions;
  readonly verdict: { readonly finding: ReplayFinding; readonly sentence: string };
  readonly assertions: readonly AssertionResult[];
  readonly replay: ReplaySettings;
  readonly recorded: RecordedFigures;
  /** The signal that ended the replay early, if one did. */
  readonly interrupted: Interruption | null;
  readonly pool: PoolOfReplay;
}

export type PoolOfReplay = Pick<
  LoadFigures['pool'],
  'minConnections' | 'maxConnections' | 'opened' | 'openFailed' | 'closed' | 'reuse'
>;

/** `enough`: hardly anyone waited; `pool`: it is too small; `process`: it could not keep up, so the waits say little. */
export type ReplayFinding = 'enough' | 'pool' | 'process' | 'errors' | 'nothing';

export function replayReport(
  figures: ReplayFigures,
  pool: PoolOfReplay,
  recorded: RecordedFigures,
  options: LoadOptions,
  { versions, interrupted }: Pick<ReplayReport, 'versions' | 'interrupted'>,
): ReplayReport {
  return {
    schema: reportSchema,
    versions,
    verdict: verdictOn(figures, pool, replaySettings(options).speed, interrupted),
    assertions: evaluate(options.assertions, { ...figures, pool }),
    replay: replaySettings(options),
    recorded,
    interrupted,
    ...figures,
    pool,
  };
}

export function replaySettings({ replay, endpoint }: LoadOptions): ReplaySettings {
  const { file = '', speed = 1 } = replay ?? {};
  return { file, speed, endpoint, engine: isEmbedded(endpoint) ? 'in-process' : 'server' };
}

/** Callers hardly wait below this, in milliseconds at p99, or below this part of their time. */
const leastWait = 1;
const leastShareOfWait = 0.2;
/** A replay that is later than this, in milliseconds at p99, and than a part of the time of a unit, says little. */
const leastLate = 2;
const leastShareOfLate = 0.2;

export function verdictOn(
  { operations, errors, wait, query, latency, late, mostLent, used, elapsed }: ReplayFigures,
  { maxConnections }: Pick<PoolOfReplay, 'maxConnections'>,
  speed: number,
  interrupted: Interruption | null,
): ReplayReport['verdict'] {
  const stopped = interrupted === null ? '' : `Stopped by ${interrupted} after ${formatDuration(elapsed)}. `;
  const isLate = late.p99 >= leastLate;
  const isTooLate = isLate && late.mean >= leastShareOfLate * query.mean;
  const delayed =
    isLate && !isTooLate
      ? ` This process was ${formatDuration(late.p99)} late at p99, which makes waits longer; --sweep needs no real time.`
      : '';
  const told = (finding: ReplayFinding, sentence: string): ReplayReport['verdict'] => ({
    finding,
    sentence: `${stopped}${sentence}${delayed}`,
  });
  const [most] = Object.entries(errors);
  const connections = formatNumber(maxConnections, 'connection');
  if (operations.total === 0) return told('nothing', 'No unit of work ended.');
  if (isTooLate) {
    return told(
      'process',
      `This process could not keep up: it was ${formatDuration(late.p99)} late at p99, so the waits say little; use --sweep, which needs no real time, or a lower --speed.`,
    );
  }
  if (most !== undefined) {
    const [name, { count }] = most;
    const failed = `${formatNumber(operations.errors, 'unit')} of ${operations.total} got no connection`;
    return told(
      'errors',
      `${failed} (${count} with ${name}); ${connections} are too few at ${timesText(speed)} the recorded load, or the server refused them.`,
    );
  }
  const waited = wait.p99 >= leastWait && wait.mean >= leastShareOfWait * latency.mean;
  const size = `${connections}, of which at most ${mostLent} were lent at a time (${formatPercent(used)} of their time)`;
  if (waited) {
    return told(
      'pool',
      `The pool was too small: callers waited ${formatDuration(wait.p99)} at p99 at ${timesText(speed)} the recorded load, with ${size}; --sweep finds the size that is enough.`,
    );
  }
  return told(
    'enough',
    `The pool was large enough: callers waited ${formatDuration(wait.p99)} at p99 at ${timesText(speed)} the recorded load, with ${size}.`,
  );
}

/** `2×` */
export function timesText(speed: number): string {
  return `${Number(speed.toPrecision(3))}×`;
}

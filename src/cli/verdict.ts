import { formatCount, formatDuration, formatNumber, formatPercent } from './formats.js';
import type { LoadFigures } from './load-figures.js';

/** Where to look first. */
export type Finding = 'healthy' | 'pool' | 'database' | 'calls' | 'process' | 'overload' | 'errors' | 'nothing';

export interface Verdict {
  readonly finding: Finding;
  /** One sentence for people. */
  readonly sentence: string;
}

/** A query that takes this many times as long as alone is slowed down by the load. */
const slowedDown = 3;
/**
 * Callers that wait less than this, in milliseconds at the 99th percentile, or a smaller share of their time, hardly
 * wait.
 */
const leastWait = 1;
const leastShareOfWait = 0.2;
/** A process that computes this share of the time, in percent, is saturated. */
const saturated = 90;
/** A rate is kept when at least this share of it was served. */
const keptRate = 0.9;

/** Says in one sentence what the numbers mean: what the bottleneck is, or that there is none. */
export function verdictOn(figures: LoadFigures): Verdict {
  const { interrupted, elapsed } = figures;
  const { finding, sentence } = unanswered(figures) ?? nothingDone(figures) ?? failures(figures) ?? bottleneck(figures);
  const stopped = interrupted === null ? [] : [`Stopped by ${interrupted} after ${formatDuration(elapsed)}.`];
  return { finding, sentence: [...stopped, sentence, ...refusals(figures)].join(' ') };
}

/** Refusals by the limits that were asked for are no failures, but they are work that was not done. */
function refusals({ operations: { refused, total } }: LoadFigures): string[] {
  if (refused === 0 || total === 0) return [];
  const share = formatPercent((100 * refused) / (refused + total));
  return [`Limits of the agents refused ${formatNumber(refused, 'operation')} besides (${share} of all).`];
}

/** Checks for unanswered statements: they are missing in the times, which then look too good. */
function unanswered({ operations }: LoadFigures): Verdict | undefined {
  if (operations.unanswered === 0) return undefined;
  const statements = formatNumber(operations.unanswered, 'statement');
  return {
    finding: 'database',
    sentence: `The database stopped answering: ${statements} still had no answer when the run was over.`,
  };
}

function nothingDone({ operations }: LoadFigures): Verdict | undefined {
  if (operations.total > 0) return undefined;
  const { unfinished: begun, refused } = operations;
  if (refused > 0) {
    return { finding: 'nothing', sentence: `Limits of the agents refused all ${formatNumber(refused, 'operation')}.` };
  }
  const sentence = begun === 0 ? 'No operation was begun.' : `None of the ${formatCount(begun)} operations ended.`;
  return { finding: 'nothing', sentence };
}

function failures({ operations, errors }: LoadFigures): Verdict | undefined {
  const classes = Object.entries(errors).filter(([name]) => name !== 'conflict');
  const [most] = classes;
  if (most === undefined) return undefined;
  const share = formatPercent((100 * operations.errors) / operations.total);
  const failed = `${formatCount(operations.errors)} of ${formatCount(operations.total)} operations failed (${share})`;
  const which =
    Object.keys(errors).length === 1 ? `all with ${most[0]}` : `${formatCount(most[1].count)} with ${most[0]}`;
  return { finding: 'errors', sentence: `${failed}, ${which}.` };
}

function bottleneck(figures: LoadFigures): Verdict {
  const { load, throughput, operations } = figures;
  const blame = whoIsToBlame(figures);
  const kept = load.rate === null || (throughput.mean >= keptRate * load.rate && operations.dropped === 0);
  if (kept) return blame ?? healthy(figures);
  const overload = `Only ${formatCount(throughput.mean)} of ${formatCount(load.rate)} operations per second were done.`;
  return {
    finding: blame?.finding ?? 'overload',
    sentence: blame === undefined ? overload : `${overload} ${blame.sentence}`,
  };
}

function whoIsToBlame(figures: LoadFigures): Verdict | undefined {
  const { load, wait, query, latency, queryAlone, processBusy, pool } = figures;
  const inProcess = load.engine === 'in-process';
  if (processBusy >= saturated) {
    const busy = formatPercent(processBusy);
    const sentence = inProcess
      ? `This process was the bottleneck: its callers computed ${busy} of the time, beside the engine that runs inside it and shares its cores; this says nothing of a server.`
      : `This process was the bottleneck: it computed ${busy} of the time; run several at once for more load.`;
    return { finding: 'process', sentence };
  }
  if (load.singleCalls && query.p50 > slowedDown * queryAlone)
    return { finding: 'calls', sentence: slowCalls(figures) };
  const waited = wait.p99 >= leastWait && wait.mean >= leastShareOfWait * latency.mean;
  if (query.p50 > slowedDown * queryAlone) {
    const [alone, loaded] = [formatDuration(queryAlone), formatDuration(query.p50)];
    const remedy = waited ? `; more than ${pool.maxConnections} connections would not help` : '';
    const times = `a query took ${alone} alone and ${loaded} under this load${remedy}`;
    const sentence = inProcess
      ? `The engine inside this process was the bottleneck: ${times}. It shares the cores with its callers, so this says nothing of a server.`
      : `The database was the bottleneck: ${times}.`;
    return { finding: 'database', sentence };
  }
  if (!waited) return undefined;
  const [waiting, running] = [formatDuration(wait.p99), formatDuration(query.p99)];
  const { maxConnections, atMaxConnections } = load.agents?.limits ?? {};
  if (typeof maxConnections === 'number' && atMaxConnections === 'wait') {
    const limit = `the ${formatNumber(maxConnections, 'connection')} that each agent may have`;
    return {
      finding: 'pool',
      sentence: `The pool or the limit of the agents was the bottleneck: callers waited ${waiting} at p99 while queries took ${running}; raise --pool-max, or ${limit}.`,
    };
  }
  return {
    finding: 'pool',
    sentence: `The pool was the bottleneck: callers waited ${waiting} at p99 while queries took ${running}; raise --pool-max.`,
  };
}

/** For single calls the wait for a connection is not known apart. */
function slowCalls({ query, queryAlone }: LoadFigures): string {
  const [alone, loaded] = [formatDuration(queryAlone), formatDuration(query.p50)];
  return `A call took ${alone} alone and ${loaded} under this load, the wait for a connection included; without --single-calls the two are measured apart.`;
}

function healthy({ load, throughput, latency, wait, errors }: LoadFigures): Verdict {
  const conflicts = errors.conflict?.count ?? 0;
  const health = conflicts === 0 ? 'Healthy' : `Healthy but for ${formatNumber(conflicts, 'write conflict')}`;
  const rate = formatNumber(Math.round(throughput.mean), 'operation');
  const waits = load.singleCalls ? '' : `, wait for a connection ${formatDuration(wait.p99)}`;
  const times = `latency ${formatDuration(latency.p99)} at p99${waits}`;
  return { finding: 'healthy', sentence: `${health}: ${rate} per second, ${times}.` };
}

import type { ConnectionManager } from '../manager.js';
import { agentsFigures, timesRefused } from './agent-figures.js';
import type { AgentsAtWork } from './agent-text.js';
import { Driver } from './driver.js';
import type { Interruption } from './interruption.js';
import { openAgents } from './load-agents.js';
import type { LoadOptions } from './load-options.js';
import { isEmbedded, type LoadReport, type Observations, reportOf } from './load-report.js';
import { Measurements } from './measurements.js';
import type { ProgressDisplay } from './progress.js';
import { withRecording } from './recording-run.js';
import { seededRandom } from './seeded-random.js';
import { showProgress } from './show-progress.js';
import { StatementWorkload } from './statement-workload.js';
import { type Versions, versionsWith } from './versions.js';
import { RecordWorkload, type Workload } from './workload.js';

/**
 * How long operations under way at the end of the run may take, in milliseconds, including those waiting for a
 * connection.
 */
const patience = 5_000;
/** How long statements still running after that may take, in milliseconds. */
const lastPatience = 2_000;
const cleanUpPatience = 5_000;

/** Stores the records to work on, loads the pool as the options say, and restores the database. */
export async function runLoad(
  pool: ConnectionManager,
  options: LoadOptions,
  interruption: Promise<Interruption>,
  display: ProgressDisplay,
): Promise<LoadReport> {
  return await withWorkload(pool, options, display, async (workload) => {
    const before = { queryAlone: await medianQueryAlone(pool, workload), versions: await versionsOf(pool, options) };
    return await measure(pool, workload, options, before, interruption, display);
  });
}

/** Stores the records for `work`, then restores the database and shuts the pool down. */
export async function withWorkload<T>(
  pool: ConnectionManager,
  options: LoadOptions,
  display: ProgressDisplay,
  work: (workload: Workload) => Promise<T>,
): Promise<T> {
  const workload = workloadOf(options);
  try {
    display.say(options.statements === null ? 'storing records to work on …' : 'running each statement alone …');
    await workload.prepare(pool);
    try {
      return await work(workload);
    } finally {
      // A database in memory disappears by itself.
      if (!options.endpoint.startsWith('mem:') && options.statements === null) {
        display.say('removing the records …');
        await cleanUp(pool, workload);
      }
    }
  } finally {
    await pool.shutdown({ gracePeriod: 0 });
  }
}

function workloadOf({ statements, mix, seed }: LoadOptions): Workload {
  const random = seededRandom(seed);
  return statements === null ? new RecordWorkload(mix, random) : new StatementWorkload(statements, random);
}

export async function versionsOf(pool: ConnectionManager, { endpoint }: LoadOptions): Promise<Versions> {
  const { version } = await pool.version();
  return versionsWith(version, isEmbedded(endpoint));
}

async function measure(
  pool: ConnectionManager,
  workload: Workload,
  options: LoadOptions,
  before: Pick<Observations, 'queryAlone' | 'versions'>,
  interruption: Promise<Interruption>,
  display: ProgressDisplay,
): Promise<LoadReport> {
  let interrupted = null as Interruption | null;
  const stop = new AbortController();
  void interruption.then((signal) => {
    interrupted = signal;
    stop.abort();
  });
  const end = options.duration === null ? undefined : setTimeout(() => stop.abort(), options.duration);

  const poolBefore = pool.poolStats();
  const loopBefore = performance.eventLoopUtilization();
  const measurements = new Measurements(performance.now());
  const { singleCalls, demand, operations, seed } = options;
  const agents =
    options.agents === null || 'rate' in demand
      ? undefined
      : openAgents(pool, options.agents, { workers: demand.workers, singleCalls }, measurements);
  const driver = new Driver(pool, workload, measurements, {
    single: singleCalls ? pool : undefined,
    most: operations ?? undefined,
    agents,
    // Not the numbers of the workload, of which the first ones are to be the same with and without agents.
    random: seededRandom(seed + 1),
  });
  const stopProgress = showProgress(pool, measurements, display, options.progress, () => ({
    duration: options.duration,
    operations: options.operations,
    agents: options.agents === null ? undefined : agentsAtWork(pool),
  }));

  let processBusy = 0;
  await withRecording(options, async () => {
    await driver.drive(demand, stop.signal);
    clearTimeout(end);
    stopProgress();
    measurements.stop(performance.now());
    processBusy = 100 * performance.eventLoopUtilization(loopBefore).utilization;

    display.say('waiting for what is under way …');
    await Promise.race([driver.settled(patience), interruption]);
    driver.abandonWaiting();
    await driver.settled(lastPatience);
    driver.end();
  });
  const poolAfter = pool.poolStats();
  const ofAgents = agents === undefined ? null : agentsFigures(agents, pool);
  const observed = {
    ...before,
    interrupted,
    processBusy,
    poolBefore,
    poolAfter,
    endpoints: pool.endpoints(),
    agents: ofAgents,
  };
  return reportOf(measurements, { options, ...observed });
}

function agentsAtWork(pool: ConnectionManager): AgentsAtWork {
  const { open, totals, greediest, mostRefused } = pool.sessions();
  return {
    count: open,
    greediest: greediest && {
      agentId: greediest.agentId,
      share: totals.busyTime === 0 ? 0 : (100 * greediest.busyTime) / totals.busyTime,
    },
    mostRefused: mostRefused && { agentId: mostRefused.agentId, times: timesRefused(mostRefused.refused) },
  };
}

const queriesAlone = 100;
const timeAlone = 500;

/** Measures an operation on a connection without other load, to compare with the times under load. */
async function medianQueryAlone(pool: ConnectionManager, workload: Workload): Promise<number> {
  return await pool.withConnection(async (connection) => {
    const times: number[] = [];
    const start = performance.now();
    while (times.length < queriesAlone && performance.now() - start < timeAlone) {
      const began = performance.now();
      await workload.next().run(connection);
      times.push(performance.now() - began);
    }
    return times.sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0;
  });
}

async function cleanUp(pool: ConnectionManager, workload: Workload): Promise<void> {
  const given = AbortSignal.timeout(cleanUpPatience);
  const late = new Promise<never>((_, reject) => {
    given.addEventListener('abort', () => reject(new Error(`not done within ${cleanUpPatience} ms`)));
  });
  try {
    await Promise.race([workload.cleanUp(pool), late]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`surreal-pool: the test table could not be removed: ${reason}\n`);
  }
}

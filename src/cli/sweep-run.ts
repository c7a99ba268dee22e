import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionManager } from '../manager.js';
import { Driver } from './driver.js';
import type { Interruption } from './interruption.js';
import type { LoadOptions } from './load-options.js';
import { isEmbedded, reportSchema } from './load-report.js';
import { versionsOf, withWorkload } from './load-run.js';
import { Measurements } from './measurements.js';
import type { ProgressDisplay } from './progress.js';
import { seededRandom, shuffled } from './seeded-random.js';
import { chooseSize } from './sweep-choice.js';
import { sweepPlan } from './sweep-plan.js';
import type { SweepReport } from './sweep-report.js';
import { isComparable, sweepSentences } from './sweep-sentences.js';
import type { Workload } from './workload.js';

/** The share of each measurement in which the pool reaches its size; it is not measured. */
const warmUp = 0.2;
/** How long operations under way at the end of a measurement may take, in milliseconds. */
const patience = 5_000;

/** One measurement of one size. Times are in milliseconds. */
interface Sample {
  readonly throughput: number;
  readonly p99: number;
  readonly processBusy: number;
  /** Without conflicts. */
  readonly errors: number;
}

/**
 * Loads the pool in several sizes, round after round, each round in another order, so that neither the order nor other
 * work on the machine favours one of them. Returns the signal if it was stopped.
 */
export async function runSweep(
  pool: ConnectionManager,
  options: LoadOptions,
  interruption: Promise<Interruption>,
  display: ProgressDisplay,
): Promise<SweepReport | Interruption> {
  const workers = 'workers' in options.demand ? options.demand.workers : options.maxConnections;
  const plan = sweepPlan(options.duration ?? 0, options.maxConnections, workers);
  const random = seededRandom(options.seed);
  const stop = new AbortController();
  let interrupted = null as Interruption | null;
  void interruption.then((signal) => {
    interrupted = signal;
    stop.abort();
  });
  return await withWorkload(pool, options, display, async (workload) => {
    const versions = await versionsOf(pool, options);
    const samples = new Map(plan.sizes.map((size) => [size, [] as Sample[]]));
    for (let round = 1; round <= plan.rounds; round++) {
      const where = `round ${round} of ${plan.rounds}`;
      if (!display.isRefreshed && options.progress > 0) process.stderr.write(`sweep: ${where}\n`);
      for (const size of shuffled(plan.sizes, random)) {
        display.say(`${where}: ${size} connections …`);
        const sample = await measureSize(pool, workload, { size, workers, time: plan.time }, options, stop.signal);
        if (interrupted !== null) return interrupted;
        samples.get(size)?.push(sample);
      }
    }
    return reportOf(samples, { options, workers, time: plan.time, versions });
  });
}

async function measureSize(
  pool: ConnectionManager,
  workload: Workload,
  { size, workers, time }: { size: number; workers: number; time: number },
  { singleCalls }: LoadOptions,
  stop: AbortSignal,
): Promise<Sample> {
  pool.resize({ minConnections: size, maxConnections: size });
  await Promise.race([pool.warm(), sleep(patience, undefined, { ref: false })]);
  const drive = async (duration: number): Promise<Measurements> => {
    const measurements = new Measurements(performance.now());
    const driver = new Driver(pool, workload, measurements, { single: singleCalls ? pool : undefined });
    // With its own timer: Node 20 may collect a timeout signal that only AbortSignal.any() references, which then never
    // fires.
    const over = new AbortController();
    const end = (): void => over.abort();
    const timer = setTimeout(end, duration);
    stop.addEventListener('abort', end);
    if (stop.aborted) end();
    await driver.drive({ workers }, over.signal);
    clearTimeout(timer);
    stop.removeEventListener('abort', end);
    measurements.stop(performance.now());
    await driver.settled(patience);
    driver.end();
    return measurements;
  };
  await drive(warmUp * time);
  const loopBefore = performance.eventLoopUtilization();
  const { elapsed, inTime, latency, errors } = await drive((1 - warmUp) * time);
  const { utilization } = performance.eventLoopUtilization(loopBefore);
  return {
    throughput: elapsed === 0 ? 0 : (1_000 * inTime) / elapsed,
    p99: latency.quantile(0.99),
    processBusy: 100 * utilization,
    errors: [...errors].reduce((sum, [name, { count }]) => (name === 'conflict' ? sum : sum + count), 0),
  };
}

function reportOf(
  samples: ReadonlyMap<number, readonly Sample[]>,
  {
    options,
    workers,
    time,
    versions,
  }: { options: LoadOptions; workers: number; time: number } & Pick<SweepReport, 'versions'>,
): SweepReport {
  const { endpoint, namespace, database, seed, singleCalls, mix, statements } = options;
  const choice = chooseSize(
    [...samples].map(([size, of]) => ({
      size,
      throughput: of.map(({ throughput }) => throughput),
      p99: of.map(({ p99 }) => p99),
    })),
  );
  const figures = {
    sweep: {
      endpoint,
      engine: isEmbedded(endpoint) ? 'in-process' : 'server',
      namespace,
      database,
      workers,
      singleCalls,
      mix: statements === null ? mix : null,
      statements: statements?.map(({ name, weight }) => ({ name, weight })) ?? null,
      seed,
      rounds: Math.max(...[...samples.values()].map(({ length }) => length)),
      time,
    },
    ...choice,
    sizes: choice.sizes.map((size) => {
      const of = samples.get(size.size) ?? [];
      const sum = (pick: (sample: Sample) => number): number => of.reduce((total, sample) => total + pick(sample), 0);
      return {
        ...size,
        processBusy: sum(({ processBusy }) => processBusy) / Math.max(1, of.length),
        errors: sum(({ errors }) => errors),
      };
    }),
  } as const;
  const sentences = sweepSentences(figures);
  const recommended = isComparable(figures) ? figures.recommended : null;
  return { schema: reportSchema, versions, sentences, ...figures, recommended };
}

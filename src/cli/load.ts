import { isRefusedAuthentication } from '../connection/classification.js';
import { type ConnectionManager, createPool } from '../manager.js';
import { Driver } from './driver.js';
import { exitCodeOf, firstInterruption, type Interruption } from './interruption.js';
import { type LoadOptions, loadHelp, readLoadOptions } from './load-options.js';
import { type LoadReport, reportOf } from './load-report.js';
import { Measurements } from './measurements.js';
import { paintFor, print } from './output.js';
import { type ProgressDisplay, progressDisplay } from './progress.js';
import { assertionLines, reportText } from './report-text.js';
import { RecordWorkload, type Workload } from './workload.js';

/** How long what is under way at the end of the run may take, in milliseconds, those that wait for a connection included. */
const patience = 5_000;
/** How long, after that, statements may take that are still running. */
const lastPatience = 2_000;
const cleanUpPatience = 5_000;

/** `surreal-pool load`. Returns the exit code. */
export async function load(parameters: readonly string[]): Promise<number> {
  const options = readLoadOptions(parameters, process.env);
  if (options === undefined) return await print(loadHelp());

  const interruption = firstInterruption();
  const display = progressDisplay(process.stderr);
  display.say(`connecting to ${options.endpoint} …`);
  const pool = await Promise.race([openPool(options).finally(display.clear), interruption]);
  // Nothing was begun that would have to be ended in good order.
  if (typeof pool === 'string') return exitCodeOf(pool);

  const report = await run(pool, options, interruption, display)
    .catch((error: unknown) => Promise.reject(withAdvice(error, options)))
    .finally(display.clear);
  await print(
    options.json ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report, paintFor(process.stdout)),
  );
  if (options.json && report.assertions.length > 0) {
    const lines = assertionLines(report.assertions, report.assertions.length, paintFor(process.stderr));
    process.stderr.write(`${lines.join('\n')}\n`);
  }
  if (report.interrupted !== null) return exitCodeOf(report.interrupted);
  return report.assertions.every(({ passed }) => passed) ? 0 : 99;
}

function openPool(options: LoadOptions): Promise<ConnectionManager> {
  const { endpoint, namespace, database, credentials, minConnections, maxConnections } = options;
  return createPool(endpoint, { namespace, database, credentials, minConnections, maxConnections });
}

/** A server that wants a user says so only when the first statement comes. */
function withAdvice(error: unknown, { credentials }: LoadOptions): unknown {
  if (credentials !== null || !(error instanceof Error) || !isRefusedAuthentication(error)) return error;
  return new Error(`${error.message}; sign in with --username and --password`, { cause: error });
}

async function run(
  pool: ConnectionManager,
  options: LoadOptions,
  interruption: Promise<Interruption>,
  display: ProgressDisplay,
): Promise<LoadReport> {
  const workload = new RecordWorkload(options.mix);
  try {
    display.say('storing records to work on …');
    await workload.prepare(pool);
    try {
      const queryAlone = await medianQueryAlone(pool, workload);
      return await measure(pool, workload, options, queryAlone, interruption, display);
    } finally {
      // A database in memory goes away by itself.
      if (!options.endpoint.startsWith('mem:')) {
        display.say('removing the records …');
        await cleanUp(pool, workload);
      }
    }
  } finally {
    await pool.shutdown({ gracePeriod: 0 });
  }
}

async function measure(
  pool: ConnectionManager,
  workload: Workload,
  options: LoadOptions,
  queryAlone: number,
  interruption: Promise<Interruption>,
  display: ProgressDisplay,
): Promise<LoadReport> {
  let interrupted = null as Interruption | null;
  const stop = new AbortController();
  void interruption.then((signal) => {
    interrupted = signal;
    stop.abort();
  });
  const end = setTimeout(() => stop.abort(), options.duration);

  const poolBefore = pool.poolStats();
  const loopBefore = performance.eventLoopUtilization();
  const measurements = new Measurements(performance.now());
  const driver = new Driver(pool, workload, measurements);
  const stopProgress = showProgress(pool, measurements, options, display);

  await driver.drive(options.demand, stop.signal);
  clearTimeout(end);
  stopProgress();
  measurements.stop(performance.now());
  const processBusy = 100 * performance.eventLoopUtilization(loopBefore).utilization;

  display.say('waiting for what is under way …');
  await Promise.race([driver.settled(patience), interruption]);
  driver.abandonWaiting();
  await driver.settled(lastPatience);
  driver.end();
  const poolAfter = pool.poolStats();
  return reportOf(measurements, { options, interrupted, queryAlone, processBusy, poolBefore, poolAfter });
}

/** Returns what ends it, with a last look when there is something to see. */
function showProgress(
  pool: ConnectionManager,
  measurements: Measurements,
  options: LoadOptions,
  display: ProgressDisplay,
): () => void {
  if (options.progress === 0) return () => {};
  let shownAt = measurements.started;
  const show = (): void => {
    shownAt = performance.now();
    const { duration, succeeded, failed, p99 } = measurements.interval(shownAt);
    const { leased, waiting, oldestWaiter, maxConnections } = pool.poolStats();
    display.show({
      elapsed: shownAt - measurements.started,
      duration: options.duration,
      rate: (1_000 * succeeded) / duration,
      used: leased,
      maxConnections,
      waiting,
      oldestWaiter,
      p99,
      errors: failed,
      errorsInAll: measurements.failed,
    });
  };
  const timer = setInterval(show, options.progress);
  return () => {
    clearInterval(timer);
    if (performance.now() - shownAt > options.progress / 2) show();
  };
}

const queriesAlone = 100;
const timeAlone = 500;

/** How long an operation takes on a connection when nothing else goes on: what it is compared with under load. */
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

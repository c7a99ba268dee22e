import { isLostIdentity } from '../errors/server-errors.js';
import { type ConnectionManager, createPool } from '../manager.js';
import { Cluster } from './cluster/cluster.js';
import { runCluster } from './cluster/run.js';
import { clusterText } from './cluster/text.js';
import { exitCodeOf, firstInterruption, type Interruption } from './interruption.js';
import { loadHelp, scenariosHelp } from './load-help.js';
import { type LoadOptions, readLoadOptions, scenarioList } from './load-options.js';
import { runLoad } from './load-run.js';
import { LoadPage, type LoadUi, noUi } from './load-ui.js';
import { columnsOf, paintFor, print } from './output.js';
import { type ProgressDisplay, progressDisplay } from './progress.js';
import { readRecording } from './replay/recording.js';
import { poolOf, type ReplayOptions, withSizeOf } from './replay/replay-options.js';
import { planReplay } from './replay/replay-plan.js';
import { runReplay } from './replay/replay-run.js';
import { replaySizes } from './replay/replay-sizes.js';
import { replayText } from './replay/replay-text.js';
import { sizesText } from './replay/sizes-text.js';
import { assertionLines, reportText } from './report-text.js';
import { playScenario } from './scenario-run.js';
import { scenarioText } from './scenario-text.js';
import { runSweep } from './sweep-run.js';
import { sweepText } from './sweep-text.js';

/** `surreal-pool load`. Returns the exit code. */
export async function load(parameters: readonly string[]): Promise<number> {
  const options = readLoadOptions(parameters, process.env);
  if (options === undefined) return await print(loadHelp(columnsOf(process.stdout)));
  if (options.scenario === scenarioList) return await print(scenariosHelp(columnsOf(process.stdout)));

  if (options.endpointIsOfEnvironment) {
    process.stderr.write(`surreal-pool: the database is that of SURREAL_POOL_URL, ${options.endpoint}\n`);
  }
  const interruption = firstInterruption();
  const display = progressDisplay(process.stderr, process.env.TERM);
  const say = (line: string): void => {
    display.clear();
    process.stderr.write(`surreal-pool: ${line}\n`);
  };
  const page = options.ui === undefined ? undefined : await LoadPage.open(options.ui, say);
  try {
    return await loadAs(options, { interruption, display, ui: page ?? noUi });
  } finally {
    page?.close();
  }
}

/** What surrounds a load. */
interface Surroundings {
  readonly interruption: Promise<Interruption>;
  readonly display: ProgressDisplay;
  readonly ui: LoadUi;
}

/** Returns the exit code. */
async function loadAs(options: LoadOptions, surroundings: Surroundings): Promise<number> {
  const { interruption, display, ui } = surroundings;
  if (options.scenario !== undefined) return await loadScenario(options.scenario, options, surroundings);
  if (options.replay !== null) return await loadReplay(options.replay, options, surroundings);
  if (options.endpoints !== null) return await loadCluster(options.endpoints, options, surroundings);
  display.say(`connecting to ${options.endpoint} …`);
  const pool = await Promise.race([openPool(options).finally(display.clear), interruption]);
  // Nothing was begun that has to be cleaned up.
  if (typeof pool === 'string') return exitCodeOf(pool);
  ui.show(pool);

  if (options.sweep) return await loadSweep(pool, options, interruption, display);
  const report = await runLoad(pool, options, interruption, display)
    .catch((error: unknown) => Promise.reject(withAdvice(error, options)))
    .finally(display.clear);
  await print(
    options.json
      ? `${JSON.stringify(report, undefined, 2)}\n`
      : reportText(report, paintFor(process.stdout), columnsOf(process.stdout)),
  );
  if (options.json && report.assertions.length > 0) {
    const lines = assertionLines(
      report.assertions,
      report.assertions.length,
      paintFor(process.stderr),
      columnsOf(process.stderr),
    );
    process.stderr.write(`${lines.join('\n')}\n`);
  }
  if (report.interrupted !== null) return exitCodeOf(report.interrupted);
  return report.assertions.every(({ passed }) => passed) ? 0 : 99;
}

/** Returns the exit code. */
async function loadScenario(name: string, options: LoadOptions, { interruption, ui }: Surroundings): Promise<number> {
  const stop = new AbortController();
  let interrupted = null as Interruption | null;
  void interruption.then((signal) => {
    interrupted = signal;
    stop.abort();
  });
  const place = { ...options, duration: options.duration ?? 0, stop: stop.signal, opened: ui.show };
  const report = await playScenario(name, place).catch((error: unknown) => Promise.reject(withAdvice(error, options)));
  await print(
    options.json
      ? `${JSON.stringify(report, undefined, 2)}\n`
      : scenarioText(report, paintFor(process.stdout), columnsOf(process.stdout)),
  );
  if (interrupted !== null) return exitCodeOf(interrupted);
  return report.expectations.every(({ held }) => held) ? 0 : 99;
}

/** Returns the exit code. */
async function loadReplay(
  replay: ReplayOptions,
  given: LoadOptions,
  { interruption, display, ui }: Surroundings,
): Promise<number> {
  display.say(`reading ${replay.file} …`);
  const recording = await readRecording(replay.file).finally(display.clear);
  const plan = planReplay(recording, poolOf(recording, replay), replay.speed, given.duration);
  if (given.sweep) {
    const report = await replaySizes(plan, given, interruption, display).finally(display.clear);
    if (typeof report === 'string') {
      process.stderr.write('surreal-pool: the sweep was stopped before its end, so it recommends nothing\n');
      return exitCodeOf(report);
    }
    const text = sizesText(report, paintFor(process.stdout), columnsOf(process.stdout));
    await print(given.json ? `${JSON.stringify(report, undefined, 2)}\n` : text);
    return report.recommended === null ? 99 : 0;
  }
  const options = withSizeOf(plan, replay, given);
  display.say(`connecting to ${options.endpoint} …`);
  const pool = await Promise.race([openPool(options).finally(display.clear), interruption]);
  if (typeof pool === 'string') return exitCodeOf(pool);
  ui.show(pool);
  const report = await runReplay(pool, plan, options, interruption, display)
    .catch((error: unknown) => Promise.reject(withAdvice(error, options)))
    .finally(display.clear);
  const text = replayText(report, paintFor(process.stdout), columnsOf(process.stdout));
  await print(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : text);
  if (report.interrupted !== null) return exitCodeOf(report.interrupted);
  return report.assertions.every(({ passed }) => passed) ? 0 : 99;
}

/** Returns the exit code. */
async function loadCluster(
  servers: number,
  options: LoadOptions,
  { interruption, display, ui }: Surroundings,
): Promise<number> {
  display.say(`starting ${servers} servers …`);
  const cluster = await Promise.race([Cluster.start(servers).finally(display.clear), interruption]);
  // What was begun ends with this process.
  if (typeof cluster === 'string') return exitCodeOf(cluster);
  const report = await runCluster(cluster, options, interruption, display, ui.show).finally(async () => {
    display.clear();
    await cluster.end();
  });
  await print(
    options.json
      ? `${JSON.stringify(report, undefined, 2)}\n`
      : clusterText(report, paintFor(process.stdout), columnsOf(process.stdout)),
  );
  if (report.interrupted !== null) return exitCodeOf(report.interrupted);
  return report.expectations.every(({ held }) => held) ? 0 : 99;
}

/** Returns the exit code. */
async function loadSweep(
  pool: ConnectionManager,
  options: LoadOptions,
  interruption: Promise<Interruption>,
  display: ProgressDisplay,
): Promise<number> {
  const report = await runSweep(pool, options, interruption, display)
    .catch((error: unknown) => Promise.reject(withAdvice(error, options)))
    .finally(display.clear);
  if (typeof report === 'string') {
    process.stderr.write('surreal-pool: the sweep was stopped before its end, so it recommends nothing\n');
    return exitCodeOf(report);
  }
  await print(
    options.json
      ? `${JSON.stringify(report, undefined, 2)}\n`
      : sweepText(report, paintFor(process.stdout), columnsOf(process.stdout)),
  );
  return report.recommended === null ? 99 : 0;
}

function openPool(options: LoadOptions): Promise<ConnectionManager> {
  const { addresses, namespace, database, credentials, minConnections, maxConnections } = options;
  return createPool([...addresses], { namespace, database, credentials, minConnections, maxConnections });
}

/** Advises to sign in: a server that requires a user says so only at the first statement. */
function withAdvice(error: unknown, { credentials }: LoadOptions): unknown {
  if (credentials !== null || !(error instanceof Error) || !isLostIdentity(error)) return error;
  return new Error(`${error.message}; sign in with --username and --password`, { cause: error });
}

import { type Assertion, type AssertionResult, evaluate, readAssertions } from '../assertions.js';
import { formatDuration, formatNumber } from '../formats.js';
import type { Interruption } from '../interruption.js';
import type { LoadOptions } from '../load-options.js';
import { reportSchema } from '../load-report.js';
import { Measurements } from '../measurements.js';
import type { ProgressDisplay } from '../progress.js';
import { Replay } from './replay.js';
import { type ReplayFigures, replayFigures } from './replay-figures.js';
import { mostAtOnce, type RecordedFigures, type ReplayPlan } from './replay-plan.js';
import { type ReplaySettings, replaySettings, timesText } from './replay-report.js';
import { smallestEnough } from './size-search.js';
import { VirtualPool, VirtualTime } from './virtual-pool.js';

/** What one size of the pool would have done. Times are in milliseconds, shares in percent. */
export interface SizeReplayed extends Pick<ReplayFigures, 'wait' | 'latency' | 'operations' | 'mostLent' | 'used'> {
  readonly size: number;
  readonly assertions: readonly AssertionResult[];
  readonly isEnough: boolean;
}

/** Which size of the pool a recording needs. Contains no secret. */
export interface SizesReport {
  readonly schema: typeof reportSchema;
  readonly replay: Omit<ReplaySettings, 'endpoint' | 'engine'>;
  readonly recorded: RecordedFigures;
  /** What a size must keep to be enough. */
  readonly goal: readonly string[];
  /** The smallest size that is enough; null when the largest is not. */
  readonly recommended: number | null;
  /** What was looked at, the smallest first. */
  readonly sizes: readonly SizeReplayed[];
  readonly sentences: readonly string[];
}

/** What has to hold where nothing is asserted. */
const usualGoal = 'wait.p99<10ms,errors=0';

/**
 * Finds the smallest pool that keeps what is asserted, by replaying the recording in virtual time through pools of several
 * sizes: the code of the pool itself decides who waits, and an hour takes seconds. Returns the signal if it was stopped.
 */
export async function replaySizes(
  plan: ReplayPlan,
  options: LoadOptions,
  interruption: Promise<Interruption>,
  display: ProgressDisplay,
): Promise<SizesReport | Interruption> {
  const stop = new AbortController();
  let interrupted = null as Interruption | null;
  void interruption.then((signal) => {
    interrupted = signal;
    stop.abort();
  });
  const goal = options.assertions.length > 0 ? options.assertions : (readAssertions(usualGoal) as Assertion[]);
  const replayed = new Map<number, SizeReplayed>();
  const measure = async (size: number): Promise<SizeReplayed> => {
    const known = replayed.get(size);
    if (known !== undefined) return known;
    display.say(`${formatNumber(size, 'connection')} …`);
    const measured = await replayInVirtualTime(plan, size, goal, stop.signal);
    replayed.set(size, measured);
    return measured;
  };
  // With so many nobody ever waits, so more are never better.
  const needed = Math.max(1, mostAtOnce(plan.units.map(({ due, hold }) => ({ from: due, length: hold }))));
  const most = Math.min(options.replay?.poolMax ?? needed, needed);
  const found = await smallestEnough(most, async (size) => (await measure(size)).isEnough || interrupted !== null);
  const { maxConnections: recordedSize } = plan.recorded;
  for (const size of [(found ?? most) - 1, (found ?? most) + 1, 2 * (found ?? most), recordedSize]) {
    if (size >= 1 && interrupted === null) await measure(size);
  }
  if (interrupted !== null) return interrupted;
  const { file, speed } = replaySettings(options);
  const report = {
    schema: reportSchema,
    replay: { file, speed },
    recorded: plan.recorded,
    goal: goal.map(({ text }) => text),
    recommended: plan.units.length === 0 ? null : (found ?? null),
    sizes: [...replayed.values()].sort((one, other) => one.size - other.size),
  } as const;
  return { ...report, sentences: sentencesOf(report, most) };
}

export async function replayInVirtualTime(
  { units }: ReplayPlan,
  size: number,
  goal: readonly Assertion[],
  stop: AbortSignal,
): Promise<SizeReplayed> {
  const time = new VirtualTime();
  const pool = new VirtualPool(size, time);
  await pool.open(time, stop);
  const measurements = new Measurements(time.now());
  const replay = new Replay(units, pool.lend, time, measurements);
  await time.passUntil(replay.run(), stop);
  measurements.stop(time.now());
  const figures = replayFigures(measurements, replay, size);
  await pool.close(time);
  const assertions = evaluate(goal, { ...figures, pool: { reuse: 100, opened: size, closed: 0 } });
  const { wait, latency, operations, mostLent, used } = figures;
  return {
    size,
    wait,
    latency,
    operations,
    mostLent,
    used,
    assertions,
    isEnough: assertions.every(({ passed }) => passed),
  };
}

function sentencesOf(
  { recommended, sizes, goal, replay, recorded }: Omit<SizesReport, 'sentences'>,
  most: number,
): string[] {
  if (recorded.units === 0) return ['The recording has no unit of work, so no size can be recommended.'];
  const load = `${timesText(replay.speed)} the recorded load`;
  const kept = goal.join(' and ');
  const shown = (size: number): string => {
    const found = sizes.find((one) => one.size === size);
    const errors = found?.operations.errors ?? 0;
    const failed = errors === 0 ? '' : `, and ${formatNumber(errors, 'unit')} got no connection`;
    return `${size}: ${formatDuration(found?.wait.p99 ?? 0)} at p99${failed}`;
  };
  if (recommended === null) {
    return [`No size up to ${most} keeps ${kept} at ${load} (${shown(most)}).`, ...limits(recorded)];
  }
  const beside = [recommended - 1, recorded.maxConnections].filter(
    (size, index, all) => size >= 1 && size !== recommended && all.indexOf(size) === index,
  );
  const others = beside.map((size) =>
    size === recorded.maxConnections ? `${shown(size)}, the size of the recording` : shown(size),
  );
  return [
    `--pool-max ${recommended} is the smallest that keeps ${kept} at ${load} (${[shown(recommended), ...others].join('; ')}).`,
    ...limits(recorded),
  ];
}

/** What the numbers do not show. */
function limits({ unserved, lost, isWhole }: RecordedFigures): string[] {
  return [
    'Calls take as long as they were recorded: a database that becomes slower under more load needs more.',
    ...(unserved === 0
      ? []
      : [
          `${formatNumber(unserved, 'recorded unit')} got no connection; each counts as long as the last one of its kind that got one.`,
        ]),
    ...(lost === 0
      ? []
      : [
          `${formatNumber(lost, 'unit')} are missing, since the disk of the recording was too slow: the real load was higher.`,
        ]),
    ...(isWhole ? [] : ['The recording has no end: its process ended by force.']),
  ];
}

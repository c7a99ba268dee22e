import { Histogram, type HistogramSummary } from '../../pool/histogram.js';
import type { UnitKind, UnitLine } from '../../record/recording-format.js';
import type { OperationKind } from '../measurements.js';
import type { Recording } from './recording.js';

/** One unit of work to be done again. Times are in milliseconds. */
export interface PlannedUnit {
  /** When it asks for a connection, counted from the beginning of the replay. */
  readonly due: number;
  /** How long it has its connection. */
  readonly hold: number;
  readonly kind: OperationKind;
  /** The number of its agent; undefined for a plain caller. */
  readonly agent: number | undefined;
  /** How many calls it made. */
  readonly calls: number;
}

/** What was recorded of the units that are replayed. Times are in milliseconds. */
export interface RecordedFigures {
  readonly startedAt: string;
  /** From the first unit to the last. */
  readonly duration: number;
  readonly units: number;
  readonly calls: number;
  readonly kinds: Readonly<Record<UnitKind, number>>;
  readonly identities: number;
  readonly agents: number;
  /** Units that got no connection. They are replayed with the time of the last one of their kind that got one. */
  readonly unserved: number;
  /** Calls that failed. */
  readonly failedCalls: number;
  /** Units that the recording lost, because its disk was too slow. */
  readonly lost: number;
  /** Whether the recording has its last line; if not, the process ended by force. */
  readonly isWhole: boolean;
  /** The most connections the pool could have. */
  readonly maxConnections: number;
  /** From asking for a connection to having it, or to the failure. */
  readonly wait: HistogramSummary;
  /** The most connections that were lent at a time. */
  readonly mostLent: number;
}

export interface ReplayPlan {
  readonly units: readonly PlannedUnit[];
  readonly recorded: RecordedFigures;
}

/** Calls after which a unit still only reads: steps of a transaction change nothing by themselves. */
const reads: ReadonlySet<string> = new Set([
  'SELECT',
  'RETURN',
  'INFO',
  'SHOW',
  'OTHER',
  'BEGIN',
  'COMMIT',
  'CANCEL',
  'SAVEPOINT',
  'ROLLBACK TO SAVEPOINT',
  'RELEASE SAVEPOINT',
  'FENCE',
  'LET',
]);

/**
 * What a replay does: the arrivals of one pool, `speed` times as fast, each with the time of a connection that it took.
 *
 * @param longest the last arrival that is replayed, in milliseconds of the replay; null for all
 */
export function planReplay(recording: Recording, pool: number, speed: number, longest: number | null): ReplayPlan {
  const all = recording.units.filter(({ of }) => of === pool);
  const begin = all[0]?.at ?? 0;
  const chosen = longest === null ? all : all.filter(({ at }) => (at - begin) / speed <= longest);
  const lastHold: Partial<Record<UnitKind, number>> = {};
  const units = chosen.map((unit): PlannedUnit => {
    const { at, kind, agent } = unit;
    const hold = holdOf(unit) ?? lastHold[kind] ?? 0;
    lastHold[kind] = hold;
    return { due: (at - begin) / speed, hold, kind: operationOf(unit, recording), agent, calls: callsOf(unit) };
  });
  return { units, recorded: figuresOf(chosen, recording, pool) };
}

/** A call that shared its connection took only a part of it. */
function holdOf({ held, busy }: UnitLine): number | undefined {
  return busy ?? held;
}

function callsOf({ calls = [], more = 0 }: UnitLine): number {
  return calls.length + more;
}

function operationOf({ calls = [] }: UnitLine, { shapes }: Recording): OperationKind {
  const onlyReads = calls.every(([, , shape]) => reads.has(shapes.get(shape)?.operation ?? 'OTHER'));
  return onlyReads ? 'read' : 'write';
}

function figuresOf(units: readonly UnitLine[], recording: Recording, pool: number): RecordedFigures {
  const kinds = { call: 0, lease: 0, transaction: 0 };
  const wait = new Histogram();
  for (const { kind, waited } of units) {
    kinds[kind]++;
    wait.record(waited);
  }
  return {
    startedAt: recording.startedAt,
    duration: (units.at(-1)?.at ?? 0) - (units[0]?.at ?? 0),
    units: units.length,
    calls: sumOf(units, callsOf),
    kinds,
    identities: new Set(units.map(({ identity }) => identity)).size,
    agents: new Set(units.flatMap(({ agent }) => (agent === undefined ? [] : [agent]))).size,
    unserved: units.filter(({ held }) => held === undefined).length,
    failedCalls: sumOf(units, ({ calls = [] }) => calls.filter(([, , , error]) => error !== undefined).length),
    lost: recording.end?.lost ?? 0,
    isWhole: recording.end !== undefined,
    maxConnections: recording.pools.get(pool) ?? 0,
    wait: wait.summary(),
    mostLent: mostAtOnce(
      units.flatMap(({ at, waited, held, busy }) =>
        held === undefined ? [] : [{ from: at + waited, length: busy ?? held }],
      ),
    ),
  };
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}

/** How many of these stretches of time lie over one another at the most. */
export function mostAtOnce(stretches: readonly { readonly from: number; readonly length: number }[]): number {
  const steps = stretches.flatMap(({ from, length }) => [
    { at: from, by: 1 },
    { at: from + length, by: -1 },
  ]);
  // What ends when another begins makes room for it.
  steps.sort((one, other) => one.at - other.at || one.by - other.by);
  let now = 0;
  let most = 0;
  for (const { by } of steps) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

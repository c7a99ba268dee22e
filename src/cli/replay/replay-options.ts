import { refused } from '../../config/form.js';
import { Refusal, show } from '../../config/refusal.js';
import type { CommandLine } from '../command-line.js';
import type { Name } from '../load-help.js';
import { countFrom, readName } from '../option-readers.js';
import type { Recording } from './recording.js';
import type { ReplayPlan } from './replay-plan.js';

/** How a recording is replayed. */
export interface ReplayOptions {
  readonly file: string;
  /** How many times faster than recorded its units come; their times stay as they were. */
  readonly speed: number;
  /** The number of one of its pools; undefined for the only one. */
  readonly pool: number | undefined;
  /** The most connections; undefined for those of the recording. */
  readonly poolMax: number | undefined;
}

interface Sizes {
  readonly minConnections: number | undefined;
  readonly maxConnections: number;
}

/** What a recording brings itself. */
export const notInReplay: readonly Name[] = [
  ...(['workers', 'rate', 'operations', 'mix', 'query', 'file', 'single-calls', 'agents'] as const),
  ...(['scenario', 'endpoints', 'seed'] as const),
];

/** What a sweep over a recording does without. */
export const notInReplaySweep: readonly Name[] = ['endpoint', 'username', 'password', 'record', 'pool-min', 'ui'];

/** Null without `--replay`. */
export function readReplay(line: CommandLine<Name>, poolMax: number | undefined): ReplayOptions | null {
  const file = line.read('replay', readName);
  const speed = line.read('speed', readSpeed) ?? 1;
  const pool = line.read('replay-pool', countFrom(1));
  if (line.has('replay')) return { file: file ?? '', speed, pool, poolMax };
  for (const name of ['speed', 'replay-pool'] as const) {
    if (line.has(name)) line.refuse(name, new Refusal('only with --replay', 'without it'));
  }
  return null;
}

const fastest = 1_000;

function readSpeed(text: string): number | Refusal {
  const [, number] = /^(\d+(?:\.\d+)?)[x×]?$/.exec(text) ?? [];
  const speed = Number(number);
  return speed > 0 && speed <= fastest
    ? speed
    : new Refusal(`how many times faster, more than 0 and at most ${fastest}, such as 2`, show(text));
}

/**
 * The pool that is replayed.
 *
 * @throws ConfigurationError when the recording has several and none was chosen, or not this one
 */
export function poolOf({ pools, units }: Recording, { pool, file }: ReplayOptions): number {
  const numbers = [...pools.keys()];
  const [only = 1] = numbers;
  if (pool === undefined && numbers.length <= 1) return only;
  if (pool !== undefined && pools.has(pool)) return pool;
  const counts = numbers.map((number) => `${number} (${units.filter(({ of }) => of === number).length} units)`);
  const given = pool === undefined ? 'nothing' : show(pool);
  throw refused(`The recording ${show(file)}`, [
    { path: '--replay-pool', given, allowed: counts.join(', ') || 'nothing: it has no pool' },
  ]);
}

/**
 * The pool has the size of the recording unless another was chosen, and all its connections from the start: how long they
 * take to open is no matter of its size.
 */
export function withSizeOf<Options extends Sizes>(
  { recorded }: ReplayPlan,
  { poolMax }: ReplayOptions,
  options: Options,
): Options {
  const maxConnections = poolMax ?? Math.max(1, recorded.maxConnections);
  return { ...options, maxConnections, minConnections: options.minConnections ?? maxConnections };
}

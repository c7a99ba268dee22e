import { ClosedOptions, type OptionReader, type OptionReaders } from '../config/closed-options.js';
import { type Duration, readDuration } from '../config/duration.js';
import { refused } from '../config/form.js';
import { Refusal, show } from '../config/refusal.js';

/**
 * What an agent session may use. Each limit is optional; undefined and null mean the default, which is no limit unless
 * said otherwise. In `changeLimits()` undefined keeps a limit as it is, and null goes back to the default. The limits of
 * a parent hold for all its children together, beside their own.
 */
export interface ResourceLimits {
  /** How many connections it may have at a time; a single call has one while it runs. At least 1. */
  maxConnections?: number | null | undefined;
  /**
   * What happens to a call that finds `maxConnections` in use: `refuse` fails it with `AgentLimitError`, `wait` has it
   * wait for one of them. Default `refuse`.
   */
  atMaxConnections?: 'refuse' | 'wait' | null | undefined;
  /** How many of its calls may wait for a connection at a time. 0: none waits, a call is served at once or refused. */
  maxWaiting?: number | null | undefined;
  /**
   * How many operations it may make in all. One operation is one query or builder call of the program, whatever
   * statements it has; what the pool sends by itself is none, and a call that never ran is given back. 0: none.
   */
  maxOperations?: number | null | undefined;
  /** How many operations it may make per second, in the long run. More than 0, and may be a fraction: 0.1 is one in 10 s. */
  operationsPerSecond?: number | null | undefined;
  /**
   * How many operations it may make at once after a pause, see `operationsPerSecond`. Default: `operationsPerSecond`, at
   * least 1. Needs `operationsPerSecond`, and goes with it when that is removed.
   */
  burst?: number | null | undefined;
  /** How many transactions it may begin in all. 0: none. */
  maxTransactions?: number | null | undefined;
  /** How long a transaction may take; past it, it is rolled back. Default 0: no limit. */
  maxTransactionAge?: Duration | null | undefined;
  /** How long a call may take, if no shorter `queryTimeout` holds. Default 0: no limit. */
  queryTimeout?: Duration | null | undefined;
  /** How many rows the answer to one call may have; a larger one is discarded, after the call was executed. At least 1. */
  maxRows?: number | null | undefined;
  /** How many bytes that answer may have; a larger one is discarded, after the call was executed. At least 1. */
  maxBytes?: number | null | undefined;
  /** How many entries its log keeps; the oldest one falls out. Default 1,000; 0 keeps none. */
  maxLog?: number | null | undefined;
  /** How long a lease may hold a connection; past it, the lease ends. Default 60 s; 0 is no limit. */
  maxHold?: Duration | null | undefined;
  /** Another name of `maxConnections`; only one of the two may be given. */
  maxConcurrentConnections?: number | null | undefined;
  /** Another name of `maxLog`; only one of the two may be given. */
  maxTransactionLogSize?: number | null | undefined;
}

/** The limits that were given, under their own names, and null where one was taken back. */
export type GivenLimits = Readonly<Omit<ResourceLimits, 'maxConcurrentConnections' | 'maxTransactionLogSize'>>;

/** {@link ResourceLimits} with everything filled in: `Infinity` for a number without limit, 0 for a duration without. */
export interface Limits {
  readonly maxConnections: number;
  readonly refusesAtMaxConnections: boolean;
  readonly maxWaiting: number;
  readonly maxOperations: number;
  readonly operationsPerSecond: number;
  readonly burst: number;
  readonly maxTransactions: number;
  readonly maxTransactionAge: number;
  readonly queryTimeout: number;
  readonly maxRows: number;
  readonly maxBytes: number;
  readonly maxLog: number;
  readonly maxHold: number;
}

const title = 'The limits of an agent session';

/** A reader that leaves null alone, which takes a limit back. */
const orNull =
  (reader: OptionReader): OptionReader =>
  (given) =>
    given === null ? null : reader(given);

const wholeNumber = (least: number): OptionReader =>
  orNull((given) =>
    Number.isSafeInteger(given) && Number(given) >= least
      ? given
      : new Refusal(`a whole number, at least ${least}; null for the default`, show(given)),
  );

const duration = orNull((given) => {
  const read = readDuration(given);
  return read instanceof Refusal ? new Refusal(`${read.allowed}; 0 for no limit`, read.given) : read;
});

const readers: OptionReaders<ResourceLimits> = {
  maxConnections: wholeNumber(1),
  atMaxConnections: orNull((given) =>
    given === 'refuse' || given === 'wait' ? given : new Refusal('"refuse", "wait"', show(given)),
  ),
  maxWaiting: wholeNumber(0),
  maxOperations: wholeNumber(0),
  operationsPerSecond: orNull((given) =>
    Number.isFinite(given) && Number(given) > 0
      ? given
      : new Refusal('a number of more than 0; null for no limit', show(given)),
  ),
  burst: wholeNumber(1),
  maxTransactions: wholeNumber(0),
  maxTransactionAge: duration,
  queryTimeout: duration,
  maxRows: wholeNumber(1),
  maxBytes: wholeNumber(1),
  maxLog: wholeNumber(0),
  maxHold: duration,
  maxConcurrentConnections: wholeNumber(1),
  maxTransactionLogSize: wholeNumber(0),
};

const limitOptions = new ClosedOptions<ResourceLimits>(title, readers, undefined, 'limits.');

const otherNames = [
  ['maxConcurrentConnections', 'maxConnections'],
  ['maxTransactionLogSize', 'maxLog'],
] as const;

/** The limits of a session to which none were given. */
export const noLimits: GivenLimits = Object.freeze({});

/**
 * The limits of a session with some of them replaced: undefined keeps a limit, null takes it back.
 *
 * @throws ConfigurationError with every problem of what was given
 */
export function changedLimits(present: GivenLimits, given: unknown): GivenLimits {
  if (given === undefined) return present;
  const changes = ownNames(limitOptions.read(given));
  const merged: Record<string, unknown> = { ...present, ...changes };
  for (const name in merged) if (merged[name] === null) delete merged[name];
  return checked(merged as GivenLimits, changes);
}

/** The given limits with both names of those that have two, for programs that read them. */
export function inAllNames(limits: GivenLimits): ResourceLimits {
  const all: Record<string, unknown> = { ...limits };
  for (const [other, own] of otherNames) if (own in limits) all[other] = limits[own];
  return all;
}

/** The given limits without undefined ones, with the own name of each. */
function ownNames(given: ResourceLimits): GivenLimits {
  const limits: Record<string, unknown> = {};
  for (const name of Object.keys(readers)) {
    const value = given[name as keyof ResourceLimits];
    if (value !== undefined) limits[name] = value;
  }
  for (const [other, own] of otherNames) {
    if (!(other in limits)) continue;
    if (own in limits) {
      const path = `limits.${other}`;
      throw refused(title, [{ path, given: `both ${other} and ${own}`, allowed: `only ${own}: both name one limit` }]);
    }
    limits[own] = limits[other];
    delete limits[other];
  }
  return limits;
}

/** A burst without a rate would limit nothing. One that is left over from a rate that was taken back goes with it. */
function checked(limits: GivenLimits, changes: GivenLimits): GivenLimits {
  if (limits.burst === undefined || limits.operationsPerSecond !== undefined) return Object.freeze(limits);
  if (changes.burst === undefined || changes.burst === null) {
    const { burst: _, ...rest } = limits;
    return Object.freeze(rest);
  }
  const allowed = 'only together with operationsPerSecond';
  throw refused(title, [{ path: 'limits.burst', given: show(limits.burst), allowed }]);
}

const resolvedNone = resolve(noLimits);

/** The limits with everything filled in. */
export function resolveLimits(limits: GivenLimits): Limits {
  return limits === noLimits ? resolvedNone : resolve(limits);
}

function resolve(limits: GivenLimits): Limits {
  const none = Number.POSITIVE_INFINITY;
  const operationsPerSecond = limits.operationsPerSecond ?? none;
  return {
    maxConnections: limits.maxConnections ?? none,
    refusesAtMaxConnections: limits.atMaxConnections !== 'wait',
    maxWaiting: limits.maxWaiting ?? none,
    maxOperations: limits.maxOperations ?? none,
    operationsPerSecond,
    burst: limits.burst ?? Math.max(1, operationsPerSecond),
    maxTransactions: limits.maxTransactions ?? none,
    maxTransactionAge: milliseconds(limits.maxTransactionAge, 0),
    queryTimeout: milliseconds(limits.queryTimeout, 0),
    maxRows: limits.maxRows ?? none,
    maxBytes: limits.maxBytes ?? none,
    maxLog: limits.maxLog ?? 1_000,
    maxHold: milliseconds(limits.maxHold, 60_000),
  };
}

/** Durations were read as milliseconds. */
function milliseconds(given: Duration | null | undefined, initial: number): number {
  return typeof given === 'number' ? given : initial;
}

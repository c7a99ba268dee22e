/**
 * The lines of a recording, each an object in JSON. Times are in milliseconds, to the microsecond; `at` counts from the
 * beginning of the recording. No line holds a value, a name of a user or a database, a text of an error, or an address.
 */
export type RecordingLine = HeaderLine | PoolLine | ShapeLine | UnitLine | DroppedLine | EndLine;

/** Raised when a line changes its meaning, so that no older reader takes it for what it is not. */
export const recordingVersion = 1;

/** The first line. */
export interface HeaderLine {
  readonly surrealPoolRecording: number;
  /** The time of day at which it began, as ISO 8601. */
  readonly startedAt: string;
}

/** Before the first unit of a pool, and when the pool may have another number of connections. */
export interface PoolLine {
  /** Counts the pools of the recording from 1. */
  readonly pool: number;
  readonly maxConnections: number;
}

/** Before the first call of that shape. */
export interface ShapeLine {
  /** Counts the shapes of the recording from 1. */
  readonly shape: number;
  /** What it does: `SELECT`, or the step of a transaction. */
  readonly operation: string;
  /** The statements without values. */
  readonly text: string;
}

/**
 * `call`: a single call of the pool, which may share a connection; `lease`: what a caller does between an acquire and
 * the release; `transaction`: the same with a transaction in it.
 */
export type UnitKind = 'call' | 'lease' | 'transaction';

/** When a call began, counted from when the unit got its connection; how long it took; its shape; how it failed. */
export type CallOfUnit =
  | readonly [at: number, took: number, shape: number]
  | readonly [at: number, took: number, shape: number, error: string];

/** One unit of work: an acquire and all that was done with the connection. Written when it has ended. */
export interface UnitLine {
  /** When it asked for a connection. */
  readonly at: number;
  readonly of: number;
  readonly kind: UnitKind;
  /** Counts the identities (namespace, database and user) of its pool from 1; 0 for one of too many. */
  readonly identity: number;
  /** Counts the agents of its pool from 1; absent for plain callers. 0 for one of too many. */
  readonly agent?: number;
  /** From asking to having a connection, or to the failure. */
  readonly waited: number;
  /** How long it had its connection; absent when it got none. */
  readonly held?: number;
  /** How much of its connection's time a call had that shared it; absent when it shared it with none. */
  readonly busy?: number;
  /** Absent when there were none. */
  readonly calls?: readonly CallOfUnit[];
  /** Calls beyond the first ones, which are not in `calls`. */
  readonly more?: number;
  /** Why it got no connection: the kind of the error. */
  readonly error?: string;
  /** The recording ended while it had its connection. */
  readonly open?: true;
}

/** In place of lines that could not be written as fast as they came. */
export interface DroppedLine {
  readonly dropped: number;
}

/**
 * Why a recording ended: `stopped` by `stop()`, `exit` of the process, or `maxDuration` or `maxBytes` reached. One whose file
 * could not be written any more has no last line.
 */
export type RecordingEnd = 'stopped' | 'exit' | 'maxDuration' | 'maxBytes';

/** The last line. Without it the process ended by force. */
export interface EndLine {
  readonly end: RecordingEnd;
  readonly at: number;
  readonly units: number;
  readonly calls: number;
  /** Units that are not in the recording, since they could not be written as fast as they came. */
  readonly lost: number;
}

/** To the microsecond: more digits would be noise, and twice the bytes. */
export function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}

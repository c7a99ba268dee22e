import { ClosedOptions } from '../config/closed-options.js';
import type { Duration } from '../config/duration.js';
import { refused } from '../config/form.js';
import { asDuration } from '../config/option-readers.js';
import { describe, Refusal, show } from '../config/refusal.js';
import { inOwnContext } from '../time/own-context.js';
import { LoadRecorder, type RecordingSummary } from './load-recorder.js';

/** How long and how large a recording may become. */
export interface RecordLoadOptions {
  /** After this long it ends by itself. Default: `'1d'`; 0: it does not. */
  readonly maxDuration?: Duration | undefined;
  /** Before its file is larger than this, in bytes, it ends by itself. Default: 256 MiB; at least 4 KiB. */
  readonly maxBytes?: number | undefined;
}

/** A recording under way. */
export interface LoadRecording {
  /**
   * Ends it, if it has not ended by itself; resolves with what it holds when its file is closed. Never rejects: a file that
   * could not be written is told by `end: 'failed'` and `error`.
   */
  stop(): Promise<RecordingSummary>;
}

const leastBytes = 4 * 1024;

const options = new ClosedOptions<RecordLoadOptions>('The options of recordLoad()', {
  maxDuration: asDuration,
  maxBytes: (given) =>
    Number.isSafeInteger(given) && (given as number) >= leastBytes
      ? given
      : new Refusal(`a whole number of bytes, at least ${leastBytes}`, show(given)),
});

/**
 * Records what the pools of this process do from now on, for `surreal-pool load --replay`: when each acquire came, what
 * was done with its connection and for how long. The file holds the shapes of statements without values, and numbers
 * instead of the names of users, databases and agents. Lines are written in the background; nothing waits for the disk. If the disk
 * is too slow, units are left out and counted; if it fails, the recording ends with a process warning, and the pools go on.
 *
 * @param path a file that is not there yet
 * @throws ConfigurationError when the file is there already or cannot be made, and for options it does not know
 */
export function recordLoad(path: string, given: RecordLoadOptions = {}): LoadRecording {
  if (typeof path !== 'string' || path === '') {
    throw refused('The recording', [{ path: 'path', given: describe(path), allowed: 'the path of a file' }]);
  }
  const { maxDuration = 86_400_000, maxBytes = 256 * 1024 * 1024 } = options.read(given);
  const limits = { maxDuration: maxDuration as number, maxBytes };
  const recorder = inOwnContext(() => new LoadRecorder(path, limits));
  return { stop: () => recorder.end('stopped') };
}

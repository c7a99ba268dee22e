import { createHash } from 'node:crypto';
import { UsageError } from '../errors/configuration.js';

/** What stands for the line before the first one. */
export const chainStart: string = '0'.repeat(64);

/** The SHA-256 of a line in hexadecimal digits, of its UTF-8 bytes without the end of the line. */
export function hashOf(line: string | Uint8Array): string {
  return createHash('sha256').update(line).digest('hex');
}

/** What the check of an exported log has found. */
export type ChainReport =
  | {
      readonly valid: true;
      /** How many entries the export has. */
      readonly entries: number;
      /** How many older entries had fallen out of the log before. */
      readonly dropped: number;
      /** The hash of the last line. Kept elsewhere, it shows later whether somebody made the whole chain anew. */
      readonly hash: string;
    }
  | {
      readonly valid: false;
      /** The first line that is wrong, from 1 on. */
      readonly line: number;
      /** What is wrong with it. */
      readonly problem: string;
    };

/**
 * Checks the lines of a log that was exported with a hash chain: whether one of them was changed, removed, added or
 * moved since, or is missing at the beginning or at the end. Somebody who can write the whole file can make a whole new
 * chain: compare `hash` with one that was kept elsewhere.
 *
 * @throws UsageError for what has no lines
 */
export async function verifyChain(lines: Iterable<string> | AsyncIterable<string>): Promise<ChainReport> {
  if (
    typeof Object(lines)[Symbol.asyncIterator] !== 'function' &&
    typeof Object(lines)[Symbol.iterator] !== 'function'
  ) {
    throw new UsageError('verifyChain(lines) takes the lines of an export: an array, or something to iterate over');
  }
  let line = 0;
  let entries = 0;
  let previous: string | undefined;
  let number: number | undefined;
  let end: ChainEnd | undefined;
  const problem = (problem: string): ChainReport => ({ valid: false, line, problem });
  for await (const text of lines) {
    line++;
    // What is left of a file behind its last line is no line.
    if (end !== undefined && text === '') continue;
    if (end !== undefined) return problem('it stands behind the end of the log');
    const read = readLine(text);
    if (typeof read === 'string') return problem(read);
    if (previous !== undefined && read.prev !== previous) {
      return problem('its prev is not the hash of the line before: one of the two was changed, or a line is missing');
    }
    previous = hashOf(text);
    if ('dropped' in read) {
      end = read;
      continue;
    }
    if (number !== undefined && read.id !== number + 1) return problem(`its id is ${read.id} instead of ${number + 1}`);
    if (number === undefined && read.id === 1 && read.prev !== chainStart) {
      return problem('it is the first entry of the log, and its prev names one before it');
    }
    number = read.id;
    entries++;
  }
  line++;
  if (end === undefined || previous === undefined) return problem('the end of the log is missing');
  line--;
  if (end.entries !== entries) return problem(`the log had ${end.entries} entries, here are ${entries}`);
  if (number !== undefined && number !== end.dropped + entries) {
    return problem(`the log had dropped ${end.dropped} entries, here ${number - entries} are missing before the first`);
  }
  return { valid: true, entries, dropped: end.dropped, hash: previous };
}

interface ChainEnd {
  readonly prev: string;
  readonly entries: number;
  readonly dropped: number;
}

/** A line as far as the chain goes, or what is wrong with it. */
function readLine(text: string): ChainEnd | { readonly prev: string; readonly id: number } | string {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  const { prev, id, kind, entries, dropped } = Object(line) as Record<string, unknown>;
  if (typeof prev !== 'string') return 'it has no prev: the log was exported without a hash chain, or it was added';
  if (kind === 'end') {
    if (!Number.isSafeInteger(entries) || !Number.isSafeInteger(dropped)) return 'the end says no number of entries';
    return { prev, entries: Number(entries), dropped: Number(dropped) };
  }
  return Number.isSafeInteger(id) ? { prev, id: Number(id) } : 'it has no id';
}

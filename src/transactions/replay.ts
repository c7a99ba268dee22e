import { BoundQuery, DateTime, type QueryChunk } from 'surrealdb';
import { SavepointDivergedError } from '../errors.js';
import { alignReplies, replayBatches } from './replay-batches.js';
import { ReplyComparison, type TimeWindow, type TimeWindows } from './reply-comparison.js';
import type { LoggedCall } from './statement-log.js';

/** Sends a query in the transaction of the replay: as many calls in one. */
export type Ask = (query: BoundQuery, calls: number) => Promise<QueryChunk<unknown>[]>;

/**
 * Makes calls again in another transaction, which has just been begun.
 * @throws SavepointDivergedError at the first that gives something else than the first time
 */
export async function replay(calls: readonly LoggedCall[], ask: Ask): Promise<void> {
  const entries = calls.map((entry, index) => ({ ...entry.read(), made: entry.made, index }));
  const comparison = new ReplyComparison();
  let clock: ServerClock | undefined;
  for (const batch of replayBatches(entries.map(({ call }) => call))) {
    const sentAt = performance.now();
    // The first batch also asks what time it is, once the transaction has begun.
    const chunks = await ask(clock === undefined ? withTime(batch.query) : batch.query, batch.calls.length);
    const arrivedAt = performance.now();
    const replies = chunks.map(replyOf);
    clock ??= new ServerClock(replies.shift(), { from: sentAt, until: arrivedAt });
    const found = alignReplies(batch, replies);
    for (const [number, entry] of entries.splice(0, batch.calls.length).entries()) {
      const windows = clock.windows(entry.made, arrivedAt);
      const again: unknown[] = found?.[number] ?? replies;
      const at = firstDifference(entry.results, again, (one, other) => comparison.equal(one, other, windows));
      if (at === undefined) continue;
      throw new SavepointDivergedError({
        index: entry.index,
        statement: entry.call.text,
        expected: entry.results[at],
        found: again[at],
      });
    }
  }
}

/** Where the second list differs from the first. */
function firstDifference(
  expected: readonly unknown[],
  found: readonly unknown[],
  equal: (one: unknown, other: unknown) => boolean,
): number | undefined {
  const length = Math.max(expected.length, found.length);
  for (let at = 0; at < length; at++) if (at >= expected.length || !equal(expected[at], found[at])) return at;
  return undefined;
}

/** What a statement gave: a value, or the error of the server, which equals nothing that was logged. */
function replyOf({ error, kind, result }: QueryChunk<unknown>): unknown {
  return error ?? (kind === 'single' ? result?.[0] : result);
}

function withTime({ query, bindings }: BoundQuery): BoundQuery {
  return new BoundQuery(`RETURN time::now();\n${query}`, bindings);
}

/**
 * The server's clock, read by it after the begin of the second transaction and before anything else there: whatever others
 * had committed by then, the moments in it are earlier. Between the clocks of both sides is what the time of the call
 * leaves open, so the first window may be too wide by that, and the second begins exactly.
 */
class ServerClock {
  readonly #begin: number;
  readonly #least: number;
  readonly #most: number;

  constructor(answer: unknown, asked: TimeWindow) {
    if (answer instanceof Error) throw answer;
    if (!(answer instanceof DateTime)) throw new TypeError('the server did not tell its time');
    this.#begin = Number(answer.nanoseconds) / 1e6;
    this.#least = this.#begin - asked.until;
    this.#most = this.#begin - asked.from;
  }

  /** From the time of this process into that of the server. */
  windows(made: TimeWindow, now: number): TimeWindows {
    return {
      first: { from: made.from + this.#least, until: made.until + this.#most },
      second: { from: this.#begin, until: now + this.#most },
    };
  }
}

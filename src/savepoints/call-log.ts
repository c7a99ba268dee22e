import type { LoggedCall } from './logged-call.js';
import type { TimeWindow } from './server-clock.js';
import { Times } from './times-in-values.js';

/** How many bytes of calls and replies the log of one transaction may hold. */
export const logBudget: number = 16 * 1024 * 1024;

/** A place in the log, to which it can be cut back. */
export interface Mark {
  readonly length: number;
  /** Whether all calls before it are in the log. */
  readonly complete: boolean;
}

/** A call of a transaction. One that was undone is still something the program has seen the answer of. */
export interface LogEntry {
  readonly call: LoggedCall;
  readonly undone: boolean;
  /** Calls that were undone at once, in one rollback, have the same one. */
  readonly part?: object;
}

/**
 * What a transaction has done and what the program has seen of it, so that it can be done again and verified:
 *
 *     entries   A ── B ── (read) ── C ── D          the calls in their order; undone ones that left nothing, in brackets
 *     branches       └─── X ── Y                    what was undone and had written: all the way from the beginning
 *
 * Beyond the budget nothing is kept any more: then no savepoint can be rolled back to.
 */
export class CallLog {
  readonly #entries: LogEntry[] = [];
  /** Times that the server made, that the program has seen, and that are others since a rollback. */
  readonly replaced: Times = new Times();
  readonly #branches: (readonly LogEntry[])[] = [];
  readonly #replays: TimeWindow[] = [];
  readonly #budget: number;
  #bytes = 0;
  #complete = true;

  constructor(budget: number = logBudget) {
    this.#budget = budget;
  }

  /** Whether every call is in it. */
  get complete(): boolean {
    return this.#complete;
  }

  /** What was undone and had written, each with what came before it. */
  get branches(): readonly (readonly LogEntry[])[] {
    return this.#branches;
  }

  /** When calls were replayed in transactions that were adopted: the server made times then, too. */
  get replays(): readonly TimeWindow[] {
    return this.#replays;
  }

  mark(): Mark {
    return { length: this.#entries.length, complete: this.#complete };
  }

  add(call: LoggedCall): void {
    if (!this.#complete) return;
    this.#bytes += call.size;
    if (this.#bytes > this.#budget) this.#complete = false;
    else this.#entries.push({ call, undone: false });
  }

  before(mark: Mark): readonly LogEntry[] {
    return this.#entries.slice(0, mark.length);
  }

  since(mark: Mark): readonly LogEntry[] {
    return this.#entries.slice(mark.length);
  }

  /**
   * What came after a mark is undone from now on.
   * @param window when the calls before the mark were made again
   */
  undoSince(mark: Mark, window: TimeWindow | undefined): void {
    const behind = this.#entries.splice(mark.length);
    const reads = beforeFirst(behind, ({ call }) => !call.leavesNothing);
    if (reads.length < behind.length) this.#branches.push([...this.#entries, ...behind]);
    const part = {};
    for (const entry of reads) this.#entries.push(entry.undone ? entry : { ...entry, undone: true, part });
    if (window !== undefined) this.#replays.push(window);
  }
}

/** The items of a list that stand before the first such one. */
export function beforeFirst<T>(items: readonly T[], isSuch: (item: T) => boolean): readonly T[] {
  const first = items.findIndex(isSuch);
  return first === -1 ? items : items.slice(0, first);
}

/** Each part of a history that was undone, with what remains of that before it. */
export function undoneParts(history: readonly LogEntry[]): (readonly LogEntry[])[] {
  const parts = new Set(history.map(({ part }) => part).filter((part) => part !== undefined));
  return [...parts].map((part) => {
    const last = history.findLastIndex((entry) => entry.part === part);
    return history.slice(0, last + 1).filter((entry) => !entry.undone || entry.part === part);
  });
}

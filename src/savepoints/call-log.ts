import type { LoggedCall } from './logged-call.js';
import type { TimeWindow } from './server-clock.js';
import { Times } from './times-in-values.js';

/** How many bytes of calls and replies the log of one transaction may hold. */
export const logBudget: number = 16 * 1024 * 1024;

/** A place in the log to which it can be cut back. */
export interface Mark {
  readonly length: number;
  /** Whether the log has all calls before it. */
  readonly complete: boolean;
}

/** A call of a transaction. Undone calls are kept too, since the program has seen their answers. */
export interface LogEntry {
  readonly call: LoggedCall;
  readonly undone: boolean;
  /** The same object for all calls undone by one rollback. */
  readonly part?: object;
}

/**
 * The calls of a transaction and their answers, so that they can be replayed and verified:
 *
 *     entries   A ── B ── (read) ── C ── D          the calls in order; in brackets, undone ones that left nothing
 *     branches       └─── X ── Y                    undone calls that had written, with all calls from the beginning
 *
 * Beyond the budget nothing is kept any more, and no savepoint can be rolled back to.
 */
export class CallLog {
  readonly #entries: LogEntry[] = [];
  /** Times made by the server that the program has seen, and that a rollback has changed since. */
  readonly replaced: Times = new Times();
  readonly #branches: (readonly LogEntry[])[] = [];
  readonly #replays: TimeWindow[] = [];
  readonly #budget: number;
  #bytes = 0;
  #complete = true;

  constructor(budget: number = logBudget) {
    this.#budget = budget;
  }

  /** Whether the log has every call. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Undone calls that had written, each with the calls before it. */
  get branches(): readonly (readonly LogEntry[])[] {
    return this.#branches;
  }

  /** When calls were replayed in adopted transactions: the server made new times then. */
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
   * Marks the calls after a mark as undone.
   * @param window when the calls before the mark were replayed
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

/** The items before the first match. */
export function beforeFirst<T>(items: readonly T[], isSuch: (item: T) => boolean): readonly T[] {
  const first = items.findIndex(isSuch);
  return first === -1 ? items : items.slice(0, first);
}

/** Each undone part of a history, with the remaining calls before it. */
export function undoneParts(history: readonly LogEntry[]): (readonly LogEntry[])[] {
  const parts = new Set(history.map(({ part }) => part).filter((part) => part !== undefined));
  return [...parts].map((part) => {
    const last = history.findLastIndex((entry) => entry.part === part);
    return history.slice(0, last + 1).filter((entry) => !entry.undone || entry.part === part);
  });
}

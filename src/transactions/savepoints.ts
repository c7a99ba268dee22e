import {
  SavepointDivergedError,
  SavepointLimitError,
  SavepointNotFoundError,
  SavepointUnsupportedError,
} from '../errors.js';
import type { SavepointCounters } from '../telemetry/savepoint-counters.js';
import { type LoggedCall, logBudget, type Mark, replayBudget, StatementLog } from './statement-log.js';

/** One savepoint: its name, its place in the log, and the queries that were made and not sent by then. */
export interface SavepointMark {
  readonly name: string;
  readonly mark: Mark;
  readonly unsent: ReadonlySet<unknown>;
}

/** The savepoints of one transaction and the log behind them: which there are, whether they can be reached, and the way back. */
export class Savepoints {
  readonly log: StatementLog = new StatementLog();
  readonly #counters: SavepointCounters;
  /** The oldest first. Of those with one name the latest counts. */
  #made: readonly SavepointMark[] = [];
  #unnamed = 0;
  /** How many statements have been replayed. */
  #replayed = 0;

  constructor(counters: SavepointCounters) {
    this.#counters = counters;
  }

  /** @throws SavepointUnsupportedError, SavepointLimitError */
  add(name: string | undefined, unsent: ReadonlySet<unknown>): SavepointMark {
    const mark = this.log.mark();
    this.#reachable(mark);
    const made = { name: name ?? `unnamed ${++this.#unnamed}`, mark, unsent: new Set(unsent) };
    this.#made = [...this.#made, made];
    this.#counters.count('created');
    return made;
  }

  /** @throws SavepointNotFoundError */
  find(which: string | SavepointMark): SavepointMark {
    const found =
      typeof which === 'string'
        ? this.#made.findLast(({ name }) => name === which)
        : this.#made.find((made) => made === which);
    if (found === undefined) throw new SavepointNotFoundError(typeof which === 'string' ? which : which.name);
    return found;
  }

  /** Forgets those after it. */
  keepUpTo(last: SavepointMark): void {
    this.#made = this.#made.slice(0, this.#made.indexOf(last) + 1);
  }

  /** Forgets it and those after it. */
  release(first: SavepointMark): void {
    this.#made = this.#made.slice(0, this.#made.indexOf(first));
  }

  /**
   * Cuts the log back to a place in it, after a replay of what is before it when something has to be undone.
   * @param failed whether a call behind it failed, which may have written
   * @param replay goes on with another transaction that has come as far as these calls
   * @throws SavepointUnsupportedError, SavepointLimitError, and what the replay throws
   */
  async goBack(mark: Mark, failed: boolean, replay: (calls: readonly LoggedCall[]) => Promise<void>): Promise<void> {
    if (failed || this.log.writtenSince(mark)) await this.#replay(mark, replay);
    this.log.truncate(mark);
    this.#counters.count('rollbacks');
  }

  async #replay(mark: Mark, replay: (calls: readonly LoggedCall[]) => Promise<void>): Promise<void> {
    const calls = this.#reachable(mark);
    // They count even when the replay fails: the server has had the work.
    this.#replayed += statementsOf(calls);
    this.#counters.count('replayedCalls', calls.length);
    const begunAt = performance.now();
    try {
      await replay(calls);
    } catch (error) {
      if (error instanceof SavepointDivergedError) this.#counters.count('divergences');
      throw error;
    }
    this.#counters.replayTime.record(performance.now() - begunAt);
  }

  #reachable(mark: Mark): readonly LoggedCall[] {
    const { refusal } = mark;
    if (refusal?.kind === 'unsupported') {
      this.#counters.count('refusedUnsupported');
      throw new SavepointUnsupportedError({ statement: refusal.culprit, reason: refusal.reason });
    }
    const calls = this.log.before(mark);
    const tooMuch = refusal?.kind === 'limit' || this.#replayed + statementsOf(calls) > replayBudget;
    if (!tooMuch) return calls;
    this.#counters.count('refusedLimit');
    throw refusal === undefined
      ? new SavepointLimitError('replay', replayBudget)
      : new SavepointLimitError('log', logBudget);
  }
}

function statementsOf(calls: readonly LoggedCall[]): number {
  return calls.reduce((sum, { statements }) => sum + statements, 0);
}

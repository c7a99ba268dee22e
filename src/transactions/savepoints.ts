import { SavepointLimitError, SavepointNotFoundError, SavepointUnsupportedError } from '../errors.js';
import type { SavepointCounters } from '../telemetry/savepoint-counters.js';
import { type LoggedCall, logBudget, type Mark, replayBudget, StatementLog } from './statement-log.js';

/** One savepoint: its name, its place in the log, and the queries that were made and not sent by then. */
export interface SavepointMark {
  readonly name: string;
  readonly mark: Mark;
  readonly unsent: ReadonlySet<unknown>;
}

/** The savepoints of one transaction and the log behind them: which there are, and whether they can be reached. */
export class Savepoints {
  readonly log: StatementLog = new StatementLog();
  readonly counters: SavepointCounters;
  /** The oldest first. Of those with one name the latest counts. */
  #made: readonly SavepointMark[] = [];
  #unnamed = 0;
  /** How many statements have been replayed. */
  #replayed = 0;

  constructor(counters: SavepointCounters) {
    this.counters = counters;
  }

  /** @throws SavepointUnsupportedError, SavepointLimitError */
  add(name: string | undefined, unsent: ReadonlySet<unknown>): SavepointMark {
    const mark = this.log.mark();
    this.#reachable(mark);
    const made = { name: name ?? `unnamed ${++this.#unnamed}`, mark, unsent: new Set(unsent) };
    this.#made = [...this.#made, made];
    this.counters.count('created');
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
   * The calls to be replayed for a place in the log; they count as replayed from now on.
   * @throws SavepointUnsupportedError, SavepointLimitError
   */
  toReplay(mark: Mark): readonly LoggedCall[] {
    const calls = this.#reachable(mark);
    this.#replayed += statementsOf(calls);
    this.counters.count('replayedCalls', calls.length);
    return calls;
  }

  #reachable(mark: Mark): readonly LoggedCall[] {
    const { refusal } = mark;
    if (refusal?.kind === 'unsupported') {
      this.counters.count('refusedUnsupported');
      throw new SavepointUnsupportedError({ statement: refusal.culprit, reason: refusal.reason });
    }
    const calls = this.log.before(mark);
    const tooMuch = refusal?.kind === 'limit' || this.#replayed + statementsOf(calls) > replayBudget;
    if (!tooMuch) return calls;
    this.counters.count('refusedLimit');
    throw refusal === undefined
      ? new SavepointLimitError('replay', replayBudget)
      : new SavepointLimitError('log', logBudget);
  }
}

function statementsOf(calls: readonly LoggedCall[]): number {
  return calls.reduce((sum, { statements }) => sum + statements, 0);
}

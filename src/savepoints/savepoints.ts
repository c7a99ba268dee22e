import { UsageError } from '../errors/configuration.js';
import { SavepointLimitError, SavepointUnsupportedError } from '../errors/savepoint.js';
import type { SavepointCounters } from '../telemetry/savepoint-counters.js';
import { CallLog, type LogEntry, logBudget, type Mark } from './call-log.js';
import type { ServerClock } from './server-clock.js';
import { givesBackTime } from './times-given-back.js';

/** One savepoint: its name, its place in the log, and the queries that were made and not sent by then. */
export interface SavepointMark {
  readonly name: string;
  readonly mark: Mark;
  readonly unsent: ReadonlySet<unknown>;
}

/** The savepoints of one transaction: which there are, and whether what came before them can be made again. */
export class Savepoints {
  readonly log: CallLog = new CallLog();
  readonly #counters: SavepointCounters;
  /** The oldest first. Of those with one name the latest counts. */
  #made: readonly SavepointMark[] = [];
  #unnamed = 0;

  constructor(counters: SavepointCounters) {
    this.#counters = counters;
  }

  /**
   * @param clock the clock of the server, when it has to be known which times the server has made
   * @throws SavepointUnsupportedError, SavepointLimitError
   */
  async add(
    name: string | undefined,
    unsent: ReadonlySet<unknown>,
    clock: () => Promise<ServerClock>,
  ): Promise<SavepointMark> {
    const mark = this.log.mark();
    const before = this.replayable(mark).filter(({ undone }) => !undone);
    await this.refuseTimesGivenBack(before, 'savepoint', clock);
    const made = { name: name ?? `unnamed ${++this.#unnamed}`, mark, unsent: new Set(unsent) };
    this.#made = [...this.#made, made];
    this.#counters.count('created');
    return made;
  }

  /** @throws UsageError */
  find(which: string | SavepointMark): SavepointMark {
    const found =
      typeof which === 'string'
        ? this.#made.findLast(({ name }) => name === which)
        : this.#made.find((made) => made === which);
    if (found === undefined) throw notFound(typeof which === 'string' ? which : which.name);
    return found;
  }

  /** Those that can be rolled back to. */
  get made(): readonly SavepointMark[] {
    return this.#made;
  }

  /** Forgets all others. */
  keepOnly(these: readonly SavepointMark[]): void {
    this.#made = this.#made.filter((made) => these.includes(made));
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
   * The calls before a place in the log, which have to be made again to come back to it.
   * @throws SavepointUnsupportedError when one of them may do something else then
   * @throws SavepointLimitError when they are not all in the log
   */
  replayable(mark: Mark): readonly LogEntry[] {
    if (!mark.complete) throw this.limit();
    const entries = this.log.before(mark);
    const kept = entries.filter(({ undone }) => !undone);
    for (const { call } of kept) {
      const { replayability } = call;
      if (replayability.kind === 'replayable') continue;
      throw this.unsupported({ ...replayability, statement: replayability.culprit, refused: 'savepoint' });
    }
    return entries;
  }

  /** @throws SavepointUnsupportedError when one of these calls gives back a time that the server made for one before it */
  async refuseTimesGivenBack(
    entries: readonly LogEntry[],
    refused: 'savepoint' | 'rollback',
    clock: () => Promise<ServerClock>,
  ): Promise<void> {
    const givingBack = await givesBackTime(entries, this.log.replays, clock);
    if (givingBack === undefined) return;
    throw this.unsupported({ statement: givingBack.text, reason: timeGivenBack, refused });
  }

  unsupported(details: ConstructorParameters<typeof SavepointUnsupportedError>[0]): SavepointUnsupportedError {
    this.#counters.count('refusedUnsupported');
    return new SavepointUnsupportedError(details);
  }

  limit(): SavepointLimitError {
    this.#counters.count('refusedLimit');
    return new SavepointLimitError('log', logBudget);
  }
}

/** Why a call that gives back a time cannot be made again. */
const timeGivenBack =
  'it gives back a time that the server made for an earlier call of this transaction, which is another one when that call is made again';

function notFound(name: string): UsageError {
  return new UsageError(
    `there is no savepoint "${name}": it was not made, was released, or came after one that was rolled back to`,
    { code: 'ERR_POOL_SAVEPOINT_NOT_FOUND' },
  );
}

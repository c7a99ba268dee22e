import { BoundQuery, type RecordId, ServerError, type Uuid } from 'surrealdb';
import { withoutQuery } from '../config/address.js';
import { isConflict } from '../errors/server-errors.js';
import { CommitVerificationError } from '../errors/transaction.js';
import type { Connection } from '../session/connection.js';
import { systemClock, type Timer } from '../time/clock.js';
import { withDeadline } from '../time/deadline.js';
import { onAbort } from '../time/on-abort.js';
import { pause } from '../time/pause.js';
import { untilAborted } from '../time/until-aborted.js';
import { markerTable, newMarker } from './marker.js';
import { birthOfTable, isTableMissing, MarkerTable, noRight } from './marker-table.js';
import { plainQuery } from './plain-query.js';
import { type SpareConnectionSource, SpareConnections } from './spare-connection.js';

export { markerTable } from './marker.js';

/** The marker of a transaction older than this, in milliseconds, may have been swept: then a fence proves nothing. */
const trustedAge = 30 * 60_000;
/** The longest pause between two attempts to set a fence, in milliseconds. */
const longestPause = 500;
/** How long the pool still looks for the outcome after the time of the transaction is up, in milliseconds. */
const lastMoment = 500;

const settling = 'finding out about a commit';

/** How long the pool looks for the outcome of a commit, in milliseconds. */
export interface FenceSettings {
  readonly url: string;
  /** The total time; 0: until the pool is shut down. */
  readonly timeout: number;
  /** The time of one attempt. */
  readonly attemptTimeout: number;
}

/** The outcome of a commit. `unknown` only when the database could not be asked; `cause` says why. */
export type CommitOutcome =
  | { readonly outcome: 'committed' }
  | { readonly outcome: 'not-committed' }
  | { readonly outcome: 'unknown'; readonly cause: unknown };

/**
 * Finds out whether a commit without an answer was applied. The transaction itself creates a record, its marker. If the
 * answer to the commit is lost, the pool creates the *same* record from another connection, as a fence:
 *
 *     the record is there: the transaction was committed
 *     it could be created: it was not, and never can be, since its own CREATE now conflicts with the fence
 *
 * Reading the marker would prove nothing: a commit still in flight may succeed after the read. A fence proves nothing
 * either if the table of the marker was removed and defined again meanwhile.
 */
export class CommitFence {
  readonly #settings: FenceSettings;
  readonly #spares: SpareConnections;
  readonly #table: MarkerTable;
  /** The id of the table before the marker was written to it: see {@link MarkerTable}. */
  readonly #births = new WeakMap<RecordId, string>();

  constructor(settings: FenceSettings, source: SpareConnectionSource) {
    this.#settings = settings;
    this.#spares = new SpareConnections(source, settings.attemptTimeout);
    this.#table = new MarkerTable(this.#spares);
  }

  newMarker(): RecordId {
    return newMarker();
  }

  /**
   * Opens a transaction with this marker, in a database with a table for it. If the table turns out to be gone, the
   * fence defines it again and opens the transaction once more, which has done nothing yet.
   * @param signal ends the wait for the table
   * @throws CommitVerificationError, PoolShutdownError, and what opening throws
   */
  async openMarked<T>(
    connection: Connection,
    marker: RecordId,
    signal: AbortSignal | undefined,
    open: () => Promise<T>,
  ): Promise<T> {
    // A transaction that replaces another keeps its marker, so the table of the first one counts.
    const isFirst = !this.#births.has(marker);
    for (let again = false; ; again = true) {
      const preparing = this.#prepare(connection);
      const birth = await (signal === undefined ? preparing : untilAborted(preparing, signal));
      if (isFirst) this.#births.set(marker, birth);
      try {
        return await open();
      } catch (error) {
        // The table may have been made again since its id was read.
        if (!isTableMissing(error) && !(error instanceof OtherTableError)) throw error;
        await this.#table.forget(connection, birth);
        if (again) throw error instanceof OtherTableError ? anotherStore(connection) : alwaysMissing(error);
      }
    }
  }

  /**
   * Whether a fence would be set in the store of this connection: it can only be set at the same endpoint, or the
   * connection was seen to have the same table. If not, {@link CommitFence.compareStore} has to be called before the
   * transaction is begun.
   */
  isSameStore(connection: Connection, marker: RecordId): boolean {
    if (!this.#spares.mayBeElsewhere(connection)) return true;
    return this.#table.wasSeenBy(connection, this.#births.get(marker));
  }

  /** @throws Error when the connection does not have the table that the spare connections have */
  async compareStore(connection: Connection, marker: RecordId): Promise<void> {
    if (!(await this.#table.isSeenBy(connection, this.#births.get(marker)))) throw new OtherTableError();
  }

  /** Writes the marker, as part of the transaction. */
  async mark(connection: Connection, transaction: Uuid, marker: RecordId): Promise<void> {
    // The lease may have changed the database since. The fence would not find a marker there, and would take the commit
    // for not applied.
    refuseChanged(connection);
    const created = await plainQuery(connection, creation(marker, 'committed'), transaction);
    // A user without the right to create a record gets no error, only an empty answer.
    if (created === undefined) throw noRight('create records in');
  }

  /**
   * Sets the fence and returns the outcome of the commit. Never rejects.
   * @param signal ends the time of the transaction: soon after, the outcome is given as unknown
   */
  async settle(
    connection: Connection,
    marker: RecordId,
    begunAt: number,
    signal?: AbortSignal,
  ): Promise<CommitOutcome> {
    const birth = this.#births.get(marker);
    const timeout = this.#settings.timeout === 0 ? Number.POSITIVE_INFINITY : this.#settings.timeout;
    const late = later(signal, lastMoment);
    let failure: unknown;
    try {
      return await withDeadline(settling, timeout, [late.signal, this.#spares.over], async (limit) => {
        for (let bound = 1; ; bound = Math.min(bound * 2, longestPause)) {
          try {
            const outcome = await this.#spares.run(settling, connection, limit, (spare) => fence(spare, marker, birth));
            if (outcome === 'unknown') {
              if (birth !== undefined) await this.#table.forget(connection, birth);
              return unknown(tableRemoved());
            }
            const trusted = Date.now() - begunAt < trustedAge;
            return outcome === 'committed' || trusted ? { outcome } : unknown(tooOld());
          } catch (cause) {
            limit.throwIfAborted();
            failure = cause;
            // A conflict is a race with the commit itself: the next attempt shows which of them won.
            const time = isConflict(cause) ? 0 : Math.random() * bound;
            await pause(systemClock, time, [limit]);
            limit.throwIfAborted();
          }
        }
      });
    } catch (cause) {
      const ended = late.signal?.aborted || this.#spares.over.aborted;
      return unknown(ended ? cause : (failure ?? cause));
    } finally {
      late.end();
    }
  }

  /** Gives up looking for outcomes. */
  async end(reason: unknown): Promise<void> {
    await this.#spares.end(reason);
  }

  async #prepare(connection: Connection): Promise<string> {
    if (new URL(this.#settings.url).protocol === 'surrealkv:') {
      throw new CommitVerificationError(
        'verifyCommit does not work on surrealkv://, which lets a commit and its fence both succeed when they run at the same time; use rocksdb:// or a server',
      );
    }
    refuseChanged(connection);
    return await this.#table.prepare(connection);
  }
}

/** The connection of a transaction has not the table that the spare connections have. */
class OtherTableError extends Error {
  constructor() {
    super(`the table ${markerTable} is another one on this connection`);
  }
}

/** @param birth the id of the table before the marker was written to it */
async function fence(
  spare: Connection,
  marker: RecordId,
  birth: string | undefined,
): Promise<'committed' | 'not-committed' | 'unknown'> {
  try {
    const created = await plainQuery(spare, creation(marker, 'fenced'));
    if (created === undefined) throw noRight('create records in');
  } catch (error) {
    if (isTableMissing(error)) return 'unknown';
    if (!(error instanceof ServerError) || error.kind !== 'AlreadyExists') throw error;
    // Nothing changes the record once written; it may be our own fence whose answer was lost.
    const state = await plainQuery(spare, new BoundQuery('SELECT VALUE state FROM ONLY $marker', { marker }));
    if (state === 'committed') return 'committed';
    if (state !== 'fenced') throw unreadable();
  }
  // If the table is still the same, it was there all the time, and so was the marker if it was committed.
  return (await birthOfTable(spare)) === birth ? 'not-committed' : 'unknown';
}

function creation(marker: RecordId, state: 'committed' | 'fenced'): BoundQuery {
  return new BoundQuery('CREATE ONLY $marker SET state = $state, at = time::now()', { marker, state });
}

function refuseChanged({ changes }: Connection): void {
  if (!changes.database && !changes.authentication) return;
  throw new CommitVerificationError(
    'verifyCommit needs a connection as it was lent: the outcome is sought as the same user in the same database, which use() and signin() have changed',
  );
}

/** A signal that aborts some time after another one, with the same reason. */
function later(signal: AbortSignal | undefined, time: number): { signal: AbortSignal | undefined; end(): void } {
  if (signal === undefined) return { signal, end: () => {} };
  const controller = new AbortController();
  let timer: Timer | undefined;
  const forget = onAbort(signal, () => {
    timer = systemClock.timer(time, true, () => controller.abort(signal.reason));
  });
  const end = (): void => {
    forget();
    timer?.cancel();
  };
  return { signal: controller.signal, end };
}

function unknown(cause: unknown): CommitOutcome {
  return { outcome: 'unknown', cause };
}

function anotherStore({ endpoint }: Connection): CommitVerificationError {
  return new CommitVerificationError(
    `verifyCommit finds another table ${markerTable} at ${withoutQuery(endpoint.url)} than at another endpoint of the pool: they do not share one store; give each store a pool of its own`,
  );
}

function alwaysMissing(cause: unknown): CommitVerificationError {
  return new CommitVerificationError(
    `verifyCommit needs the table ${markerTable}, which was removed twice while one transaction was begun; leave it to the pool`,
    { cause },
  );
}

function tableRemoved(): CommitVerificationError {
  return new CommitVerificationError(
    `the table ${markerTable} was removed or made again since the transaction was begun, and its marker with it; look for what the transaction wrote, and leave the table to the pool`,
  );
}

function tooOld(): CommitVerificationError {
  return new CommitVerificationError(
    'the transaction was open for more than 30 minutes, so that its marker may have been swept; look for what it wrote, and make transactions shorter',
  );
}

function unreadable(): CommitVerificationError {
  return new CommitVerificationError(
    `the marker of the transaction in the table ${markerTable} can be neither created nor read; give the user the role EDITOR or OWNER of the database`,
  );
}

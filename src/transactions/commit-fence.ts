import { setTimeout as sleep } from 'node:timers/promises';
import { BoundQuery, RecordId, ServerError, Uuid } from 'surrealdb';
import { isConflict, isRefusedAuthentication } from '../connection/classification.js';
import type { Connection } from '../connection/connection.js';
import { CommitVerificationError, DeadlineError } from '../errors.js';
import { plainQuery } from './plain-query.js';
import { SpareConnection, type SpareConnections } from './spare-connection.js';

/** The table of markers and fences, in each database where commits are verified. */
export const markerTable = 'surreal_pool_commit';

/** A fence outlives every commit that could still be on its way, by hours; a marker everybody who could still ask for it. */
const markerLife = '1h';
const fenceLife = '6h';
/** A transaction older than this, in milliseconds, may have had its marker swept: its fence proves nothing any more. */
const trustedAge = 30 * 60_000;
/** How often, in milliseconds, a pool sweeps. */
const sweepEvery = 10 * 60_000;
/** The longest pause between two attempts to set a fence, in milliseconds. */
const longestPause = 500;
/** How often the table is tried to be defined, when others define it at the same moment. */
const mostDefinitions = 10;

/** What decides how long the outcome of a commit is sought, in milliseconds. */
export interface FenceSettings {
  readonly url: string;
  /** In all; 0: until the pool is shut down. */
  readonly timeout: number;
  /** One attempt. */
  readonly attemptTimeout: number;
}

/** What became of a commit. `unknown` only when the database could not be asked: then `cause` says why. */
export type CommitOutcome =
  | { readonly outcome: 'committed' }
  | { readonly outcome: 'not-committed' }
  | { readonly outcome: 'unknown'; readonly cause: unknown };

/**
 * Finds out whether a commit without an answer was applied. The transaction itself creates a record, its marker. Whoever
 * does not get the answer to its commit creates the *same* record from another connection, as a fence:
 *
 *     the record is there: the transaction was committed
 *     it could be created: it was not, and never can be, for its own CREATE conflicts with the fence from now on
 *
 * Looking for the marker would prove nothing: a commit that is still on its way may succeed after the look.
 */
export class CommitFence {
  readonly #settings: FenceSettings;
  readonly #connections: SpareConnections;
  /** By identity. */
  readonly #spares = new Map<string, SpareConnection>();
  /** By database. */
  readonly #prepared = new Map<string, Promise<unknown>>();
  readonly #sweptAt = new Map<string, number>();
  readonly #under = new Set<Promise<unknown>>();
  readonly #over = new AbortController();

  constructor(settings: FenceSettings, connections: SpareConnections) {
    this.#settings = settings;
    this.#connections = connections;
  }

  /**
   * Defines the table of the markers, once for each database, and now and then sweeps it.
   * @throws CommitVerificationError
   */
  async prepare(connection: Connection): Promise<void> {
    if (new URL(this.#settings.url).protocol === 'surrealkv:') {
      throw new CommitVerificationError(
        'verifyCommit cannot be had on surrealkv://: when a commit and its fence come together it lets both succeed; use rocksdb:// or a server',
      );
    }
    refuseChanged(connection);
    const key = databaseOf(connection);
    await this.#defineOnce(connection, key);
    this.#sweepIfDue(connection, key);
  }

  newMarker(): RecordId {
    return new RecordId(markerTable, Uuid.v4());
  }

  /** Writes the marker, as part of the transaction. */
  async mark(connection: Connection, transaction: Uuid, marker: RecordId): Promise<void> {
    // It may have been moved since: a marker elsewhere would be looked for in vain, and its commit taken for none.
    refuseChanged(connection);
    const created = await plainQuery(connection, creation(marker, 'committed'), transaction);
    // Whoever may not create a record is told nothing, and gets none.
    if (created === undefined) throw noRight('create records in');
  }

  /** Sets the fence and tells what became of the commit. Never rejects. */
  async settle(connection: Connection, marker: RecordId, begunAt: number): Promise<CommitOutcome> {
    const { timeout } = this.#settings;
    const endsAt = timeout === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeout;
    for (let pause = 1; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        const outcome = await this.#attempt(connection, (spare) => fence(spare, marker));
        const trusted = Date.now() - begunAt < trustedAge;
        if (outcome === 'committed' || trusted) return { outcome };
        return {
          outcome: 'unknown',
          cause: new Error('the transaction was open for so long that its marker may have been swept'),
        };
      } catch (cause) {
        if (this.#over.signal.aborted || performance.now() + pause > endsAt) return { outcome: 'unknown', cause };
        // A conflict is a race with the commit itself: the next attempt sees who won.
        const time = isConflict(cause) ? 0 : Math.random() * pause;
        await sleep(time, undefined, { signal: this.#over.signal }).catch(() => {});
      }
    }
  }

  /** Gives up whatever is sought. */
  async end(): Promise<void> {
    this.#over.abort(new Error('the pool was shut down'));
    await Promise.all(this.#under);
  }

  async #defineOnce(connection: Connection, key: string): Promise<void> {
    const others = this.#prepared.get(key);
    // What others failed at, for want of the right, this user may be able to do.
    const done = await others?.then(
      () => true,
      () => false,
    );
    if (done === true) return;
    const defining = this.#define(connection);
    this.#prepared.set(key, defining);
    try {
      await defining;
    } catch (error) {
      if (this.#prepared.get(key) === defining) this.#prepared.delete(key);
      throw error;
    }
  }

  async #define(connection: Connection): Promise<void> {
    const query = new BoundQuery(`DEFINE TABLE IF NOT EXISTS ${markerTable} SCHEMALESS PERMISSIONS NONE`);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#attempt(connection, (spare) => plainQuery(spare, query));
        return;
      } catch (error) {
        if (isRefusedAuthentication(error)) throw noRight('define', error);
        // Another pool defines it at the same moment.
        if (!isConflict(error) || attempt === mostDefinitions) throw error;
        await sleep(Math.random() * longestPause);
      }
    }
  }

  #sweepIfDue(connection: Connection, key: string): void {
    const now = performance.now();
    if (now - (this.#sweptAt.get(key) ?? Number.NEGATIVE_INFINITY) < sweepEvery) return;
    this.#sweptAt.set(key, now);
    const query = new BoundQuery(
      `DELETE ${markerTable} WHERE at < time::now() - ${fenceLife}
         OR (state = 'committed' AND at < time::now() - ${markerLife}) RETURN NONE`,
    );
    // What is not swept now is swept the next time.
    this.#attempt(connection, (spare) => plainQuery(spare, query)).catch(() => {});
  }

  #attempt<T>(connection: Connection, work: (spare: Connection) => Promise<T>): Promise<T> {
    const { key } = connection.identity;
    const spare = this.#spares.get(key) ?? new SpareConnection(this.#connections);
    this.#spares.set(key, spare);
    const { attemptTimeout } = this.#settings;
    const limit = new AbortController();
    const timer = setTimeout(
      () => limit.abort(new DeadlineError('finding out about a commit', attemptTimeout)),
      attemptTimeout,
    );
    const signal = AbortSignal.any([limit.signal, this.#over.signal]);
    const attempt = spare.run(connection, signal, work).finally(() => {
      clearTimeout(timer);
      if (spare.unused) this.#spares.delete(key);
    });
    const settled: Promise<unknown> = attempt.catch(() => {}).then(() => this.#under.delete(settled));
    this.#under.add(settled);
    return attempt;
  }
}

async function fence(spare: Connection, marker: RecordId): Promise<'committed' | 'not-committed'> {
  try {
    const created = await plainQuery(spare, creation(marker, 'fenced'));
    if (created === undefined) throw noRight('create records in');
    return 'not-committed';
  } catch (error) {
    if (!(error instanceof ServerError) || error.kind !== 'AlreadyExists') throw error;
  }
  // What is there is there for good; it may be a fence of our own whose answer was lost.
  const state = await plainQuery(spare, new BoundQuery('SELECT VALUE state FROM ONLY $marker', { marker }));
  if (state === 'committed') return 'committed';
  if (state === 'fenced') return 'not-committed';
  throw new Error('the marker of the transaction can be neither created nor read');
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

function databaseOf({ identity }: Connection): string {
  return JSON.stringify([identity.namespace, identity.database]);
}

function noRight(what: string, cause?: unknown): CommitVerificationError {
  return new CommitVerificationError(
    `verifyCommit needs a user who may ${what} the table ${markerTable}: an EDITOR or OWNER of the database`,
    cause === undefined ? undefined : { cause },
  );
}

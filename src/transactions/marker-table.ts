import { BoundQuery, ServerError, Uuid } from 'surrealdb';
import { databaseKey } from '../config/database-name.js';
import { messageOf } from '../errors/error-message.js';
import { outcomeOf } from '../errors/outcome.js';
import { isAnswer, isConflict, isRefusedAuthentication } from '../errors/server-errors.js';
import { CommitVerificationError } from '../errors/transaction.js';
import type { Connection } from '../session/connection.js';
import { systemClock } from '../time/clock.js';
import { pause } from '../time/pause.js';
import { SingleFlight } from '../time/single-flight.js';
import type { Transport } from '../wire/transport.js';
import { markerTable } from './marker.js';
import { sweepMarkers } from './marker-sweep.js';
import { plainQuery } from './plain-query.js';
import type { SpareConnections } from './spare-connection.js';

/** How often, in milliseconds, a pool sweeps a database. */
const sweepEvery = 10 * 60_000;
/** How often the pool tries to define the table while other pools define it too. */
const mostDefinitions = 10;
/** The longest pause between two of these attempts, in milliseconds. */
const longestPause = 500;

/** SurrealQL for the id of the table: see {@link MarkerTable}. */
const birth = `(INFO FOR DB STRUCTURE).tables[WHERE name = '${markerTable}'][0].comment`;

/**
 * The table of markers and fences in each database. Its comment holds a random id, made when the table was defined. A
 * table with another id, or none, is not the table the marker was written to, so a missing marker proves nothing.
 */
export class MarkerTable {
  readonly #spares: SpareConnections;
  /** The id of the table, by database. */
  readonly #births = new SingleFlight<string, string>();
  /** The ids that were also read on a connection itself, by transport and database. */
  readonly #seen = new WeakMap<Transport, Map<string, string>>();
  readonly #sweptAt = new Map<string, number>();

  constructor(spares: SpareConnections) {
    this.#spares = spares;
  }

  /**
   * Defines the table once for each database, sweeps it now and then, and returns its id.
   * @throws CommitVerificationError, PoolShutdownError, ServerError
   */
  async prepare(connection: Connection): Promise<string> {
    const key = databaseOf(connection);
    const birth = await this.#births.run(key, () => this.#define(connection));
    this.#sweepIfDue(connection, key);
    return birth;
  }

  /**
   * Whether a connection sees the table with this id: then it is on the same store as the spare connections, which may be
   * at another endpoint.
   */
  async isSeenBy(connection: Connection, birth: string | undefined): Promise<boolean> {
    if (birth === undefined || (await birthOfTable(connection)) !== birth) return false;
    const { transport } = connection;
    const seen = this.#seen.get(transport) ?? new Map<string, string>();
    this.#seen.set(transport, seen.set(databaseOf(connection), birth));
    return true;
  }

  /** Whether {@link MarkerTable.isSeenBy} said so before, of this transport and database. */
  wasSeenBy(connection: Connection, birth: string | undefined): boolean {
    return birth !== undefined && this.#seen.get(connection.transport)?.get(databaseOf(connection)) === birth;
  }

  /** Makes the next caller define the table again, because the table with this id is gone. */
  async forget(connection: Connection, birth: string): Promise<void> {
    await this.#births.forget(databaseOf(connection), birth);
  }

  async #define(connection: Connection): Promise<string> {
    const query = new BoundQuery(
      `{
         DEFINE TABLE IF NOT EXISTS ${markerTable} SCHEMALESS PERMISSIONS NONE;
         IF ${birth} IS NONE { ALTER TABLE ${markerTable} COMMENT '${Uuid.v4()}' };
         RETURN ${birth};
       }`,
    );
    const step = `defining the table ${markerTable}`;
    for (let attempt = 1, failures = 0; ; attempt++) {
      try {
        const found = await this.#spares.run(step, connection, undefined, (spare) => plainQuery(spare, query));
        if (typeof found === 'string') return found;
        throw noRight('define');
      } catch (error) {
        if (isRefusedAuthentication(error)) throw noRight('define', error);
        // The server that was asked is lost or silent; defining the table twice does no harm, so the next one is asked.
        if (!isAnswer(error) && !this.#spares.over.aborted && ++failures < this.#spares.places) continue;
        // A conflict means that another pool is defining it.
        if (!isConflict(error) || attempt === mostDefinitions) throw notBegun(error);
        await pause(systemClock, Math.random() * longestPause, [this.#spares.over]);
      }
    }
  }

  #sweepIfDue(connection: Connection, key: string): void {
    const now = systemClock.now();
    if (now - (this.#sweptAt.get(key) ?? Number.NEGATIVE_INFINITY) < sweepEvery) return;
    this.#sweptAt.set(key, now);
    // Errors are ignored: the next sweep does the rest.
    sweepMarkers(this.#spares, connection).catch(() => {});
  }
}

/** The id of the present table; undefined when there is no table, or none defined by a pool. */
export async function birthOfTable(connection: Connection): Promise<unknown> {
  return await plainQuery(connection, new BoundQuery(`RETURN ${birth}`));
}

/** Whether the server refused because the marker table is missing: it was removed, or its database was recreated. */
export function isTableMissing(error: unknown): boolean {
  return error instanceof ServerError && error.kind === 'NotFound' && error.message.includes(`'${markerTable}'`);
}

export function noRight(what: string, cause?: unknown): CommitVerificationError {
  return new CommitVerificationError(
    `verifyCommit needs a user who may ${what} the table ${markerTable}: an EDITOR or OWNER of the database`,
    cause === undefined ? undefined : { cause },
  );
}

/** An error that says that no transaction was begun, whether or not the table was defined. */
function notBegun(error: unknown): unknown {
  if (error instanceof ServerError || outcomeOf(error) !== 'unknown') return error;
  return new CommitVerificationError(
    `verifyCommit could not prepare the table ${markerTable}, so the transaction was not begun; try it again: ${messageOf(error)}`,
    { cause: error, retryable: true },
  );
}

function databaseOf({ identity }: Connection): string {
  return databaseKey(identity);
}

import type { DatabaseName } from '../config/database-name.js';
import type { Lease } from '../pool/lease.js';
import type { Pool } from '../pool/pool.js';
import type { PooledConnection } from '../pooled-connection.js';
import type { Connection } from '../session/connection.js';
import type { ConnectionIdentity } from '../session/identity.js';

type ConnectionPool = Pool<Connection, ConnectionIdentity>;

/** What extra connections need. */
export interface ExtraConnectionsParts {
  /** Makes a pool for one connection. */
  makePool(): ConnectionPool;
  /** The pool's own identity, in this database. */
  identityIn(database: DatabaseName): ConnectionIdentity;
  /** Wraps a lease for the caller. */
  connectionOf(lease: Lease<Connection>): PooledConnection;
  /** How long closing a connection may take after its work, in milliseconds. */
  readonly endTimeout: number;
}

/**
 * Connections that do not count towards the pool, because callers of the pool wait for the work on them: if they came
 * from the pool, callers could hold all its connections and wait for one that is never free. Each has a pool of its
 * own, which opens, resets and closes it like any other.
 */
export class ExtraConnections {
  readonly #parts: ExtraConnectionsParts;
  readonly #pools = new Set<ConnectionPool>();

  constructor(parts: ExtraConnectionsParts) {
    this.#parts = parts;
  }

  /** Runs work on a connection of the pool's own identity, in this database. */
  async run<T>(database: DatabaseName, work: (connection: PooledConnection) => Promise<T> | T): Promise<T> {
    const pool = this.#parts.makePool();
    this.#pools.add(pool);
    try {
      const lease = await pool.acquire({ identity: this.#parts.identityIn(database) });
      const connection = this.#parts.connectionOf(lease);
      try {
        return await work(connection);
      } finally {
        connection.release();
      }
    } finally {
      await pool.shutdown(this.#parts.endTimeout);
      this.#pools.delete(pool);
    }
  }

  /** Gives work under way this long to finish, in milliseconds, then ends it. */
  async end(gracePeriod: number): Promise<void> {
    await Promise.all([...this.#pools].map((pool) => pool.shutdown(gracePeriod)));
  }
}

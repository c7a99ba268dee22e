import type { Connection } from '../connection/connection.js';

/** How a connection is made that does not count as one of the pool's. */
export interface SpareConnections {
  /** Opens one for the same user and database as this one. */
  open(like: Connection, signal: AbortSignal): Promise<Connection>;
  close(connection: Connection): Promise<void>;
}

/**
 * A connection beside the pool's, open only while somebody needs it and shared by all who do. It is not one of the pool's,
 * because those who need it hold one of these already: they would wait for each other when all are in use.
 */
export class SpareConnection {
  readonly #connections: SpareConnections;
  #opening: Promise<Connection> | undefined;
  #users = 0;

  constructor(connections: SpareConnections) {
    this.#connections = connections;
  }

  async run<T>(like: Connection, signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
    this.#users++;
    this.#opening ??= this.#connections.open(like, signal);
    const opening = this.#opening;
    try {
      const connection = await opening;
      return await connection.run(() => work(connection));
    } finally {
      this.#users--;
      const usable = await opening.then(
        (connection) => connection.usable,
        () => false,
      );
      // One that is broken is no use to the next one, even while others still find that out.
      if (this.#opening === opening && (this.#users === 0 || !usable)) {
        this.#opening = undefined;
        opening.then((connection) => this.#connections.close(connection)).catch(() => {});
      }
    }
  }
}

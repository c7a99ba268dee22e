import type { Connection } from '../connection/connection.js';
import { untilAborted } from '../connection/until-aborted.js';

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

  get unused(): boolean {
    return this.#users === 0;
  }

  /** Runs work on it; when that fails or is given up, others get a new one. */
  async run<T>(like: Connection, signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
    this.#users++;
    this.#opening ??= this.#connections.open(like, signal);
    const opening = this.#opening;
    try {
      const connection = await untilAborted(opening, signal);
      return await untilAborted(
        connection.run(() => work(connection)),
        signal,
      );
    } finally {
      this.#users--;
      const usable = !signal.aborted && (await isUsable(opening));
      if (this.#opening === opening && (this.#users === 0 || !usable)) {
        this.#opening = undefined;
        // Whoever is still at it is cut off, and tries again on the next one.
        opening.then((connection) => this.#connections.close(connection)).catch(() => {});
      }
    }
  }
}

function isUsable(opening: Promise<Connection>): Promise<boolean> {
  return opening.then(
    (connection) => connection.usable,
    () => false,
  );
}

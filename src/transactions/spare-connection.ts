import { DeadlineError } from '../errors/connect.js';
import type { Connection } from '../session/connection.js';
import { withDeadline } from '../time/deadline.js';
import { inOwnContext } from '../time/own-context.js';
import { untilAborted } from '../time/until-aborted.js';

/** How a connection is made that does not count as one of the pool's. */
export interface SpareConnectionSource {
  /** Opens one for the same user and database as this one. */
  open(like: Connection, signal: AbortSignal): Promise<Connection>;
  close(connection: Connection): Promise<void>;
}

/** A connection that is open, or being opened, for as long as it has users. */
interface Spare {
  readonly key: string;
  readonly opening: Promise<Connection>;
  readonly unwanted: AbortController;
  users: number;
}

/**
 * Connections beside the pool's, one for each identity, open only while they are needed and shared by all who need them.
 * They are not the pool's, because their users hold one of the pool's already: they would wait for each other when all
 * are in use.
 */
export class SpareConnections {
  readonly #source: SpareConnectionSource;
  /** How long one piece of work may take, in milliseconds, its opening included. */
  readonly #timeout: number;
  /** The one of now for each identity. One that failed is not in here any more, and ends with its last user. */
  readonly #current = new Map<string, Spare>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #over = new AbortController();

  constructor(source: SpareConnectionSource, timeout: number) {
    this.#source = source;
    this.#timeout = timeout;
  }

  /** Aborted when the pool is shut down. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * Runs work on one; when that fails by the connection, the next user gets another one.
   * @throws DeadlineError, the reason of the signal or of the shutdown, and what opening and the work throw
   */
  async run<T>(
    step: string,
    like: Connection,
    signal: AbortSignal | undefined,
    work: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const running = withDeadline(step, this.#timeout, [signal, this.over], (limit) => this.#use(like, limit, work));
    const ended: Promise<unknown> = running.catch(() => {}).then(() => this.#running.delete(ended));
    this.#running.add(ended);
    return await running;
  }

  /** Keeps the connection open between several pieces of work. Returns the way to let go of it. */
  hold(like: Connection): () => void {
    const spare = this.#join(like);
    return () => this.#leave(spare);
  }

  /** Ends everything that is under way. */
  async end(reason: unknown): Promise<void> {
    this.#over.abort(reason);
    await Promise.all(this.#running);
  }

  async #use<T>(like: Connection, limit: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
    const spare = this.#join(like);
    try {
      const connection = await untilAborted(spare.opening, limit);
      return await untilAborted(
        connection.run(() => work(connection)),
        limit,
      );
    } catch (error) {
      // A caller that gives up by itself says nothing about the connection; one without an answer does.
      if (limit.reason instanceof DeadlineError || !(await isUsable(spare, limit))) this.#replace(spare);
      throw error;
    } finally {
      this.#leave(spare);
    }
  }

  #join(like: Connection): Spare {
    const { key } = like.identity;
    let spare = this.#current.get(key);
    if (spare === undefined) {
      const unwanted = new AbortController();
      const opening = inOwnContext(() => this.#source.open(like, unwanted.signal));
      spare = { key, unwanted, opening, users: 0 };
      spare.opening.catch(() => {});
      this.#current.set(key, spare);
    }
    spare.users++;
    return spare;
  }

  #leave(spare: Spare): void {
    spare.users--;
    if (spare.users > 0) return;
    this.#replace(spare);
    spare.unwanted.abort(new Error('the connection is not needed any more'));
    spare.opening.then((connection) => this.#source.close(connection)).catch(() => {});
  }

  /** Gives the next user another one; who is still at it goes on. */
  #replace(spare: Spare): void {
    if (this.#current.get(spare.key) === spare) this.#current.delete(spare.key);
  }
}

/** Of one that is still being opened nothing bad is known. */
async function isUsable(spare: Spare, limit: AbortSignal): Promise<boolean> {
  if (limit.aborted) return true;
  return await spare.opening.then(
    (connection) => connection.usable,
    () => false,
  );
}

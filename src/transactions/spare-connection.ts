import type { EndpointAddress } from '../endpoints/endpoint-address.js';
import { DeadlineError } from '../errors/connect.js';
import type { Connection } from '../session/connection.js';
import { withDeadline } from '../time/deadline.js';
import { inOwnContext } from '../time/own-context.js';
import { untilAborted } from '../time/until-aborted.js';

/** Opens connections that do not count towards the pool. */
export interface SpareConnectionSource {
  /** Where one may be opened, the best first; all lead to the same store. */
  endpoints(): readonly EndpointAddress[];
  /** Opens a connection for the same user and database as `like`. */
  open(like: Connection, endpoint: EndpointAddress, signal: AbortSignal): Promise<Connection>;
  close(connection: Connection): Promise<void>;
}

/** A connection that is open, or being opened, while it has users. */
interface Spare {
  readonly key: string;
  readonly opening: Promise<Connection>;
  readonly unwanted: AbortController;
  users: number;
}

/**
 * Connections beside the pool, one for each identity, open only while needed and shared by all that need one. They do
 * not come from the pool, because their users already hold a pooled connection and would wait for each other when all
 * are in use. An attempt that fails is followed by one at the next endpoint; that of a lost connection comes last.
 */
export class SpareConnections {
  readonly #source: SpareConnectionSource;
  /** How long one piece of work may take, in milliseconds, its opening included. */
  readonly #timeout: number;
  /** The present connection of each identity. A failed one is removed here, and closed with its last user. */
  readonly #current = new Map<string, Spare>();
  /** Where each identity was tried since it last got an answer. */
  readonly #tried = new Map<string, Set<string>>();
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

  /** At how many endpoints one may be opened. */
  get places(): number {
    return this.#source.endpoints().length;
  }

  /** Whether one may be opened at another endpoint than that of this connection. */
  mayBeElsewhere({ endpoint }: Connection): boolean {
    return this.#source.endpoints().some(({ url }) => url !== endpoint.url);
  }

  /**
   * Runs work on a spare connection. If the connection fails, the next user gets another one.
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

  /** Keeps the connection open between several pieces of work. Returns a function that ends this. */
  hold(like: Connection): () => void {
    const spare = this.#join(like);
    return () => this.#leave(spare);
  }

  /** Ends all work under way. */
  async end(reason: unknown): Promise<void> {
    this.#over.abort(reason);
    await Promise.all(this.#running);
  }

  async #use<T>(like: Connection, limit: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
    const spare = this.#join(like);
    try {
      const connection = await untilAborted(spare.opening, limit);
      const result = await untilAborted(
        connection.run(() => work(connection)),
        limit,
      );
      this.#tried.delete(spare.key);
      return result;
    } catch (error) {
      // A caller's own abort says nothing about the connection; a missing answer does.
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
      const opening = inOwnContext(() => this.#source.open(like, this.#nextEndpoint(like), unwanted.signal));
      spare = { key, unwanted, opening, users: 0 };
      spare.opening.catch(() => {});
      this.#current.set(key, spare);
    }
    spare.users++;
    return spare;
  }

  /** The best endpoint that was not tried yet; when all were, the best one again. */
  #nextEndpoint(like: Connection): EndpointAddress {
    const { key } = like.identity;
    const known = this.#source.endpoints();
    const isLost = ({ url }: EndpointAddress): boolean => !like.usable && url === like.endpoint.url;
    const inOrder = [...known.filter((endpoint) => !isLost(endpoint)), ...known.filter(isLost)];
    let tried = this.#tried.get(key) ?? new Set();
    let next = inOrder.find(({ url }) => !tried.has(url));
    if (next === undefined) {
      tried = new Set();
      next = inOrder[0] ?? like.endpoint;
    }
    this.#tried.set(key, tried.add(next.url));
    return next;
  }

  #leave(spare: Spare): void {
    spare.users--;
    if (spare.users > 0) return;
    this.#replace(spare);
    spare.unwanted.abort(new Error('the connection is not needed any more'));
    spare.opening.then((connection) => this.#source.close(connection)).catch(() => {});
  }

  /** Gives the next user another connection; present users go on. */
  #replace(spare: Spare): void {
    if (this.#current.get(spare.key) === spare) this.#current.delete(spare.key);
  }
}

/** A connection that is still being opened counts as usable. */
async function isUsable(spare: Spare, limit: AbortSignal): Promise<boolean> {
  if (limit.aborted) return true;
  return await spare.opening.then(
    (connection) => connection.usable,
    () => false,
  );
}

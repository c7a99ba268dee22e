import { BoundQuery, type Uuid } from 'surrealdb';
import { ConnectionLostError } from '../errors.js';
import type { DatabaseName } from './first-use.js';
import { SessionOrder } from './session-order.js';
import type { Transport } from './transport.js';

/** What a lease did to its session that the next lease must not see. */
export class SessionChanges {
  database = false;
  authentication = false;
  readonly variables: Set<string> = new Set();
  readonly liveQueries: Map<string, Uuid> = new Map();

  get none(): boolean {
    return !this.database && !this.authentication && this.variables.size === 0 && this.liveQueries.size === 0;
  }

  forget(): void {
    this.database = false;
    this.authentication = false;
    this.variables.clear();
    this.liveQueries.clear();
  }
}

interface Call {
  readonly fail: (error: Error) => void;
}

/** What the pool lends: one session on a transport, the calls in flight on it, and what was changed on it. */
export class Connection {
  readonly changes: SessionChanges = new SessionChanges();
  readonly order: SessionOrder = new SessionOrder();
  /** Ends the live iterators of the present lease, which would wait for ever on a session that is gone. */
  readonly liveIterators: Set<(error: Error) => void> = new Set();
  /** Cut off from its calls before its end: nothing is sent on it any more. */
  severed = false;
  readonly #calls = new Set<Call>();
  #onQuiet: (() => void) | undefined;

  constructor(
    readonly id: number,
    readonly transport: Transport,
    /** Replaced when its authentication was touched. */
    public session: Uuid,
    /** Where the session is when it is lent. */
    readonly home: DatabaseName,
  ) {}

  /** Whether it can carry a call. */
  get usable(): boolean {
    return !this.severed && !this.transport.ended;
  }

  /** Whether nothing is under way on it and nothing has to be undone. */
  get clean(): boolean {
    return this.#calls.size === 0 && this.changes.none;
  }

  /** Runs a call, which {@link Connection.cut | cut()} can end early for its caller. */
  run<T>(start: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const call: Call = { fail: reject };
      this.#calls.add(call);
      start()
        .then(resolve, reject)
        .finally(() => {
          this.#calls.delete(call);
          if (this.#calls.size === 0) this.#onQuiet?.();
        });
    });
  }

  /** Resolves when no call is in flight. */
  async quiet(): Promise<void> {
    if (this.#calls.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onQuiet = resolve;
      });
    }
  }

  /** Fails whatever is in flight: nobody waits for a connection that is closed. */
  cut(): void {
    this.severed = true;
    if (this.#calls.size > 0) {
      const error = new ConnectionLostError(
        `connection ${this.id} was closed while ${this.#calls.size} calls were under way; they may have been executed`,
        { outcome: 'unknown' },
      );
      for (const call of this.#calls) call.fail(error);
    }
    this.endLive(
      new ConnectionLostError(`connection ${this.id} was closed, and its live queries with it`, { outcome: 'unknown' }),
    );
  }

  endLive(error: Error): void {
    for (const end of [...this.liveIterators]) end(error);
  }

  /** Proves the socket, the session, its database (unless a lease moved it) and the storage behind it. */
  async probe(): Promise<void> {
    const turn = this.order.query();
    if (turn !== undefined) await turn;
    try {
      const query = new BoundQuery('RETURN session::db()');
      for await (const chunk of this.transport.query<unknown>(query, this.session)) {
        if (chunk.error !== undefined) throw chunk.error;
        const [database] = chunk.result ?? [];
        if (!this.changes.database && database !== this.home.database) {
          throw new Error(`the session is in database ${String(database)}, expected ${this.home.database}`);
        }
      }
    } finally {
      this.order.queryDone();
    }
  }
}

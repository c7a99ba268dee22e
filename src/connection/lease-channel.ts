import {
  type BoundQuery,
  type LiveMessage,
  type QueryChunk,
  type RetryOptions,
  ServerError,
  type Session,
  UnsupportedFeatureError,
  Uuid,
} from 'surrealdb';
import { messageOf } from '../error-message.js';
import {
  CallAbortedError,
  type CallOutcome,
  ConnectionLostError,
  IdentityLostError,
  QueryTimeoutError,
  UsageError,
} from '../errors.js';
import { onAbort } from '../on-abort.js';
import type { Lease } from '../pool/lease.js';
import { queryChannel, traced } from '../telemetry/channels.js';
import { explainByCause, isLostIdentity } from './classification.js';
import type { Connection } from './connection.js';
import { lossless } from './lossless.js';
import { conflictRetry, type Feature, type QueryChannel } from './query-channel.js';
import { refuseLoneStatement } from './statement-guard.js';
import type { Exchange } from './tapped-codec.js';

/** What a failed call says of itself when it was the server that refused it. */
const refused: { readonly outcome: CallOutcome } = { outcome: 'refused' };

/** What bounds every call of one lease. */
export interface CallLimits {
  /** How long a call may take, in milliseconds; 0 for ever. */
  readonly queryTimeout: number;
  /** Aborts the calls of the lease. */
  readonly signal?: AbortSignal | undefined;
  /** Ends a connection whose session may still be at a call nobody waits for any more. */
  sever(connection: Connection): void;
}

/**
 * What every SDK object of one lease goes through. It knows the lease: after its end nothing gets past here, whoever
 * kept it. It notes what has to be undone, and keeps queries and changes of the session in order.
 */
export class LeaseChannel implements QueryChannel {
  readonly retry: RetryOptions = conflictRetry;
  /** What the queries of the lease go through instead, while it is connected: the transaction that is open. */
  inside: QueryChannel | undefined;
  readonly #lease: Lease<Connection>;
  readonly #pool: string;
  readonly #limits: CallLimits;

  constructor(lease: Lease<Connection>, pool: string, limits: CallLimits) {
    this.#lease = lease;
    this.#pool = pool;
    this.#limits = limits;
  }

  /** The connection, while the lease goes on and its transport lives. */
  get connection(): Connection {
    const connection = this.#lease.resource;
    if (!connection.usable) {
      throw new ConnectionLostError(`connection ${connection.id} is gone; release it and acquire another one`, {
        outcome: 'not-sent',
      });
    }
    return connection;
  }

  get status(): 'connected' | 'disconnected' {
    return this.#lease.active && this.#lease.resource.usable ? 'connected' : 'disconnected';
  }

  async ready(): Promise<void> {
    this.connection;
  }

  /** A channel of the same lease whose calls are aborted by another signal. */
  bounded(signal: AbortSignal): LeaseChannel {
    return new LeaseChannel(this.#lease, this.#pool, { ...this.#limits, signal });
  }

  /** A channel of the same lease whose calls may take as long as several. */
  patient(calls: number): LeaseChannel {
    return new LeaseChannel(this.#lease, this.#pool, {
      ...this.#limits,
      queryTimeout: this.#limits.queryTimeout * calls,
    });
  }

  /** The signal that aborts the calls of the lease. */
  get signal(): AbortSignal | undefined {
    return this.#limits.signal;
  }

  /** Has the connection closed at the end of the lease. */
  discard(): void {
    this.#lease.markForRecycling();
  }

  /** @param show is shown the request and its reply, as they are on the wire */
  async *query<T>(
    query: BoundQuery,
    session: Session,
    transaction?: Uuid,
    show?: (exchange: Exchange) => void,
  ): AsyncIterable<QueryChunk<T>> {
    const connection = this.connection;
    if (transaction === undefined && this.inside?.status === 'connected') {
      yield* this.inside.query<T>(query, session);
      return;
    }
    refuseLoneStatement(query);
    // The whole answer comes in one message. It is read to its end here, whatever its reader does with it: what a LIVE
    // in it began has to be undone even when an error before it is all that the reader sees.
    const ask = async (): Promise<QueryChunk<T>[]> => {
      const chunks: QueryChunk<T>[] = [];
      const { transport, session: own } = connection;
      const answer =
        show === undefined
          ? transport.query<T>(query, own, transaction)
          : transport.tappedQuery<T>(query, own, transaction, show);
      for await (const chunk of answer) {
        this.#note(connection, chunk);
        chunks.push(chunk);
      }
      explainByCause(chunks.map(({ error }) => error));
      return chunks;
    };
    const trace = () => ({
      pool: this.#pool,
      connection: connection.id,
      namespace: connection.identity.namespace,
      database: connection.identity.database,
      text: query.query,
    });
    yield* await traced(queryChannel, trace, () => this.beside(ask));
  }

  /** Runs a call that leaves the state of the session alone: beside the others, in the turn of a query. */
  async beside<T>(call: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.connection;
    return await this.#run(connection, async (sending) => {
      const signingIn = connection.staySignedIn();
      if (signingIn !== undefined) await signingIn;
      const turn = connection.order.query();
      if (turn !== undefined) await turn;
      try {
        sending();
        // The turn may have come after the lease's end.
        return await call(this.connection);
      } finally {
        connection.order.queryDone();
      }
    });
  }

  /** What others do, for as long as the lease and its connection go on. */
  async whileLent<T>(work: Promise<T>): Promise<T> {
    const { dependents } = this.connection;
    const { signal } = this.#limits;
    return await new Promise((resolve, reject) => {
      const onSignal = (): void =>
        reject(
          new CallAbortedError('a call was aborted by its signal', { outcome: 'not-sent', cause: signal?.reason }),
        );
      const forgetSignal = signal === undefined ? undefined : onAbort(signal, onSignal);
      dependents.add(reject);
      work.then(resolve, reject).finally(() => {
        dependents.delete(reject);
        forgetSignal?.();
      });
    });
  }

  async *liveQuery(id: Uuid): AsyncIterable<LiveMessage> {
    const connection = this.connection;
    const messages = lossless(connection.transport.liveQuery(id)[Symbol.asyncIterator]());
    try {
      for (let message = await messages.next(); message.done !== true; message = await messages.next()) {
        if (message.value.action === 'KILLED') connection.changes.liveQueries.delete(id.toString());
        yield message.value;
      }
    } finally {
      await messages.return?.();
    }
  }

  /** Changes the state of the session (its database, variables or user): in its turn, alone. */
  async change<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.connection;
    if (this.inside?.status === 'connected') {
      throw new UsageError(
        'the database, user and variables of a connection stay as they are while a transaction is open on it: commit it or roll it back first',
      );
    }
    return await this.#run(connection, async (sending) => {
      const signingIn = connection.staySignedIn();
      if (signingIn !== undefined) await signingIn;
      return await connection.order.change(() => {
        sending();
        return work(this.connection);
      });
    });
  }

  /** Runs a call. One that finds out that the session is nobody's any more ends the connection with the lease. */
  async #run<T>(connection: Connection, call: (sending: () => void) => Promise<T>): Promise<T> {
    try {
      return await this.#limited(connection, call);
    } catch (error) {
      if (error instanceof ServerError) Object.assign(error, refused);
      const isLost = error instanceof IdentityLostError;
      const wasOurs = connection.identity.signIn !== undefined && !connection.changes.authentication;
      if (!isLost && !(wasOurs && isLostIdentity(error))) throw error;
      this.#lease.markForRecycling('signed-out');
      if (isLost) throw error;
      throw new IdentityLostError(`the session of connection ${connection.id} is over: ${messageOf(error)}`, {
        outcome: 'refused',
        cause: error,
      });
    }
  }

  /** Runs a call within the limits of the lease. A call that was sent and given up ends its connection. */
  #limited<T>(connection: Connection, call: (sending: () => void) => Promise<T>): Promise<T> {
    const { queryTimeout, signal } = this.#limits;
    if (queryTimeout === 0 && signal === undefined) return connection.run(() => call(() => {}));
    return new Promise((resolve, reject) => {
      let sent = false;
      let over = false;
      let forgetSignal: (() => void) | undefined;
      const end = (settle: () => void): void => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        forgetSignal?.();
        settle();
      };
      const giveUp = (error: CallAbortedError | QueryTimeoutError): void => {
        end(() => reject(error));
        if (!sent) return;
        this.#lease.markForRecycling('cut-off');
        this.#limits.sever(connection);
      };
      const outcome = (): { outcome: 'not-sent' | 'unknown' } => ({ outcome: sent ? 'unknown' : 'not-sent' });
      const onTimeout = (): void =>
        giveUp(new QueryTimeoutError(`a call took longer than queryTimeout (${queryTimeout} ms)`, outcome()));
      const onSignal = (): void =>
        giveUp(new CallAbortedError('a call was aborted by its signal', { ...outcome(), cause: signal?.reason }));
      const timer = queryTimeout === 0 ? undefined : setTimeout(onTimeout, queryTimeout);
      if (signal !== undefined) forgetSignal = onAbort(signal, onSignal);
      if (over) return;
      const sending = (): void => {
        // Given up while it waited for its turn: it is not sent any more.
        if (over) throw new ConnectionLostError('the call was given up before it was sent', { outcome: 'not-sent' });
        sent = true;
      };
      connection
        .run(() => call(sending))
        .then(
          (value) => end(() => resolve(value)),
          (error) => end(() => reject(error)),
        );
    });
  }

  assertFeature(feature: Feature): void {
    if (!this.connection.transport.protocol.features.has(feature)) throw new UnsupportedFeatureError(feature);
  }

  hasSession(): boolean {
    return this.#lease.active;
  }

  /** The SDK asks to be told of reconnects here; a pooled connection never comes back, it is replaced. */
  subscribe(): () => void {
    return () => {};
  }

  /** What comes here was thrown to the caller as well. */
  propagateError(): void {}

  #note(connection: Connection, chunk: QueryChunk<unknown>): void {
    // What a server refuses says so itself, like every other failed call.
    if (chunk.error !== undefined) Object.assign(chunk.error, refused);
    const [id] = chunk.type === 'live' ? (chunk.result ?? []) : [];
    if (id instanceof Uuid) connection.changes.liveQueries.set(id.toString(), id);
  }
}

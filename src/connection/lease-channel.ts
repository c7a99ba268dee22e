import {
  type BoundQuery,
  type LiveMessage,
  type QueryChunk,
  type RetryOptions,
  type Session,
  UnsupportedFeatureError,
  Uuid,
} from 'surrealdb';
import { ConnectionLostError } from '../errors.js';
import type { Lease } from '../pool/lease.js';
import { queryChannel, traced } from '../telemetry/channels.js';
import type { Connection } from './connection.js';
import { conflictRetry, type Feature, type QueryChannel } from './query-channel.js';
import { refuseLoneStatement } from './statement-guard.js';

/**
 * What every SDK object of one lease goes through. It knows the lease: after its end nothing gets past here, whoever
 * kept it. It notes what has to be undone, and keeps queries and changes of the session in order.
 */
export class LeaseChannel implements QueryChannel {
  readonly retry: RetryOptions = conflictRetry;
  readonly #lease: Lease<Connection>;
  readonly #pool: string;

  constructor(lease: Lease<Connection>, pool: string) {
    this.#lease = lease;
    this.#pool = pool;
  }

  /** The connection, while the lease goes on and its transport lives. */
  get connection(): Connection {
    const connection = this.#lease.resource;
    if (connection.transport.ended) {
      throw new ConnectionLostError(`connection ${connection.id} is gone; release it and acquire another one`, {
        outcome: 'not-sent',
      });
    }
    return connection;
  }

  get status(): 'connected' | 'disconnected' {
    return this.#lease.active && !this.#lease.resource.transport.ended ? 'connected' : 'disconnected';
  }

  async ready(): Promise<void> {
    this.connection;
  }

  async *query<T>(query: BoundQuery, _session: Session, transaction?: Uuid): AsyncIterable<QueryChunk<T>> {
    const connection = this.connection;
    refuseLoneStatement(query);
    let replies: AsyncIterator<QueryChunk<T>> | undefined;
    const ask = async (): Promise<IteratorResult<QueryChunk<T>>> => {
      const turn = connection.order.query();
      if (turn !== undefined) await turn;
      try {
        // The turn may have come after the lease's end.
        replies = this.connection.transport.query<T>(query, connection.session, transaction)[Symbol.asyncIterator]();
        return await replies.next();
      } finally {
        connection.order.queryDone();
      }
    };
    const trace = () => ({
      pool: this.#pool,
      connection: connection.id,
      namespace: connection.home.namespace,
      database: connection.home.database,
      text: query.query,
    });
    // The whole answer comes in one message: with its first part the call is over for the connection.
    let reply = await traced(queryChannel, trace, () => connection.run(ask));
    while (reply.done !== true && replies !== undefined) {
      this.#note(connection, reply.value);
      yield reply.value;
      reply = await replies.next();
    }
  }

  async *liveQuery(id: Uuid): AsyncIterable<LiveMessage> {
    const connection = this.connection;
    for await (const message of connection.transport.liveQuery(id)) {
      if (message.action === 'KILLED') connection.changes.liveQueries.delete(id.toString());
      yield message;
    }
  }

  /** Changes the state of the session (its database, variables or user): in its turn, alone. */
  async change<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.connection;
    return await connection.run(() => connection.order.change(() => work(this.connection)));
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
    const [id] = chunk.type === 'live' ? (chunk.result ?? []) : [];
    if (id instanceof Uuid) connection.changes.liveQueries.set(id.toString(), id);
  }
}

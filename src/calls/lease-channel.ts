import {
  type BoundQuery,
  type LiveMessage,
  type QueryChunk,
  type RetryOptions,
  ServerError,
  type Session,
  UnsupportedFeatureError,
  type Uuid,
} from 'surrealdb';
import { CallAbortedError, ConnectionLostError, IdentityLostError } from '../errors/call.js';
import { messageOf } from '../errors/error-message.js';
import { isLostIdentity } from '../errors/server-errors.js';
import type { Lease } from '../pool/lease.js';
import type { Connection } from '../session/connection.js';
import { refuseStatements } from '../surrealql/refused-statements.js';
import { queryChannel, traced } from '../telemetry/channels.js';
import { onAbort } from '../time/on-abort.js';
import { type Answer, Call, Request, refused } from './call.js';
import { type CallLimits, withinLimits } from './limits.js';
import { lossless } from './lossless.js';
import { type Layer, type Next, pipeline } from './pipeline.js';
import { conflictRetry, type Feature, type QueryChannel } from './query-channel.js';

/** A layer that does not look at what is asked, nor at what is answered. */
type RequestLayer = Layer<Request<unknown>, unknown>;

/**
 * What every SDK object of one lease goes through. It knows the lease: after its end nothing gets past here, whatever
 * was kept of it. A call goes through these layers:
 *
 *     query      guarded ▸ retiresByAnswer ▸ traced ▸ ┐
 *     request                                         └▸ retires ▸ keepsIdentity ▸ limited ▸ signedIn ▸ inTurn ▸ wire
 *     change                                             retires ▸ keepsIdentity ▸ limited ▸ signedIn ▸ alone  ▸ wire
 *
 * The two that retire are there only when the pool has a `retireOn`.
 */
export class LeaseChannel implements QueryChannel {
  readonly retry: RetryOptions = conflictRetry;
  readonly #lease: Lease<Connection>;
  readonly #pool: string;
  readonly #limits: CallLimits;
  readonly #query: Next<Call, Answer>;
  readonly #call: Next<Call, Answer>;
  readonly #request: Next<Request<unknown>, unknown>;
  readonly #change: Next<Request<unknown>, unknown>;

  constructor(lease: Lease<Connection>, pool: string, limits: CallLimits) {
    this.#lease = lease;
    this.#pool = pool;
    this.#limits = limits;
    const wire: Next<Request<unknown>, unknown> = (request) => request.send(this.connection);
    const retiring = limits.retireOn !== undefined;
    const before = [...(retiring ? [this.#retires] : []), this.#keepsIdentity, this.#limited, this.#signedIn];
    this.#request = pipeline([...before, this.#inTurn], wire);
    this.#change = pipeline([...before, this.#alone], wire);
    this.#call = pipeline(retiring ? [this.#retiresByAnswer, this.#traced] : [this.#traced], (call) =>
      this.request(call),
    );
    this.#query = pipeline([guarded], this.#call);
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
  withSignal(signal: AbortSignal): LeaseChannel {
    return new LeaseChannel(this.#lease, this.#pool, { ...this.#limits, signal });
  }

  /** The signal that aborts the calls of the lease. */
  get signal(): AbortSignal | undefined {
    return this.#limits.signal;
  }

  /** Has the connection closed at the end of the lease. */
  discard(): void {
    this.#lease.markForRecycling();
  }

  async *query<T>(query: BoundQuery, _session: Session): AsyncIterable<QueryChunk<T>> {
    yield* (await this.#query(Call.of(query))) as QueryChunk<T>[];
  }

  /** Sends a query that has passed its guards already. */
  send(call: Call): Promise<Answer> {
    return this.#call(call);
  }

  /** Sends something of the pool's own that leaves the state of the session alone: beside the others. */
  request<T>(request: Request<T>): Promise<T> {
    // The layers hand on the answer of the request as it is.
    return this.#request(request as Request<unknown>) as Promise<T>;
  }

  /** The same, by what sends it. */
  ask<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.request(new Request(work));
  }

  /** Changes the state of the session (its database, variables or user): in its turn, alone. */
  change<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#change(new Request<unknown>(work)) as Promise<T>;
  }

  /** Waits for something that others do, for as long as the lease and its connection go on. */
  async waitWithLease<T>(work: Promise<T>): Promise<T> {
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
        if (message.value.action === 'KILLED') connection.liveQueryEnded(id);
        yield message.value;
      }
    } finally {
      await messages.return?.();
    }
  }

  assertFeature(feature: Feature): void {
    if (!this.connection.transport.supports(feature)) throw new UnsupportedFeatureError(feature);
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

  readonly #traced: Layer<Call, Answer> = (call, next) => {
    const { id, identity } = this.connection;
    const { namespace, database } = identity;
    const trace = () => ({ pool: this.#pool, connection: id, namespace, database, text: call.text });
    return traced(queryChannel, trace, () => next(call));
  };

  /** A call that fails as `retireOn` says has its connection closed at the release. */
  readonly #retires: RequestLayer = async (request, next) => {
    try {
      return await next(request);
    } catch (error) {
      this.#judge(error);
      throw error;
    }
  };

  /** The same for statements that the server refused, which fail in the answer of their call. */
  readonly #retiresByAnswer: Layer<Call, Answer> = async (call, next) => {
    const answer = await next(call);
    for (const { error } of answer) if (error !== undefined) this.#judge(error);
    return answer;
  };

  #judge(failure: unknown): void {
    try {
      if (this.#limits.retireOn?.(failure) === true) this.#lease.markForRecycling();
    } catch (error) {
      process.emitWarning(`retireOn threw: ${messageOf(error)}`, 'SurrealPoolWarning');
    }
  }

  /** If the session turns out to be signed out, its connection is closed at the release. */
  readonly #keepsIdentity: RequestLayer = async (request, next) => {
    const { connection } = this;
    try {
      return await next(request);
    } catch (error) {
      if (error instanceof ServerError) Object.assign(error, refused);
      const isLost = error instanceof IdentityLostError;
      if (!isLost && !(connection.isItsIdentity && isLostIdentity(error))) throw error;
      this.#lease.markForRecycling('signed-out');
      if (isLost) throw error;
      throw new IdentityLostError(`the session of connection ${connection.id} is over: ${messageOf(error)}`, {
        outcome: 'refused',
        cause: error,
      });
    }
  };

  readonly #limited: RequestLayer = (request, next) =>
    withinLimits(request, () => next(request), this.#lease, this.#limits);

  readonly #signedIn: RequestLayer = async (request, next) => {
    const signingIn = this.connection.staySignedIn();
    if (signingIn !== undefined) await signingIn;
    return await next(request);
  };

  /** Beside other queries, and never beside a change of the session. */
  readonly #inTurn: RequestLayer = async (request, next) => {
    const { order } = this.connection;
    const turn = order.query();
    if (turn !== undefined) await turn;
    try {
      // The turn may come after the end of the lease: `wire` finds that out.
      return await next(request);
    } finally {
      order.queryDone();
    }
  };

  readonly #alone: RequestLayer = (request, next) => this.connection.order.change(() => next(request));
}

/** Refuses a text that does nothing lasting by itself. */
const guarded: Layer<Call, Answer> = async (call, next) => {
  refuseStatements(call.surrealText, 'session');
  return await next(call);
};

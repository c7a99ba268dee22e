import {
  type BoundQuery,
  type LiveMessage,
  type QueryChunk,
  type RetryOptions,
  ServerError,
  type Session,
  UnsupportedFeatureError,
  type Uuid,
  type VersionInfo,
} from 'surrealdb';
import type { Asked as WhatWasAsked } from '../errors/asked.js';
import { CallAbortedError, ConnectionLostError, IdentityLostError } from '../errors/call.js';
import { messageOf } from '../errors/error-message.js';
import { forCaller } from '../errors/for-caller.js';
import { isLostIdentity, isShuttingDown } from '../errors/server-errors.js';
import type { Lease } from '../pool/lease.js';
import type { Connection } from '../session/connection.js';
import { withoutAdded } from '../surrealql/mended-text.js';
import { refuseStatements } from '../surrealql/refused-statements.js';
import { shownStatement } from '../surrealql/shown-statement.js';
import { type QueryTrace, queryChannel, traceOf } from '../telemetry/channels.js';
import type { QueryJournal } from '../telemetry/query-journal.js';
import { contextOf } from '../telemetry/trace-context.js';
import { traceWork } from '../telemetry/trace-work.js';
import { onAbort } from '../time/on-abort.js';
import { type Answer, failureIn } from '../wire/answer.js';
import type { ExportContent } from '../wire/export-requests.js';
import { Call, type Message, Request, refused } from './call.js';
import { Chunks } from './chunks.js';
import { exportPermit } from './export-permit.js';
import { exportWithLease } from './exports.js';
import { admitted, type Ledger, settled } from './ledger.js';
import { type CallLimits, limitsWith, withinLimits } from './limits.js';
import { lossless } from './lossless.js';
import { ParkableLease } from './parkable-lease.js';
import { type Layer, type Next, pipeline } from './pipeline.js';
import { conflictRetry, type Feature, type QueryChannel } from './query-channel.js';
import { retires, retiresByAnswer } from './retire-on.js';

/** A lease as its channel uses it: one that the pool gave, or one that may be without a connection for a while. */
export type HeldLease = Lease<Connection> | ParkableLease;

/** A request and the channel of its lease. */
interface Asked<R extends Request<unknown>> {
  readonly channel: LeaseChannel;
  readonly request: R;
  /** The message it shares with other calls; undefined when it goes alone. */
  readonly message?: Message | undefined;
}

/** A layer that reads neither the request nor its answer. */
type RequestLayer = Layer<Asked<Request<unknown>>, unknown>;
type CallLayer = Layer<Asked<Call>, Answer>;

/** The first error among the answers to the caller's own statements: what the pool adds may end with an error, and is no failure. */
function ownFailure({ details: { added } }: Call, answer: Answer): Error | undefined {
  return failureIn(added === undefined ? answer : withoutAdded(answer, added));
}

/** The composed layers. All leases share them, so that a lease with few calls costs little. */
interface Ways {
  readonly query: Next<Asked<Call>, Answer>;
  /** A query whose caller has a ledger. */
  readonly admitted: Next<Asked<Call>, Answer>;
  readonly call: Next<Asked<Call>, Answer>;
  readonly request: Next<Asked<Request<unknown>>, unknown>;
  readonly change: Next<Asked<Request<unknown>>, unknown>;
}

/**
 * The channel of every SDK object of one lease. After the end of the lease it refuses every call, also of objects the
 * caller kept. A call goes through these layers:
 *
 *     query      guarded ▸ admitted ▸ held ▸ retiresByAnswer ▸ counted ▸ traced ▸ ┐
 *     request                                                      held ▸           └▸ retires ▸ discards ▸ limited ▸ signedIn ▸ inTurn ▸ wire
 *     change                                                       held ▸              retires ▸ discards ▸ limited ▸ signedIn ▸ alone  ▸ wire
 *
 * The two retiring layers exist only when the pool has a `retireOn`, `admitted` only when the caller has a ledger, and
 * `held` only for a parkable lease.
 */
export class LeaseChannel implements QueryChannel {
  readonly retry: RetryOptions = conflictRetry;
  readonly #lease: HeldLease;
  /** The same lease, if it is parkable. */
  readonly #parkable: ParkableLease | undefined;
  readonly #journal: QueryJournal;
  readonly #limits: CallLimits;
  readonly #ways: Ways;

  constructor(lease: HeldLease, journal: QueryJournal, limits: CallLimits) {
    this.#lease = lease;
    this.#parkable = lease instanceof ParkableLease ? lease : undefined;
    this.#journal = journal;
    this.#limits = limits;
    const kinds = this.#parkable === undefined ? LeaseChannel.#usual : LeaseChannel.#parking;
    this.#ways = limits.retireOn === undefined ? kinds.plain : kinds.retiring;
  }

  /** The connection. Throws when the lease has ended or the connection is lost. */
  get connection(): Connection {
    const connection = this.#lease.resource;
    if (!connection.usable) {
      throw new ConnectionLostError(`connection ${connection.id} was lost; release it and acquire another one`, {
        outcome: 'not-sent',
      });
    }
    return connection;
  }

  /** Throws as {@link connection} does, but not for a parked lease, which takes one for its next call. */
  assertUsable(): void {
    if (this.#parkable?.isParked !== true) this.connection;
  }

  get status(): 'connected' | 'disconnected' {
    const { active, present } = this.#lease;
    return active && present?.usable !== false ? 'connected' : 'disconnected';
  }

  async ready(): Promise<void> {
    try {
      // The SDK asks for features next, which depend on the connection.
      if (this.#parkable?.isParked === true) await this.#parkable.during(async () => {});
      this.connection;
    } catch (error) {
      throw await forCaller(error, () => this.asked());
    }
  }

  /**
   * Runs work of several calls: a parkable lease has a connection from its beginning to its end.
   * @param signal ends the wait for that connection
   * @throws what the work does; for a parked lease also what an acquire does, and the reason of the signal
   */
  during<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#parkable === undefined ? work() : this.#parkable.during(work, signal);
  }

  /** What a failed call asked for. */
  asked(statement?: string, transaction?: number): WhatWasAsked {
    const lease = this.#lease;
    const connection = lease.present;
    return {
      pool: this.#journal.label.name,
      ...(statement === undefined ? {} : { statement: shownStatement(statement) }),
      connection: lease.id,
      ...(transaction === undefined ? {} : { transaction }),
      ...(connection && {
        namespace: connection.database.namespace,
        database: connection.database.database,
        user: connection.user,
      }),
    };
  }

  /** A channel of the same lease with another signal for its calls. */
  withSignal(signal: AbortSignal): LeaseChannel {
    return new LeaseChannel(this.#lease, this.#journal, limitsWith(this.#limits, signal));
  }

  /** What admits the calls of the lease, if its caller has limits of its own. */
  get ledger(): Ledger | undefined {
    return this.#limits.ledger;
  }

  /** The signal that aborts the calls of the lease. */
  get signal(): AbortSignal | undefined {
    return this.#limits.signal;
  }

  /** The lease under a call: while one runs, a parkable lease has one. */
  get #presentLease(): Lease<Connection> {
    return (this.#parkable === undefined ? this.#lease : this.#parkable.current) as Lease<Connection>;
  }

  /** Which failures of calls close the connection at its release; undefined when the pool has no `retireOn`. */
  get retireOn(): CallLimits['retireOn'] {
    return this.#limits.retireOn;
  }

  /** An export that ends with the lease. */
  async exportSql(content: ExportContent): Promise<Response> {
    return await settled(this.ledger?.admitOther('export'), this.#export(content));
  }

  async #export(content: ExportContent): Promise<Response> {
    const permit = await exportPermit(this, content);
    return await exportWithLease(permit, this.#limits, this.connection.dependents);
  }

  /** The version of the server. */
  async version(): Promise<VersionInfo> {
    return { version: await this.ask(({ transport }) => transport.version()) };
  }

  /** Marks the connection to be closed at the end of the lease. */
  discard(): void {
    this.#lease.markForRecycling();
  }

  query<T>(query: BoundQuery, _session: Session): AsyncIterable<QueryChunk<T>> {
    return new Chunks(
      () => this.#ask({ channel: this, request: Call.of(query, this.ledger?.judgesValues) }),
      () => this.asked(query.query),
    );
  }

  #ask(asked: Asked<Call>): Promise<Answer> {
    return this.#limits.ledger === undefined ? this.#ways.query(asked) : this.#ways.admitted(asked);
  }

  /**
   * Sends a query that has already passed its guards.
   * @param message the message it shares with other calls
   */
  send(call: Call, message?: Message): Promise<Answer> {
    return this.#ways.call({ channel: this, request: call, message });
  }

  /** Sends a request of the pool itself that does not change the state of the session, beside other calls. */
  request<T>(request: Request<T>): Promise<T> {
    // The layers pass on the answer of the request unchanged.
    return this.#ways.request({ channel: this, request: request as Request<unknown> }) as Promise<T>;
  }

  /** The same, given a function that sends it. */
  ask<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.request(new Request(work));
  }

  /** Changes the state of the session (its database, variables or user), in its turn and alone. */
  change<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#ways.change({ channel: this, request: new Request<unknown>(work) }) as Promise<T>;
  }

  /** Waits for work done elsewhere, while the lease and its connection last. */
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

  /** The SDK subscribes to reconnects here; a pooled connection never reconnects, it is replaced. */
  subscribe(): () => void {
    return () => {};
  }

  /** The SDK reports errors here that the caller gets too. */
  propagateError(): void {}

  /** Refuses a text that would have no effect by itself. */
  static readonly #guarded: CallLayer = async (asked, next) => {
    refuseStatements(asked.request.surrealText, 'session');
    return await next(asked);
  };

  /** Asks the ledger before anything is sent, and tells it how the call ended. */
  static readonly #admitted: CallLayer = async (asked, next) => {
    const { channel, request } = asked;
    const { ledger } = channel;
    if (ledger === undefined) return await next(asked);
    // Throws first if the lease has ended: then there is no call to count.
    channel.assertUsable();
    return await admitted(ledger, request, false, (call, { instead }) =>
      instead === undefined ? next({ ...asked, request: call }) : channel.during(() => instead(call, channel)),
    );
  };

  static readonly #counted: CallLayer = async (asked, next) => {
    const { channel, request } = asked;
    // Throws first if the connection is gone: then there is no call to count, nor to trace.
    const { connection } = channel;
    const journal = channel.#journal;
    connection.asked(channel.#presentLease, request.text);
    const began = journal.begin();
    try {
      const answer = await next(asked);
      journal.ended(connection.id, request.text, began, ownFailure(request, answer));
      return answer;
    } catch (error) {
      journal.ended(connection.id, request.text, began, error);
      throw error;
    }
  };

  static readonly #traced: CallLayer = (asked, next) => {
    if (!queryChannel.hasSubscribers) return next(asked);
    const { channel, request } = asked;
    const { id, database: place, endpoint } = channel.connection;
    const { pool, poolId, serverAddress, serverPort } = traceOf(channel.#journal.label, endpoint);
    // Written out: spreading costs several microseconds.
    const trace: QueryTrace = {
      pool,
      poolId,
      serverAddress,
      serverPort,
      connection: id,
      lease: channel.#presentLease.acquire,
      transaction: request.details.inTransaction,
      namespace: place.namespace,
      database: place.database,
      text: request.text,
    };
    const send = (): Promise<Answer> => {
      const traceContext = contextOf(trace);
      return next(traceContext === undefined ? asked : { ...asked, request: request.with({ traceContext }) });
    };
    // A statement that failed is published as the failure of its query; its answer is given all the same.
    return traceWork(queryChannel, trace, send, (answer) => answer && ownFailure(request, answer));
  };

  /**
   * If the session turns out to be signed out, or the server says that it is shutting down or has no room, the connection
   * is closed at the release.
   */
  static readonly #discards: RequestLayer = async (asked, next) => {
    const { channel } = asked;
    const { connection } = channel;
    try {
      return await next(asked);
    } catch (error) {
      if (error instanceof ServerError) Object.assign(error, refused);
      if (isShuttingDown(error)) channel.#lease.markForRecycling('leaving');
      const isLost = error instanceof IdentityLostError;
      if (!isLost && !(connection.isItsIdentity && isLostIdentity(error))) throw error;
      channel.#lease.markForRecycling('signed-out');
      if (isLost) throw error;
      throw new IdentityLostError(`the session of connection ${connection.id} is over: ${messageOf(error)}`, {
        outcome: 'refused',
        cause: error,
      });
    }
  };

  static readonly #limited: RequestLayer = (asked, next) => {
    const { channel } = asked;
    return withinLimits(asked.request, () => next(asked), channel.#presentLease, channel.#limits);
  };

  /** A parked lease takes a connection first, and keeps it during the call. */
  static #held<A extends Asked<Request<unknown>>, T>(next: Next<A, T>): Next<A, T> {
    return (asked) => asked.channel.during(() => next(asked));
  }

  static readonly #signedIn: RequestLayer = (asked, next) => {
    const signingIn = asked.channel.connection.staySignedIn();
    return signingIn === undefined ? next(asked) : signingIn.then(() => next(asked));
  };

  /** Runs beside other queries, but never beside a change of the session. */
  static readonly #inTurn: RequestLayer = async (asked, next) => {
    const { order } = asked.channel.connection;
    const turn = order.query();
    if (turn !== undefined) await turn;
    try {
      // The turn may come after the end of the lease, which `wire` detects.
      return await next(asked);
    } finally {
      order.queryDone();
    }
  };

  static readonly #alone: RequestLayer = (asked, next) => asked.channel.connection.order.change(() => next(asked));

  static #layers(retiring: boolean, parking: boolean): Ways {
    const wire: Ways['request'] = ({ channel, request, message }) => request.send(channel.connection, message);
    const first = retiring ? [retires] : [];
    const before = [...first, LeaseChannel.#discards, LeaseChannel.#limited, LeaseChannel.#signedIn];
    const request = pipeline([...before, LeaseChannel.#inTurn], wire);
    const change = pipeline([...before, LeaseChannel.#alone], wire);
    const call = pipeline(
      [...(retiring ? [retiresByAnswer] : []), LeaseChannel.#counted, LeaseChannel.#traced],
      // The layers pass on the answer of the request unchanged.
      (asked: Asked<Call>) => request(asked) as Promise<Answer>,
    );
    const way = <A extends Asked<Request<unknown>>, T>(next: Next<A, T>): Next<A, T> =>
      parking ? LeaseChannel.#held(next) : next;
    return {
      query: pipeline([LeaseChannel.#guarded], way(call)),
      admitted: pipeline([LeaseChannel.#guarded, LeaseChannel.#admitted], way(call)),
      call: way(call),
      request: way(request),
      change: way(change),
    };
  }

  static readonly #usual = { plain: LeaseChannel.#layers(false, false), retiring: LeaseChannel.#layers(true, false) };
  static readonly #parking = { plain: LeaseChannel.#layers(false, true), retiring: LeaseChannel.#layers(true, true) };
}

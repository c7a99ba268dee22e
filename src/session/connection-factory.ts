import { BoundQuery, type Uuid } from 'surrealdb';
import { isServer, withoutQuery } from '../config/address.js';
import type { ResolvedConfig } from '../config/options.js';
import type { EndpointAddress } from '../endpoints/endpoint-address.js';
import { ConnectionLostError } from '../errors/call.js';
import { ConfigurationError } from '../errors/configuration.js';
import { ConnectError } from '../errors/connect.js';
import { CredentialsFailure } from '../errors/credentials-failure.js';
import { EndpointMismatchError } from '../errors/endpoint.js';
import { messageOf } from '../errors/error-message.js';
import { isAnswer, isIllness, isLeaving, isRefusedForGood } from '../errors/server-errors.js';
import type { OpenContext, ResourceFactory } from '../pool/contract.js';
import { connectChannel, traced, traceOf } from '../telemetry/channels.js';
import type { PoolLabel } from '../telemetry/pool-label.js';
import { toldToStop, withDeadline } from '../time/deadline.js';
import { onAbort } from '../time/on-abort.js';
import { untilAborted } from '../time/until-aborted.js';
import { Transports } from '../wire/shared-transports.js';
import { type Transport, TransportFullError } from '../wire/transport.js';
import { Connection } from './connection.js';
import { FirstUse } from './first-use.js';
import { type ConnectionIdentity, Identities } from './identity.js';
import { SameStore } from './same-store.js';
import { refusedCredentials, Sessions, shareOfCredentials } from './sessions.js';
import { TokenRenewal } from './token-renewal.js';

/** How many messages may be in flight on a connection, unless configured or the server works better with one. */
const usualPipelining = 8;

/** The listeners of a factory. */
export interface FactoryListeners {
  /** Called after each renewal of a token; `error` is undefined on success. */
  renewed(error: unknown): void;
  /** Called once, when the caller creates a new credentials function for each request. */
  manyFunctions(): void;
  /** Called once, when a server is used although its store cannot be compared with that of the others. */
  storeNotCompared(endpoint: string): void;
  /** Called when the only server that is connected has another store than before. */
  storeReplaced(endpoint: string): void;
}

/** Opens, changes, probes, resets and closes the connections of one pool. */
export class ConnectionFactory implements ResourceFactory<Connection, ConnectionIdentity> {
  readonly identities: Identities;
  readonly #pool: PoolLabel;
  readonly #transports: Transports;
  readonly #sessions: Sessions;
  readonly #renewal: TokenRenewal;
  readonly #store: SameStore;
  /** 0: as many as suit the server version. */
  readonly #pipelining: number;
  readonly #probeTimeout: number;
  readonly #askTimeout: number;
  /** The address of a pool with one endpoint. */
  readonly #only: EndpointAddress;
  readonly #forgetDeath = new WeakMap<Connection, () => void>();

  constructor(config: ResolvedConfig, pool: PoolLabel, listeners: FactoryListeners) {
    this.#pool = pool;
    this.#transports = new Transports({
      socket: config.pool,
      codec: config.codecOptions,
      sessionsPerTransport: isServer(config.mode) ? config.pool.sessionsPerTransport : Number.POSITIVE_INFINITY,
    });
    this.identities = new Identities(config, () => listeners.manyFunctions());
    this.#sessions = new Sessions(new FirstUse(), config.pool, this.identities.home);
    this.#renewal = new TokenRenewal({
      signIns: () => this.identities.signIns,
      transport: () => this.#transports.anyOpen,
      timeout: config.pool.openTimeout,
      renewed: (error) => listeners.renewed(error),
    });
    this.#store = new SameStore({
      check: config.pool.balancing.storeCheck,
      startsAlone: 'list' in config.endpoints && config.endpoints.list.length === 1,
      timeout: config.pool.probeTimeout,
      notCompared: (endpoint) => listeners.storeNotCompared(endpoint),
      replaced: (endpoint) => listeners.storeReplaced(endpoint),
    });
    this.#pipelining = config.pool.pipelining;
    this.#probeTimeout = config.pool.probeTimeout;
    this.#askTimeout = shareOfCredentials * config.pool.openTimeout;
    this.#only = { url: config.url };
  }

  open(context: OpenContext<ConnectionIdentity>): Promise<Connection> {
    return traced(
      connectChannel,
      () => ({ ...traceOf(this.#pool, context.endpoint), connection: context.id }),
      () => this.#open(context),
    );
  }

  /** If the server takes no further session on a socket, another socket is tried. */
  async #open(context: OpenContext<ConnectionIdentity>): Promise<Connection> {
    for (;;) {
      const transport = await this.#transports.join(context.endpoint ?? this.#only, context.signal);
      try {
        return await this.#openOn(transport, context);
      } catch (error) {
        if (!(error instanceof TransportFullError)) throw error;
        this.#transports.full(error);
        await this.#transports.leave(transport, context.signal);
      }
    }
  }

  async #openOn(transport: Transport, context: OpenContext<ConnectionIdentity>): Promise<Connection> {
    const { id, identity, signal, died } = context;
    // If the open is cancelled and no other connection uses the socket, close it: then every step below rejects.
    const forgetSignal = onAbort(signal, () => {
      if (this.#transports.isLast(transport)) transport.terminate();
    });
    try {
      const session = await this.#sessions.open(transport, identity, signal);
      await this.#store.check({ transport, session, signIn: identity.signIn }, signal);
      const connection = new Connection(id, transport, session, identity, this.#sessions);
      const onDeath = (cause: Error): void => {
        connection.endDependents(
          new ConnectionLostError(`the connection to ${transport.endpoint} was lost; live messages may be missing`, {
            outcome: 'unknown',
            cause,
          }),
        );
        died(cause);
      };
      this.#forgetDeath.set(connection, transport.onDeath(onDeath));
      if (transport.ended) throw new Error('the connection was closed while it was being opened');
      this.#countSignIn(identity, 1);
      return connection;
    } catch (error) {
      if (error instanceof TransportFullError) throw error;
      await this.#transports.leave(transport, AbortSignal.abort()).catch(() => {});
      throw this.#explain(error, transport.endpoint);
    } finally {
      forgetSignal();
    }
  }

  /** If the server refuses (wrong credentials, no right to the database), the connection is unchanged. */
  async change(connection: Connection, identity: ConnectionIdentity, signal: AbortSignal): Promise<void> {
    const { identity: former, transport } = connection;
    try {
      if (former.signIn === identity.signIn) {
        await connection.staySignedIn();
        signal.throwIfAborted();
        await this.#sessions.move(connection, identity, signal);
      } else {
        await this.#sessions.replace(connection, identity, signal);
      }
    } catch (error) {
      throw this.#explain(error, transport.endpoint);
    }
    connection.identity = identity;
    if (former.signIn === identity.signIn) return;
    this.#countSignIn(identity, 1);
    this.#countSignIn(former, -1);
  }

  /**
   * Gets the credentials of an identity before a connection is taken for it; undefined when there is nothing to do.
   * Throws, or rejects with, a `ConnectError` when the identity cannot be had.
   */
  prepare(identity: ConnectionIdentity): Promise<unknown> | undefined {
    const refuse = (error: unknown): never => {
      throw refusedCredentials(withoutQuery(this.#only.url), error);
    };
    try {
      return identity.signIn?.prepare(this.#askTimeout)?.catch(refuse);
    } catch (error) {
      return refuse(error);
    }
  }

  isClean(connection: Connection): boolean {
    return connection.clean;
  }

  idleFor(connection: Connection): number | undefined {
    return connection.idleFor;
  }

  retryAfter(error: unknown): number | undefined {
    return error instanceof ConnectError ? error.retryAfter : undefined;
  }

  isLeaving(error: unknown): boolean {
    return isLeaving(error);
  }

  isIllness(error: unknown): boolean {
    return isIllness(error);
  }

  answeredAt(connection: Connection): number {
    return connection.answeredAt;
  }

  /** Waits for the calls still in flight, then undoes what was changed, in the order that needs the fewest steps. */
  reset(connection: Connection, signal: AbortSignal): Promise<void> {
    return untilAborted(this.#undo(connection, signal), signal);
  }

  async #undo(connection: Connection, signal: AbortSignal): Promise<void> {
    await connection.quiet();
    signal.throwIfAborted();
    if (!connection.usable) throw new Error('a call on the connection was cut off after the release');
    const { changes, identity } = connection;
    await connection.staySignedIn();
    for (const id of changes.liveQueries.values()) await killLiveQuery(connection, id);
    // A transaction belongs to the socket and would outlive even the session. If it cannot be cancelled, the reset
    // fails.
    for (const id of changes.transactions) await connection.transport.cancel(id, connection.session);
    if (changes.authentication) {
      await this.#sessions.replace(connection, identity, signal);
    } else {
      if (changes.variables.size > 0) {
        await this.#sessions.setVariables(connection, changes.variables, identity, signal);
      }
      if (changes.database) await this.#sessions.use(connection, identity, signal);
    }
    changes.forget();
  }

  /** A refusal of the identity is fatal: the server would refuse a new connection too. */
  async probe(connection: Connection): Promise<void> {
    try {
      await connection.run(() => connection.probe());
    } catch (error) {
      throw error instanceof CredentialsFailure ? this.#explain(error, connection.transport.endpoint) : error;
    }
  }

  /** An endpoint left the pool: it no longer counts for which store is the right one. */
  forgetEndpoint(url: string): void {
    this.#store.forget(url);
  }

  async ping({ transport }: Connection): Promise<void> {
    await transport.ping();
  }

  seats({ transport }: Connection): number {
    return this.#pipelining || (transport.holdsSmallAnswersBack ? 1 : usualPipelining);
  }

  isShareable(connection: Connection): boolean {
    return connection.shareable;
  }

  lendableUntil(connection: Connection): number {
    return connection.lendableUntil;
  }

  /** A probe requested by the user, with the same deadline as the pool's probes. */
  async checkHealth(connection: Connection): Promise<void> {
    await withDeadline('probing a connection', this.#probeTimeout, [], () => this.probe(connection));
  }

  async close(connection: Connection, signal: AbortSignal): Promise<void> {
    const { transport } = connection;
    this.#forgetDeath.get(connection)?.();
    this.#countSignIn(connection.identity, -1);
    connection.cut();
    try {
      // The session ends with its own socket; on a shared transport it has to be detached.
      if (!transport.ended && !this.#transports.isLast(transport)) await untilAborted(leave(connection), signal);
    } finally {
      await this.#transports.leave(transport, signal);
    }
  }

  /**
   * Fails all calls of a connection whose session may still be executing one, and closes its socket if it has its own.
   */
  sever(connection: Connection): void {
    connection.cut();
    if (this.#transports.isLast(connection.transport)) connection.transport.terminate();
  }

  isAnswer(error: unknown): boolean {
    return isAnswer(error);
  }

  isFatal(error: unknown): boolean {
    return (error instanceof ConnectError && error.fatal) || error instanceof ConfigurationError;
  }

  /** Adds the endpoint, which only the factory knows, to the error of an opening that took too long. */
  givenUp(reason: unknown, endpoint: EndpointAddress = this.#only): unknown {
    return this.#explain(reason, withoutQuery(endpoint.url));
  }

  /** True when an index was defined on an embedded engine: then freeing it does not end its threads. */
  get holdsProcess(): boolean {
    return this.#transports.holdsProcess;
  }

  /** Closes the transports, after the last connection. */
  async end(timeout: number): Promise<void> {
    this.#renewal.end();
    await toldToStop('closing the connections', timeout, (signal) => this.#transports.close(signal));
  }

  /** Counts the connections signed in by a token: it is renewed while there are any. */
  #countSignIn({ signIn }: ConnectionIdentity, by: 1 | -1): void {
    if (signIn === undefined) return;
    signIn.connections += by;
    this.#renewal.arm();
  }

  #explain(error: unknown, endpoint: string): unknown {
    if (error instanceof ConnectError || error instanceof EndpointMismatchError) return error;
    if (error instanceof TransportFullError) this.#transports.full(error);
    const fatal = isRefusedForGood(error);
    return new ConnectError(`cannot open a session at ${endpoint}: ${messageOf(error)}`, {
      endpoint,
      fatal,
      cause: error,
    });
  }
}

/** Detaches a connection from a transport that stays open. */
async function leave(connection: Connection): Promise<void> {
  const { changes, session, transport } = connection;
  // The server still answers a begin whose caller gave up, and its transaction would stay open as long as the
  // transport.
  await connection.allBegun();
  for (const id of changes.liveQueries.values()) await killLiveQuery(connection, id);
  for (const id of changes.transactions) await transport.cancel(id, session).catch(() => {});
  await transport.detach(session);
}

/** Ends a live query by KILL: a reset does not end it on every server. */
async function killLiveQuery(connection: Connection, id: Uuid): Promise<void> {
  const query = new BoundQuery('KILL $id', { id });
  // The answer is ignored: an id the server no longer knows counts as killed.
  await connection.transport.query(query, connection.session);
}

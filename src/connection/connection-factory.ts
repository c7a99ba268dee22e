import { BoundQuery, type Uuid } from 'surrealdb';
import type { ResolvedConfig } from '../config/options.js';
import { messageOf } from '../error-message.js';
import { ConfigurationError, ConnectError, ConnectionLostError, DeadlineError } from '../errors.js';
import { onAbort } from '../on-abort.js';
import type { ResourceFactory } from '../pool/settings.js';
import { isRefusedAuthentication } from './classification.js';
import { Connection } from './connection.js';
import { type DatabaseName, FirstUse } from './first-use.js';
import { SignIn } from './sign-in.js';
import type { Transport } from './transport.js';
import { Transports } from './transports.js';
import { untilAborted } from './until-aborted.js';

/** Opens, probes, resets and closes the connections of one pool. */
export class ConnectionFactory implements ResourceFactory<Connection> {
  readonly #transports: Transports;
  readonly #signIn: SignIn | undefined;
  readonly #firstUse = new FirstUse();
  readonly #home: DatabaseName;
  readonly #probeTimeout: number;
  readonly #forgetDeath = new WeakMap<Connection, () => void>();

  constructor(config: ResolvedConfig) {
    this.#transports = new Transports({
      url: config.url,
      socket: config.pool,
      sessionsPerTransport: config.mode === 'local' ? config.pool.sessionsPerTransport : Number.POSITIVE_INFINITY,
    });
    this.#signIn = config.credentials === null ? undefined : new SignIn(config.credentials);
    this.#probeTimeout = config.pool.probeTimeout;
    this.#home = { namespace: config.namespace, database: config.database };
  }

  async open(context: { id: number; signal: AbortSignal; died: (error: unknown) => void }): Promise<Connection> {
    const { id, signal, died } = context;
    const transport = await this.#transports.take(signal);
    // A socket that is opened for this connection alone ends with the wish for it: then every step below rejects.
    const forgetSignal = onAbort(signal, () => {
      if (this.#transports.isLast(transport)) transport.terminate();
    });
    try {
      const session = await this.#openSession(transport, signal);
      const connection = new Connection(id, transport, session, this.#home);
      const onDeath = (cause: Error): void => {
        connection.endLive(
          new ConnectionLostError(`the connection to ${transport.endpoint} was lost; live messages may be missing`, {
            outcome: 'unknown',
            cause,
          }),
        );
        died(cause);
      };
      this.#forgetDeath.set(connection, transport.onDeath(onDeath));
      if (transport.ended) throw new Error('the connection was closed while it was being opened');
      return connection;
    } catch (error) {
      await this.#transports.give(transport, AbortSignal.abort()).catch(() => {});
      throw this.#explain(error, transport.endpoint);
    } finally {
      forgetSignal();
    }
  }

  isClean(connection: Connection): boolean {
    return connection.clean;
  }

  /** Waits for the calls still in flight, then undoes what was changed, in the order that needs the least. */
  async reset(connection: Connection, signal: AbortSignal): Promise<void> {
    await connection.quiet();
    signal.throwIfAborted();
    if (!connection.usable) throw new Error('a call on the connection was cut off after the release');
    const { changes, transport } = connection;
    const { protocol } = transport;
    for (const id of changes.liveQueries.values()) await killLiveQuery(connection, id);
    if (changes.authentication) {
      // Signing out keeps the session's expiry: only a new session is a clean one.
      const old = connection.session;
      connection.session = await this.#openSession(transport, signal);
      await transport.detach(old);
    } else {
      for (const name of changes.variables) await protocol.unset(name, connection.session);
      if (changes.database) await this.use(connection, this.#home, signal);
    }
    changes.forget();
  }

  async probe(connection: Connection): Promise<void> {
    await connection.run(() => connection.probe());
  }

  /** A probe asked for by the user, under the same deadline as the pool's own. */
  async checkHealth(connection: Connection): Promise<void> {
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new DeadlineError('probing a connection', this.#probeTimeout)),
      this.#probeTimeout,
    );
    try {
      await untilAborted(this.probe(connection), deadline.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(connection: Connection, signal: AbortSignal): Promise<void> {
    const { transport } = connection;
    this.#forgetDeath.get(connection)?.();
    connection.cut();
    try {
      // With its socket the session goes by itself; on a shared transport it has to be told.
      if (!transport.ended && !this.#transports.isLast(transport)) {
        for (const id of connection.changes.liveQueries.values()) await killLiveQuery(connection, id);
        await transport.detach(connection.session);
      }
    } finally {
      await this.#transports.give(transport, signal);
    }
  }

  /** Ends all calls of a connection whose session may still be at one of them, and its socket when it has its own. */
  sever(connection: Connection): void {
    connection.cut();
    if (this.#transports.isLast(connection.transport)) connection.transport.terminate();
  }

  isFatal(error: unknown): boolean {
    return (error instanceof ConnectError && error.fatal) || error instanceof ConfigurationError;
  }

  /** Moves a session to another database. */
  use(connection: Connection, name: DatabaseName, signal: AbortSignal): Promise<void> {
    return this.#firstUse.use(connection.transport, connection.session, name, signal);
  }

  /** True when an index was defined on an embedded engine: freeing it does not end its threads then. */
  get holdsProcess(): boolean {
    return this.#transports.holdsProcess;
  }

  /** After the last connection: ends what carries them. */
  async end(timeout: number): Promise<void> {
    await this.#transports.close(AbortSignal.timeout(timeout));
  }

  async #openSession(transport: Transport, signal: AbortSignal): Promise<Uuid> {
    const session = await transport.attach();
    try {
      // Signing in may leave the session in another database, so the database is chosen last.
      await this.#signIn?.apply(transport, session, signal);
      await this.#firstUse.use(transport, session, this.#home, signal);
      return session;
    } catch (error) {
      // Others may go on using the transport: nothing of this attempt stays on it.
      await transport.detach(session).catch(() => {});
      throw error;
    }
  }

  #explain(error: unknown, endpoint: string): unknown {
    if (error instanceof ConnectError) return error;
    const fatal = isRefusedAuthentication(error);
    const message = messageOf(error);
    return new ConnectError(
      fatal ? `${endpoint} refuses the credentials: ${message}` : `cannot open a session at ${endpoint}: ${message}`,
      { endpoint, fatal, cause: error },
    );
  }
}

/** A reset does not end live queries on every server: only KILL does. */
async function killLiveQuery(connection: Connection, id: Uuid): Promise<void> {
  const query = new BoundQuery('KILL $id', { id });
  // Read to its end, and not looked at: an id that the server does not know any more is as good as killed.
  for await (const _ of connection.transport.query(query, connection.session));
}

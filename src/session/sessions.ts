import { BoundQuery, type Uuid } from 'surrealdb';
import type { DatabaseName } from '../config/database-name.js';
import { ConnectError } from '../errors/connect.js';
import { CredentialsFailure } from '../errors/credentials-failure.js';
import { messageOf } from '../errors/error-message.js';
import { isLostIdentity, isRefusedForGood, isSignInRefused } from '../errors/server-errors.js';
import { untilAborted } from '../time/until-aborted.js';
import type { Transport } from '../wire/transport.js';
import type { Connection, Session } from './connection.js';
import type { FirstUse } from './first-use.js';
import type { ConnectionIdentity } from './identity.js';

/** A session is signed in again half a minute before its end, or when a quarter of its life is left. */
const signInAgainBefore = 30_000;
/** Of the time for a step, a function that gives the credentials may use so much. */
const shareOfCredentials = 0.8;

/** What a session may take, in milliseconds: to be opened, and to be made into somebody else's. */
export interface SessionTimeouts {
  readonly openTimeout: number;
  readonly resetTimeout: number;
}

/** Makes sessions of an identity, and one identity's into another's. */
export class Sessions {
  readonly #firstUse: FirstUse;
  readonly #timeouts: SessionTimeouts;
  #anonymousChecked = false;

  constructor(firstUse: FirstUse, timeouts: SessionTimeouts) {
    this.#firstUse = firstUse;
    this.#timeouts = timeouts;
  }

  open(transport: Transport, identity: ConnectionIdentity, signal: AbortSignal): Promise<Session> {
    return untilAborted(this.#open(transport, identity, signal, this.#timeouts.openTimeout), signal);
  }

  /** Signing out keeps the expiry of a session: only a new one is a clean one. */
  async replace(connection: Connection, identity: ConnectionIdentity, signal: AbortSignal): Promise<void> {
    const { session: old, transport } = connection;
    const opening = this.#open(transport, identity, signal, this.#timeouts.resetTimeout);
    connection.replaceSession(await untilAborted(opening, signal));
    connection.database = identity;
    await untilAborted(transport.detach(old), signal).catch((cause: unknown) => {
      throw halfDone(transport.endpoint, cause);
    });
  }

  /** The same user, another place or other variables. When that is refused, the connection is what it was before. */
  async move(connection: Connection, identity: ConnectionIdentity, signal: AbortSignal): Promise<void> {
    const { identity: former, transport } = connection;
    try {
      await this.#move(connection, former, identity, signal);
    } catch (error) {
      // The place may have been taken, and some of the variables, before one was refused.
      if (isRefusedForGood(error)) {
        await this.#move(connection, identity, former, signal).catch((cause: unknown) => {
          throw halfDone(transport.endpoint, cause);
        });
      }
      throw error;
    }
  }

  async #move(
    connection: Connection,
    from: ConnectionIdentity,
    to: ConnectionIdentity,
    signal: AbortSignal,
  ): Promise<void> {
    const moves = from.namespace !== to.namespace || from.database !== to.database;
    await together([
      moves ? this.use(connection, to, signal) : undefined,
      this.setVariables(connection, Object.keys(from.variables), to, signal),
    ]);
  }

  /** Leaves of these names only what the identity has, with its values. */
  async setVariables(
    connection: Connection,
    names: Iterable<string>,
    { variables }: ConnectionIdentity,
    signal: AbortSignal,
  ): Promise<void> {
    const { transport, session } = connection;
    const all = [...new Set([...names, ...Object.keys(variables)])];
    const changes = all.map((name) =>
      Object.hasOwn(variables, name) ? transport.set(name, variables[name], session) : transport.unset(name, session),
    );
    await untilAborted(together(changes), signal);
  }

  async use(connection: Connection, name: DatabaseName, signal: AbortSignal): Promise<void> {
    await this.#firstUse.use(connection.transport, connection.session, name, signal);
    connection.database = name;
  }

  async #open(
    transport: Transport,
    identity: ConnectionIdentity,
    signal: AbortSignal,
    timeout: number,
  ): Promise<Session> {
    const id = await transport.attach();
    try {
      // Signing in may leave the session in another database, so the database is chosen last.
      await identity.signIn?.apply(transport, id, signal, shareOfCredentials * timeout).catch((error: unknown) => {
        throw isSignInRefused(error) ? refusedCredentials(transport.endpoint, error) : error;
      });
      const variables = Object.entries(identity.variables);
      await together([
        this.#firstUse.use(transport, id, identity, signal),
        ...variables.map(([name, value]) => transport.set(name, value, id)),
      ]);
      await this.#checkAnonymous(transport, id, identity);
      const session = await prove(transport, id, identity);
      // Answered too late: nobody would ever end it.
      signal.throwIfAborted();
      return session;
    } catch (error) {
      // Others may go on using the transport: nothing of this attempt stays on it.
      await transport.detach(id).catch(() => {});
      throw error;
    }
  }

  /** The first session without credentials finds out whether the server answers such sessions at all, and says so. */
  async #checkAnonymous(transport: Transport, session: Uuid, { signIn }: ConnectionIdentity): Promise<void> {
    if (signIn !== undefined || this.#anonymousChecked) return;
    this.#anonymousChecked = true;
    const refusal = await transport.info(session).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!isLostIdentity(refusal)) return;
    process.emitWarning(
      `${transport.endpoint} refuses every query of a connection without credentials, and the pool opened one without any`,
      'SurrealPoolWarning',
    );
  }

  signInAgain(connection: Connection): Promise<Session> {
    const signal = AbortSignal.timeout(this.#timeouts.openTimeout);
    return untilAborted(this.#signInAgain(connection, signal), signal);
  }

  async #signInAgain(connection: Connection, signal: AbortSignal): Promise<Session> {
    const { transport, session, identity } = connection;
    await identity.signIn?.apply(transport, session, signal, shareOfCredentials * this.#timeouts.openTimeout);
    // Given up meanwhile: others may be under way on the session by now.
    signal.throwIfAborted();
    // Signing in took a record user back to the database of the token.
    await this.use(connection, connection.database, signal);
    return await prove(transport, session, identity);
  }
}

/**
 * Waits for changes of one session that were sent one behind the other, in one round trip. Every server takes changes so;
 * a query among them deadlocks the session before 3.3, or misses some of them. All have ended when this does.
 */
async function together(changes: readonly (Promise<void> | undefined)[]): Promise<void> {
  for (const change of await Promise.allSettled(changes)) {
    if (change.status === 'rejected') throw change.reason;
  }
}

function refusedCredentials(endpoint: string, cause: unknown): ConnectError {
  const message =
    cause instanceof CredentialsFailure
      ? `nobody can sign in at ${endpoint}: ${cause.message}`
      : `${endpoint} refuses the credentials: ${messageOf(cause)}`;
  return new ConnectError(message, { endpoint, fatal: true, cause });
}

/** Neither what it was nor what it should become: never taken for a refusal, after which it would be lent again. */
function halfDone(endpoint: string, cause: unknown): ConnectError {
  const message = `a session at ${endpoint} was left between two identities: ${messageOf(cause)}`;
  return new ConnectError(message, { endpoint, fatal: false, cause });
}

/** Asks the session who it is and when it ends: an identity that cannot be proven is none. */
async function prove(transport: Transport, id: Uuid, identity: ConnectionIdentity): Promise<Session> {
  if (identity.signIn === undefined) return { id, signInAgainAt: Number.POSITIVE_INFINITY };
  const query = new BoundQuery('RETURN [$token != NONE, $session.exp, time::millis(time::now())]');
  for await (const { error, result } of transport.query<unknown>(query, id)) {
    if (error !== undefined) throw error;
    const [isSignedIn, expiry, now] = result ?? [];
    if (isSignedIn !== true) throw new Error('the session is anonymous although it was signed in');
    if (typeof expiry !== 'number' || typeof now !== 'number') break;
    // Both by the clock of the server, which may differ from ours.
    const life = expiry * 1000 - now;
    return { id, signInAgainAt: performance.now() + life - Math.min(signInAgainBefore, life / 4) };
  }
  return { id, signInAgainAt: Number.POSITIVE_INFINITY };
}

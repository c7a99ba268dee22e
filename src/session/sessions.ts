import { BoundQuery, type RecordId, type Uuid } from 'surrealdb';
import type { DatabaseName } from '../config/database-name.js';
import { ConnectError } from '../errors/connect.js';
import { CredentialsFailure } from '../errors/credentials-failure.js';
import { messageOf } from '../errors/error-message.js';
import {
  isIdentityRefused,
  isLostIdentity,
  isRefusedAuthentication,
  isRefusedForGood,
  isSignInRefused,
} from '../errors/server-errors.js';
import { systemClock } from '../time/clock.js';
import { withDeadline } from '../time/deadline.js';
import { untilAborted } from '../time/until-aborted.js';
import type { Transport } from '../wire/transport.js';
import type { Connection, Session, SessionKeeper } from './connection.js';
import type { FirstUse } from './first-use.js';
import type { ConnectionIdentity } from './identity.js';
import { covers, describeUser } from './token-claims.js';

/** A session is signed in again half a minute before it expires, or when a quarter of its life is left. */
const signInAgainBefore = 30_000;
/** The share of a step's time that a credentials function may use. */
export const shareOfCredentials = 0.8;

/** Time limits of a session, in milliseconds: for opening, and for switching to another identity. */
export interface SessionTimeouts {
  readonly openTimeout: number;
  readonly resetTimeout: number;
  readonly probeTimeout: number;
  /** How old an identity check may be when the connection is lent; 0 for any age. */
  readonly identityCheckInterval: number;
}

/** Makes sessions for an identity, and switches sessions to another identity. */
export class Sessions implements SessionKeeper {
  readonly #firstUse: FirstUse;
  readonly #timeouts: SessionTimeouts;
  readonly #own: ConnectionIdentity | undefined;
  #anonymousChecked = false;

  /**
   * @param own the identity of the pool: if it has no credentials, the first session checks whether the server requires
   * some
   */
  constructor(firstUse: FirstUse, timeouts: SessionTimeouts, own?: ConnectionIdentity) {
    this.#firstUse = firstUse;
    this.#timeouts = timeouts;
    this.#own = own;
  }

  open(transport: Transport, identity: ConnectionIdentity, signal: AbortSignal): Promise<Session> {
    return untilAborted(this.#open(transport, identity, signal, this.#timeouts.openTimeout), signal);
  }

  /** Replaces the session by a new one: signing out would keep the expiry of the old one. */
  async replace(connection: Connection, identity: ConnectionIdentity, signal: AbortSignal): Promise<void> {
    const { session: old, transport } = connection;
    const opening = this.#open(transport, identity, signal, this.#timeouts.resetTimeout);
    connection.replaceSession(await untilAborted(opening, signal));
    connection.database = identity;
    await untilAborted(transport.detach(old), signal).catch((cause: unknown) => {
      throw halfDone(transport.endpoint, cause);
    });
  }

  /**
   * Switches to another database or other variables with the same user. If the server refuses, the connection is
   * unchanged.
   */
  async move(connection: Connection, identity: ConnectionIdentity, signal: AbortSignal): Promise<void> {
    const { identity: former, transport } = connection;
    if (!covers(connection.level, identity)) throw placeRefused(identity.signIn?.user ?? 'a user', identity);
    try {
      await this.#move(connection, former, identity, signal);
    } catch (error) {
      // The database and some variables may have been set before the server refused one.
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

  /** Sets these variables to the values of the identity, and unsets those it does not have. */
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
      // Signing in may move the session to another database, so the database is selected last.
      const { signIn } = identity;
      await signIn?.apply(transport, id, signal, shareOfCredentials * timeout).catch(async (error: unknown) => {
        if (!isSignInRefused(error)) throw error;
        // Only the pool's own credentials are tried at other levels: a caller's mistyped password must not cost the
        // server more attempts.
        const why = await signIn.whyRefused(transport, error, signIn === this.#own?.signIn);
        throw refusedCredentials(transport.endpoint, error, why);
      });
      const use = this.#firstUse.use(transport, id, identity, signal).catch((error: unknown) => {
        // Servers since 3.2 refuse a user without rights here; older ones refuse each query instead.
        const isNotItsPlace = identity.signIn !== undefined && isRefusedAuthentication(error);
        throw isNotItsPlace ? placeRefused(identity.signIn.user, identity, error) : error;
      });
      const variables = Object.entries(identity.variables);
      await together([use, ...variables.map(([name, value]) => transport.set(name, value, id))]);
      await this.#checkAnonymous(transport, id, identity);
      const session = await this.#prove(transport, id, identity, identity);
      // If the answer came too late, throw, so that the session is detached below.
      signal.throwIfAborted();
      return session;
    } catch (error) {
      // Other connections may share the transport, so this session is removed from it.
      await transport.detach(id).catch(() => {});
      throw error;
    }
  }

  /** Checks with the first session without credentials whether the server answers anonymous sessions at all. */
  async #checkAnonymous(transport: Transport, session: Uuid, identity: ConnectionIdentity): Promise<void> {
    // A lease that asks for an anonymous session gets one unchecked.
    if (identity.signIn !== undefined || identity !== this.#own || this.#anonymousChecked) return;
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
    return this.#again('signing in again', this.#timeouts.openTimeout, connection);
  }

  proveAgain(connection: Connection): Promise<Session> {
    return this.#again('proving an identity again', this.#timeouts.probeTimeout, connection);
  }

  #again(step: string, timeout: number, connection: Connection): Promise<Session> {
    const { transport, session, identity } = connection;
    return withDeadline(step, timeout, [], async (signal) => {
      await identity.signIn?.apply(transport, session, signal, shareOfCredentials * timeout).catch((error: unknown) => {
        throw isIdentityRefused(error) ? refusedCredentials(transport.endpoint, error) : error;
      });
      // If given up meanwhile, stop: other calls may be under way on the session by now.
      signal.throwIfAborted();
      // Signing in moved a record user back to the database of the token.
      await this.use(connection, connection.database, signal);
      // A lease may move to a database where its user has no rights.
      return await this.#prove(transport, session, identity, connection.changes.database ? undefined : identity);
    });
  }

  /**
   * Asks the session for its user, the databases where the user has rights, and when token and session expire. Rejects
   * if the identity cannot be confirmed.
   * @param place where the user must have rights
   */
  async #prove(
    transport: Transport,
    id: Uuid,
    { signIn }: ConnectionIdentity,
    place: DatabaseName | undefined,
  ): Promise<Session> {
    const session = { id, level: {}, signInAgainAt: Number.POSITIVE_INFINITY, lendableUntil: Number.POSITIVE_INFINITY };
    if (signIn === undefined) return session;
    const asked = systemClock.now();
    const { expiry, tokenEnd, now, level, user, record, isThere } = await askWho(transport, id);
    if (place !== undefined && !covers(level, place)) throw placeRefused(user, place);
    if (record !== undefined) signIn.checkRecord(record, isThere);
    // Computed by the clock of the server, which may differ from ours.
    const endOf = (seconds: number | undefined): number =>
      seconds === undefined ? Number.POSITIVE_INFINITY : asked + seconds * 1000 - now;
    const life = expiry === undefined ? Number.POSITIVE_INFINITY : endOf(expiry) - asked;
    const end = endOf(tokenEnd);
    signIn.learnEnd(end);
    const { identityCheckInterval } = this.#timeouts;
    const nextCheck = identityCheckInterval === 0 ? Number.POSITIVE_INFINITY : asked + identityCheckInterval;
    return {
      ...{ id, level },
      signInAgainAt: asked + life - Math.min(signInAgainBefore, life / 4),
      lendableUntil: signIn.bringsToken ? Math.min(nextCheck, end) : nextCheck,
    };
  }
}

/** What a session says about itself. Times are in seconds since 1970, except `now`, which is in milliseconds. */
interface Who {
  readonly level: { readonly namespace: string | undefined; readonly database: string | undefined };
  readonly user: string;
  /** For a record user: its record, and whether the user can see it. */
  readonly record: string | undefined;
  readonly isThere: boolean;
  readonly expiry: number | undefined;
  readonly tokenEnd: number | undefined;
  readonly now: number;
}

const whoText = `RETURN { signedIn: $token != NONE, ns: $token.NS, db: $token.DB, ac: $token.AC, id: $token.ID,
  tokenEnd: $token.exp, expiry: $session.exp, now: time::millis(time::now()), record: $auth,
  isThere: $auth.id != NONE }`;

/** @throws Error when the session is anonymous */
async function askWho(transport: Transport, id: Uuid): Promise<Who> {
  const query = new BoundQuery(whoText);
  for (const { error, result } of await transport.query(query, id)) {
    if (error !== undefined) throw error;
    const who = Object(result?.[0] ?? result) as Record<string, unknown>;
    if (who.signedIn !== true) break;
    const text = (name: string): string | undefined => (typeof who[name] === 'string' ? who[name] : undefined);
    const seconds = (name: string): number | undefined => (typeof who[name] === 'number' ? who[name] : undefined);
    const record = who.record === undefined || who.record === null ? undefined : String(who.record as RecordId);
    const level = { namespace: text('ns'), database: text('db') };
    return {
      ...{ level, record, isThere: who.isThere === true },
      user: describeUser({ ...level, access: text('ac'), id: record ?? text('id') }),
      expiry: seconds('expiry'),
      tokenEnd: seconds('tokenEnd'),
      now: seconds('now') ?? Date.now(),
    };
  }
  throw new Error('the session is anonymous although it was signed in');
}

/** The error for a user without rights in the database: its queries would fail, or see less than there is. */
function placeRefused(user: string, { namespace, database }: DatabaseName, cause?: unknown): CredentialsFailure {
  return new CredentialsFailure(
    `${user} has no rights in "${namespace}/${database}"`,
    cause === undefined ? undefined : { cause },
  );
}

/**
 * Waits for changes of one session that were sent one behind the other, in one round trip. Every server accepts that; a
 * query among them deadlocks the session before 3.3, or misses some of them. When this settles, all have ended.
 */
async function together(changes: readonly (Promise<void> | undefined)[]): Promise<void> {
  for (const change of await Promise.allSettled(changes)) {
    if (change.status === 'rejected') throw change.reason;
  }
}

/** The error when the server or the credentials function refuses an identity. @param why more detail, if known */
export function refusedCredentials(endpoint: string, cause: unknown, why?: string): ConnectError {
  const message =
    cause instanceof CredentialsFailure
      ? `cannot sign in at ${endpoint}: ${cause.message}`
      : `${endpoint} refuses the credentials: ${messageOf(cause)}`;
  const more = why === undefined ? '' : `: ${why}`;
  return new ConnectError(`${message}${more}`, { endpoint, fatal: true, cause });
}

/**
 * The error for a session between two identities. It must not count as a refusal, after which the pool would lend the
 * connection again.
 */
function halfDone(endpoint: string, cause: unknown): ConnectError {
  const message = `a session at ${endpoint} was left between two identities: ${messageOf(cause)}`;
  return new ConnectError(message, { endpoint, fatal: false, cause });
}

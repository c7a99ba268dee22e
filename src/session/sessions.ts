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

/** A session is signed in again half a minute before its end, or when a quarter of its life is left. */
const signInAgainBefore = 30_000;
/** Of the time for a step, a function that gives the credentials may use so much. */
export const shareOfCredentials = 0.8;

/** What a session may take, in milliseconds: to be opened, and to be made into one of another identity. */
export interface SessionTimeouts {
  readonly openTimeout: number;
  readonly resetTimeout: number;
  readonly probeTimeout: number;
  /** How old the proof of an identity may be when it is lent; 0 for any age. */
  readonly identityCheckInterval: number;
}

/** Makes sessions of an identity, and one identity's into another's. */
export class Sessions implements SessionKeeper {
  readonly #firstUse: FirstUse;
  readonly #timeouts: SessionTimeouts;
  readonly #own: ConnectionIdentity | undefined;
  #anonymousChecked = false;

  /** @param own the identity of the pool: when it has no credentials, it is looked whether the server wants some */
  constructor(firstUse: FirstUse, timeouts: SessionTimeouts, own?: ConnectionIdentity) {
    this.#firstUse = firstUse;
    this.#timeouts = timeouts;
    this.#own = own;
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
    if (!covers(connection.level, identity)) throw placeRefused(identity.signIn?.user ?? 'a user', identity);
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
      const { signIn } = identity;
      await signIn?.apply(transport, id, signal, shareOfCredentials * timeout).catch(async (error: unknown) => {
        if (!isSignInRefused(error)) throw error;
        // A mistyped password of somebody else costs the server no further attempts.
        const why = await signIn.whyRefused(transport, error, signIn === this.#own?.signIn);
        throw refusedCredentials(transport.endpoint, error, why);
      });
      const use = this.#firstUse.use(transport, id, identity, signal).catch((error: unknown) => {
        // Servers since 3.2 refuse it here; older ones let it pass, and refuse each query.
        const isNotItsPlace = identity.signIn !== undefined && isRefusedAuthentication(error);
        throw isNotItsPlace ? placeRefused(identity.signIn.user, identity, error) : error;
      });
      const variables = Object.entries(identity.variables);
      await together([use, ...variables.map(([name, value]) => transport.set(name, value, id))]);
      await this.#checkAnonymous(transport, id, identity);
      const session = await this.#prove(transport, id, identity, identity);
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
  async #checkAnonymous(transport: Transport, session: Uuid, identity: ConnectionIdentity): Promise<void> {
    // A lease that asks for no credentials wants none.
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
      // Given up meanwhile: others may be under way on the session by now.
      signal.throwIfAborted();
      // Signing in took a record user back to the database of the token.
      await this.use(connection, connection.database, signal);
      // A lease may go where its user has no rights.
      return await this.#prove(transport, session, identity, connection.changes.database ? undefined : identity);
    });
  }

  /**
   * Asks the session who it is, where its user has rights, and when both end: an identity that cannot be proven is none.
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
    // All by the clock of the server, which may differ from ours.
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

/** What a session says of itself; all times in seconds since 1970, but for `now`, which is in milliseconds. */
interface Who {
  readonly level: { readonly namespace: string | undefined; readonly database: string | undefined };
  readonly user: string;
  /** Of a record user: its record, and whether the user itself can see that. */
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

/** A user is where it has no rights: its queries would fail, or see less than there is. */
function placeRefused(user: string, { namespace, database }: DatabaseName, cause?: unknown): CredentialsFailure {
  return new CredentialsFailure(
    `${user} has no rights in "${namespace}/${database}"`,
    cause === undefined ? undefined : { cause },
  );
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

/** The server, or what brings the credentials, says that an identity cannot be had. @param why where more is known */
export function refusedCredentials(endpoint: string, cause: unknown, why?: string): ConnectError {
  const message =
    cause instanceof CredentialsFailure
      ? `cannot sign in at ${endpoint}: ${cause.message}`
      : `${endpoint} refuses the credentials: ${messageOf(cause)}`;
  const more = why === undefined ? '' : `: ${why}`;
  return new ConnectError(`${message}${more}`, { endpoint, fatal: true, cause });
}

/** Neither what it was nor what it should become: never taken for a refusal, after which it would be lent again. */
function halfDone(endpoint: string, cause: unknown): ConnectError {
  const message = `a session at ${endpoint} was left between two identities: ${messageOf(cause)}`;
  return new ConnectError(message, { endpoint, fatal: false, cause });
}

import {
  type AccessRecordAuth,
  type AnyAuth,
  BoundQuery,
  ServerError,
  type Token,
  type Tokens,
  type Uuid,
} from 'surrealdb';
import type { DatabaseName } from '../config/database-name.js';
import type { EndpointAddress } from '../endpoints/endpoint-address.js';
import { ConnectionLostError, IdentityLostError } from '../errors/call.js';
import { messageOf } from '../errors/error-message.js';
import { isAnswer } from '../errors/server-errors.js';
import { systemClock } from '../time/clock.js';
import type { Transport } from '../wire/transport.js';
import { anonymous, type ConnectionIdentity } from './identity.js';
import { refreshTokens } from './refresh-tokens.js';
import { SessionOrder } from './session-order.js';
import type { UserLevel } from './token-claims.js';
import { whoIs, whoseToken } from './who.js';

/** What a lease did to its session that the next lease must not see. */
export class SessionChanges {
  database = false;
  authentication = false;
  /** The user the lease signed in as, in words. */
  signedInAs: string | undefined;
  readonly variables: Set<string> = new Set();
  readonly liveQueries: Map<string, Uuid> = new Map();
  /** Transactions that the server may still hold open. */
  readonly transactions: Set<Uuid> = new Set();

  get none(): boolean {
    const { database, authentication, variables, liveQueries, transactions } = this;
    return !database && !authentication && variables.size === 0 && liveQueries.size === 0 && transactions.size === 0;
  }

  forget(): void {
    this.database = false;
    this.authentication = false;
    this.signedInAs = undefined;
    this.variables.clear();
    this.liveQueries.clear();
    this.transactions.clear();
  }
}

interface Call {
  readonly fail: (error: Error) => void;
}

/** A session and its deadlines, on the clock of `performance.now()`. */
export interface Session {
  readonly id: Uuid;
  /** When to sign in again, shortly before the session expires; `Infinity` if it does not expire. */
  readonly signInAgainAt: number;
  /** Until when it may be lent without another identity check; `Infinity` for an anonymous session. */
  readonly lendableUntil: number;
  /** Where its user is defined. */
  readonly level: UserLevel;
}

/** The longest text that is kept for reports, in characters. */
const longestKept = 4_000;

/** What a connection asks of the code that manages sessions. */
export interface SessionKeeper {
  /** Signs the session in again before it expires and checks its identity, while nothing else is under way on it. */
  signInAgain(connection: Connection): Promise<Session>;
  /** The same when the last identity check is too old, within the time of a probe. */
  proveAgain(connection: Connection): Promise<Session>;
  use(connection: Connection, name: DatabaseName, signal: AbortSignal): Promise<void>;
}

/** What the pool lends: one session on a transport, with its calls in flight and its changes. */
export class Connection {
  /** What the verbs below noted, for the reset after the lease. */
  readonly changes: SessionChanges = new SessionChanges();
  readonly order: SessionOrder = new SessionOrder();
  /**
   * Callbacks that end what must not outlive the lease or the connection: live iterators, which would wait for ever,
   * and an open transaction.
   */
  readonly dependents: Set<(error: Error) => void> = new Set();
  /** Its calls were failed before it is closed: nothing is sent on it any more. */
  severed = false;
  /** When the server answered last, on the clock of `performance.now()`. */
  #answeredAt = Number.NEGATIVE_INFINITY;
  /** When a call began while none was under way, on the clock of `performance.now()`. */
  #busySince = 0;
  /** When the last call ended, on the clock of `performance.now()`. */
  #quietSince = systemClock.now();
  readonly #calls = new Set<Call>();
  readonly #beginning = new Set<Promise<Uuid>>();
  #onQuiet: (() => void) | undefined;
  /** The lease that made the last query, how many it made, and the text of the last, for reports */
  #askedBy: unknown;
  #queries = 0;
  #lastText: string | undefined;
  /** When the last transaction began. */
  #begunAt = 0;
  #session: Session;
  /** The database of the session; a lease may have changed it. */
  database: DatabaseName;
  #signingIn: Promise<void> | undefined;
  readonly #keeper: SessionKeeper;

  constructor(
    readonly id: number,
    readonly transport: Transport,
    session: Session,
    /** Its identity when it is lent. */
    public identity: ConnectionIdentity,
    keeper: SessionKeeper,
  ) {
    this.#session = session;
    this.database = identity;
    this.#keeper = keeper;
  }

  /** The address of the server it is on, for its whole life. */
  get endpoint(): EndpointAddress {
    return this.transport.address;
  }

  /** Replaced when its authentication was changed, or when the connection is switched to another identity. */
  get session(): Uuid {
    return this.#session.id;
  }

  replaceSession(session: Session): void {
    this.#session = session;
  }

  get answeredAt(): number {
    return this.#answeredAt;
  }

  /** Until when it may be lent without another identity check, on the clock of `performance.now()`. */
  get lendableUntil(): number {
    return this.#session.lendableUntil;
  }

  /** The level at which the user of its session is defined. */
  get level(): UserLevel {
    return this.#session.level;
  }

  /** How long no call has been under way, in milliseconds; undefined while one is. */
  get idleFor(): number | undefined {
    return this.#calls.size > 0 ? undefined : systemClock.now() - this.#quietSince;
  }

  /** How long its holder has not used it, in milliseconds; undefined while a call is under way or a live query is open. */
  get unusedFor(): number | undefined {
    return this.changes.liveQueries.size > 0 ? undefined : this.idleFor;
  }

  /**
   * How long calls have been under way without any answer, in milliseconds; undefined while none is under way.
   */
  get unansweredFor(): number | undefined {
    if (this.#calls.size === 0) return undefined;
    return systemClock.now() - Math.max(this.#busySince, this.#answeredAt);
  }

  /**
   * Called before a call. Undefined when the session is still valid, else a promise that resolves when it is signed in
   * again. A session that the lease itself signed in or out is left alone.
   * @throws IdentityLostError
   */
  staySignedIn(): Promise<void> | undefined {
    if (systemClock.now() < this.#session.signInAgainAt || this.changes.authentication) return undefined;
    return this.#renewSession(() => this.#keeper.signInAgain(this)).catch((cause: unknown) => {
      throw new IdentityLostError(
        `the session of connection ${this.id} is over, and signing in again failed: ${messageOf(cause)}`,
        { outcome: 'not-sent', cause },
      );
    });
  }

  /**
   * The access token that identifies the session in an HTTP request; undefined for an anonymous session. If the lease
   * signed in itself, this is the token of that sign-in.
   * @throws IdentityLostError
   */
  async accessToken(): Promise<string | undefined> {
    const { signIn } = this.identity;
    if (signIn === undefined) return undefined;
    await this.staySignedIn();
    if (signIn.usableTokenOn(this.transport) === undefined) {
      await this.#renewSession(() => this.#keeper.signInAgain(this)).catch((cause: unknown) => {
        throw new IdentityLostError(`connection ${this.id} got no token: ${messageOf(cause)}`, {
          outcome: 'not-sent',
          cause,
        });
      });
    }
    const accessToken = signIn.usableTokenOn(this.transport);
    if (accessToken !== undefined) return accessToken;
    throw new IdentityLostError(`the token of connection ${this.id} has ended`, { outcome: 'not-sent' });
  }

  #renewSession(work: () => Promise<Session>): Promise<void> {
    this.#signingIn ??= this.order
      .change(work)
      .then((session) => this.replaceSession(session))
      .finally(() => {
        this.#signingIn = undefined;
      });
    return this.#signingIn;
  }

  /** Notes a query of a lease, for reports. */
  asked(lease: unknown, text: string): void {
    if (this.#askedBy !== lease) {
      this.#askedBy = lease;
      this.#queries = 0;
    }
    this.#queries++;
    // A long one would be kept alive for the report alone.
    this.#lastText = text.length > longestKept ? undefined : text;
  }

  /** How many queries a lease made, and the text of the last. */
  queriesOf(lease: unknown): { readonly count: number; readonly lastText: string | undefined } {
    const isIts = this.#askedBy === lease;
    return { count: isIts ? this.#queries : 0, lastText: isIts ? this.#lastText : undefined };
  }

  /** The text of the last query of any lease. */
  get lastText(): string | undefined {
    return this.#lastText;
  }

  /** Since when a transaction is open on it, on the clock of `performance.now()`; undefined when none is. */
  get transactionSince(): number | undefined {
    return this.changes.transactions.size > 0 ? this.#begunAt : undefined;
  }

  /** Whether it can carry a call. */
  get usable(): boolean {
    return !this.severed && !this.transport.ended;
  }

  /** Whether no call is under way on it and nothing has to be undone. */
  get clean(): boolean {
    return this.#calls.size === 0 && this.changes.none;
  }

  /** Whether it is clean, and nothing has to end with its lease: an open transaction, a live iterator, an export. */
  get isAtRest(): boolean {
    return this.clean && this.dependents.size === 0 && !this.order.isChanging;
  }

  /** Whether calls of several callers may share it: its session is unchanged, and no change is under way. */
  get shareable(): boolean {
    return this.usable && this.changes.none && !this.order.isChanging;
  }

  /** Runs a call, which {@link Connection.cut | cut()} can end early for its caller. */
  run<T>(start: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const call: Call = { fail: reject };
      if (this.#calls.size === 0) this.#busySince = systemClock.now();
      this.#calls.add(call);
      const ended = (answered: boolean): void => {
        const now = systemClock.now();
        if (answered) this.#answeredAt = now;
        this.#calls.delete(call);
        this.#quietSince = now;
        if (this.#calls.size === 0) this.#onQuiet?.();
      };
      start().then(
        (value) => {
          ended(true);
          resolve(value);
        },
        (error: unknown) => {
          ended(isAnswer(error));
          reject(error);
        },
      );
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

  /** Fails all calls in flight, so that no caller waits on a closed connection. */
  cut(): void {
    this.severed = true;
    if (this.#calls.size > 0) {
      const error = new ConnectionLostError(
        `connection ${this.id} was closed while ${this.#calls.size} calls were under way; they may have been executed`,
        { outcome: 'unknown' },
      );
      for (const call of this.#calls) call.fail(error);
    }
    this.endDependents(
      new ConnectionLostError(`connection ${this.id} was closed, and its live queries with it`, { outcome: 'unknown' }),
    );
  }

  // Changes of the session, each noted before it is sent: the reset after the lease undoes them.

  async use(name: DatabaseName, signal: AbortSignal): Promise<void> {
    this.changes.database = true;
    await this.#keeper.use(this, name, signal);
  }

  async set(name: string, value: unknown): Promise<void> {
    this.changes.variables.add(name);
    await this.transport.set(name, value, this.session);
  }

  async unset(name: string): Promise<void> {
    // It may be a variable of the identity, which the reset must restore.
    this.changes.variables.add(name);
    await this.transport.unset(name, this.session);
  }

  async signIn(credentials: AnyAuth): Promise<Tokens> {
    this.changes.authentication = true;
    const tokens = await this.transport.signin(credentials, this.session);
    this.changes.signedInAs = whoIs(credentials);
    return tokens;
  }

  async signUp(credentials: AccessRecordAuth): Promise<Tokens> {
    this.changes.authentication = true;
    const tokens = await this.transport.signup(credentials, this.session);
    this.changes.signedInAs = whoIs(credentials);
    return tokens;
  }

  /** Signs in by the refresh token, if there is one, else by the access token. Returns the tokens valid from now on. */
  async authenticate(token: Token | Tokens): Promise<Tokens> {
    this.changes.authentication = true;
    const access = typeof token === 'string' ? token : token.access;
    if (typeof token === 'object' && token.refresh) {
      const tokens = await refreshTokens(this.transport, token, this.session);
      this.changes.signedInAs = whoseToken(access);
      return tokens;
    }
    await this.transport.authenticate(access, this.session);
    this.changes.signedInAs = whoseToken(access);
    return { access };
  }

  async invalidate(): Promise<void> {
    this.changes.authentication = true;
    await this.transport.invalidate(this.session);
    this.changes.signedInAs = anonymous;
  }

  /** Notes a live query started by a LIVE statement. A KILL statement or the reset ends it. */
  liveQueryBegan(id: Uuid): void {
    this.changes.liveQueries.set(id.toString(), id);
  }

  liveQueryEnded(id: Uuid): void {
    this.changes.liveQueries.delete(id.toString());
  }

  /** The user of the session, for errors. */
  get user(): string {
    return this.changes.signedInAs ?? this.identity.signIn?.who ?? anonymous;
  }

  /** Whether the session is still signed in as the identity of the connection: the lease did not sign in or out. */
  get isItsIdentity(): boolean {
    return this.identity.signIn !== undefined && !this.changes.authentication;
  }

  /** Begins a transaction on the server; the reset cancels it if nothing else ends it. */
  begin(): Promise<Uuid> {
    const beginning = this.transport.begin(this.session).then((id) => {
      this.changes.transactions.add(id);
      this.#begunAt = systemClock.now();
      return id;
    });
    this.#beginning.add(beginning);
    const done = (): boolean => this.#beginning.delete(beginning);
    beginning.then(done, done);
    return beginning;
  }

  /** Resolves when no begin is in flight, including those whose caller gave up. */
  async allBegun(): Promise<void> {
    await Promise.allSettled(this.#beginning);
  }

  /** Commits a transaction. Once the server has committed or refused it, nothing is left to undo. */
  async commit(transaction: Uuid): Promise<void> {
    try {
      await this.transport.commit(transaction, this.session);
    } catch (error) {
      if (error instanceof ServerError) this.changes.transactions.delete(transaction);
      throw error;
    }
    this.changes.transactions.delete(transaction);
  }

  async cancel(transaction: Uuid): Promise<void> {
    await this.transport.cancel(transaction, this.session);
    this.changes.transactions.delete(transaction);
  }

  endDependents(error: Error): void {
    for (const end of [...this.dependents]) end(error);
  }

  /**
   * Checks the socket, the session and the storage and, unless a lease changed them, the database and the sign-in. If
   * the last identity check is too old, it is made again.
   */
  async probe(): Promise<void> {
    const isDue = systemClock.now() >= this.#session.lendableUntil && !this.changes.authentication;
    if (isDue) await this.#renewSession(() => this.#keeper.proveAgain(this));
    else await this.staySignedIn();
    const turn = this.order.query();
    if (turn !== undefined) await turn;
    try {
      const query = new BoundQuery('RETURN [session::db(), $token != NONE]');
      for (const chunk of await this.transport.query(query, this.session)) {
        if (chunk.error !== undefined) throw chunk.error;
        const [database, isSignedIn] = chunk.result ?? [];
        const { identity, changes } = this;
        if (!changes.database && !changes.authentication && database !== identity.database) {
          throw new Error(`the session is in database ${String(database)}, expected ${identity.database}`);
        }
        if (this.isItsIdentity && isSignedIn !== true) {
          throw new Error('the session is anonymous, expected one that is signed in');
        }
      }
    } finally {
      this.order.queryDone();
    }
  }
}

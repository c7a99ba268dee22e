import type { AnyAuth, Tokens, Uuid } from 'surrealdb';
import type { DatabaseName } from '../config/database-name.js';
import type { Credentials, CredentialsProvider } from '../config/identity-options.js';
import { resolveCredentials } from '../config/resolve.js';
import { CredentialsFailure, CredentialsFunctionFailure } from '../errors/credentials-failure.js';
import { messageOf } from '../errors/error-message.js';
import { isAnswer, isRefusedAuthentication, isSignInRefused, isTokenExpired } from '../errors/server-errors.js';
import { systemClock } from '../time/clock.js';
import { withDeadline } from '../time/deadline.js';
import { untilAborted } from '../time/until-aborted.js';
import type { Transport } from '../wire/transport.js';
import { refreshTokens } from './refresh-tokens.js';
import { passwordRefused, whyRefused } from './sign-in-advice.js';
import { claimsOf, describeUser, remainingLife, wholeLife } from './token-claims.js';
import { whoIs, whoseToken } from './who.js';

/** A token is renewed a minute before it expires, or when a quarter of its life is left if that is less. */
const renewBefore = 60_000;
/** A token is used until ten seconds before it expires, or until an eighth of its life is left if that is less. */
const useNoMore = 10_000;
/** The shortest pause between two attempts to renew it, in milliseconds. */
const renewalPause = 1_000;
/**
 * How long credentials returned by a function are used, in milliseconds. After that it is called again: they may have
 * changed.
 */
const answerLife = 10_000;

/** A token and when it expires, on our own clock: the server's may differ. */
interface IssuedToken {
  readonly text: string;
  readonly usableUntil: number;
  readonly renewAt: number;
}

/** Credentials that a function returned before a connection was taken, for the sign-in on that connection. */
interface Answer {
  readonly credentials: Credentials;
  readonly usableUntil: number;
}

/**
 * Signs sessions in as one identity. A password costs the server some 56 ms of CPU, a token 0.4: so one session signs
 * in with the credentials and all others use the token it got, until that token nears its end or is refused.
 */
export class SignIn {
  /** Equal for equal credentials; reveals no secret. */
  readonly key: string;
  /** How many connections are signed in by it. */
  connections = 0;
  /** The credentials, or the function that returns them: of functions with the same key, the one given last. */
  #source: Credentials | CredentialsProvider;
  /** The record of its user, once a session has seen it. From then on the record must exist. */
  #seenRecord: string | undefined;
  readonly #database: DatabaseName;
  #token: IssuedToken | undefined;
  /** The latest refresh token, which only this program has. */
  #refresh: string | undefined;
  /**
   * Goes on when its caller gives up, since it has used up the refresh token: other callers must wait for the next
   * token.
   */
  #refreshing: Promise<void> | undefined;
  #answer: Answer | undefined;
  #why: Promise<string> | undefined;
  #asking: Promise<Credentials> | undefined;
  #signingIn: Promise<void> | undefined;
  /** The address of the server where that is. */
  #signingInAt: string | undefined;
  /** The token that each server accepted last. */
  readonly #accepted = new WeakMap<Transport, IssuedToken>();
  /** When its only token expires, on the clock of `performance.now()`; known once the server has told. */
  #end = Number.POSITIVE_INFINITY;

  /** @param database where a record user signs in, unless the credentials name a database */
  constructor(key: string, source: Credentials | CredentialsProvider, database: DatabaseName) {
    this.key = key;
    this.#source = source;
    this.#database = database;
  }

  /**
   * A token that does not expire too soon, if there is one: that which this server accepted, as another one may have a store, and
   * tokens, of its own.
   */
  usableTokenOn(transport: Transport): string | undefined {
    const own = this.#accepted.get(transport);
    return isUsable(own) ? own.text : this.#usableToken()?.text;
  }

  /** The token by which a session on this transport was signed in last; undefined when none was. */
  tokenOn(transport: Transport): string | undefined {
    return this.#accepted.get(transport)?.text;
  }

  get inUse(): boolean {
    return this.connections > 0;
  }

  /** Whether it holds a refresh token, which cannot be obtained again once dropped. */
  get isIrreplaceable(): boolean {
    return this.#refresh !== undefined;
  }

  /** Whether its sessions use a token given by the caller, not one that the pool signed in for. */
  get bringsToken(): boolean {
    return typeof this.#source === 'function' || tokensOf(this.#source) !== undefined;
  }

  /**
   * Why the server refuses the credentials, as far as can be found out; undefined unless they are a name and a
   * password.
   * @param triesLevels whether they may be tried, once, at other levels than the one given
   */
  async whyRefused(transport: Transport, error: unknown, triesLevels: boolean): Promise<string | undefined> {
    const source = this.#source;
    if (typeof source === 'function' || !('username' in source) || !isRefusedAuthentication(error)) return undefined;
    if (!triesLevels) return passwordRefused(source);
    this.#why ??= whyRefused(transport, source, this.#database);
    return await this.#why.catch(() => passwordRefused(source));
  }

  /** The user, for errors: as named by the credentials or, with a credentials function, by the last token. */
  get who(): string {
    const { text } = this.#token ?? {};
    return typeof this.#source === 'function' && text !== undefined ? whoseToken(text) : whoIs(this.#source);
  }

  /** The user, for messages: its kind and its level. */
  get user(): string {
    return describeUser(this.#token === undefined ? {} : claimsOf(this.#token.text));
  }

  /** When to renew its token, on the clock of `performance.now()`; `Infinity` while no connection uses it. */
  get renewAt(): number {
    return (this.inUse ? this.#token?.renewAt : undefined) ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Calls the credentials function before a connection is taken, once for all concurrent callers. Undefined when there
   * is nothing to ask.
   *
   * @param askTimeout how long the function may take, in milliseconds
   * @throws CredentialsFailure when its only token has expired; the promise rejects with one when the function fails
   */
  prepare(askTimeout: number): Promise<unknown> | undefined {
    this.#refuseEnded();
    if (typeof this.#source !== 'function' || this.#usableToken() !== undefined) return undefined;
    if (this.#asking !== undefined) return this.#asking;
    if (this.#signingIn !== undefined || this.#usableAnswer() !== undefined) return undefined;
    return this.#ask(askTimeout);
  }

  /**
   * Signs in the session, or rejects: a session is never left anonymous.
   * @param askTimeout How long a function may take to return the credentials, in milliseconds: less than `signal`
   * leaves in all, so that the error can name the function.
   */
  async apply(transport: Transport, session: Uuid, signal: AbortSignal, askTimeout: number): Promise<void> {
    for (;;) {
      this.#refuseEnded();
      const token = this.#usableToken();
      if (token !== undefined) {
        try {
          await transport.authenticate(token.text, session);
          this.#accepted.set(transport, token);
          return;
        } catch (error) {
          if (!isAnswer(error)) throw error;
          // The token may have been revoked. Sign in by the credentials, so that the server decides.
          if (this.#token === token) this.#token = undefined;
        }
      } else if (this.#signingIn === undefined) {
        await this.#lead(transport, session, signal, askTimeout);
        return;
      } else {
        // On success there is a token; on failure this session signs in itself. A refusal of the credentials counts for
        // all sessions on that server: another one may accept them. When there are none, that counts for all servers.
        const isSameServer = this.#signingInAt === transport.address.url;
        await untilAborted(this.#signingIn, signal).catch((error: unknown) => {
          const isForAll = isSameServer ? isSignInRefused(error) : error instanceof CredentialsFailure;
          if (signal.aborted || isForAll) throw error;
        });
      }
    }
  }

  /**
   * Gets a new token before the old one expires, on a session made for that. No-op while another session is signing in.
   */
  renew(transport: Transport, signal: AbortSignal, askTimeout: number): Promise<void> {
    return untilAborted(this.#renew(transport, signal, askTimeout), signal);
  }

  /** Notes when the server says the token expires, on the clock of `performance.now()`. */
  learnEnd(end: number): void {
    if (this.#onlyToken !== undefined) this.#end = end;
  }

  /** Replaces the credentials function: of functions with the same key, the one given last is called. */
  askInstead(provider: CredentialsProvider): void {
    this.#source = provider;
  }

  /**
   * Notes whether the user of a session can see its own record.
   * @throws CredentialsFailure when an earlier session saw it, and it is gone
   */
  checkRecord(record: string, isThere: boolean): void {
    if (isThere) this.#seenRecord = record;
    else if (this.#seenRecord === record) {
      // Signing in again with the same credentials may find another record.
      this.#token = undefined;
      throw new CredentialsFailure('the record of its user is gone, or may not be seen by that user any more');
    }
  }

  /** @throws CredentialsFailure */
  #refuseEnded(): void {
    if (systemClock.now() >= this.#end) throw new CredentialsFailure(`its token ended${this.#endOfToken()}`);
  }

  #endOfToken(): string {
    const { exp } = claimsOf(this.#onlyToken ?? '');
    // The whole value may be out of range: a made-up number may be no date.
    const date = new Date((exp ?? Number.NaN) * 1000);
    return Number.isNaN(date.getTime()) ? '' : ` at ${date.toISOString()}`;
  }

  /** Its token, if there is no way to get another one. */
  get #onlyToken(): string | undefined {
    const tokens = typeof this.#source === 'function' ? undefined : tokensOf(this.#source);
    return tokens?.refresh === undefined ? tokens?.access : undefined;
  }

  #usableToken(): IssuedToken | undefined {
    const token = this.#token;
    return isUsable(token) ? token : undefined;
  }

  #usableAnswer(): Answer | undefined {
    const answer = this.#answer;
    return answer !== undefined && systemClock.now() < answer.usableUntil ? answer : undefined;
  }

  async #renew(transport: Transport, signal: AbortSignal, askTimeout: number): Promise<void> {
    const token = this.#token;
    if (token === undefined) return;
    // If this fails, the old token is used until it expires, and renewal is tried again, more and more often.
    const now = systemClock.now();
    this.#token = { ...token, renewAt: now + Math.max(renewalPause, (token.usableUntil - now) / 2) };
    if (this.#signingIn !== undefined) return;
    const session = await transport.attach();
    try {
      signal.throwIfAborted();
      await this.#lead(transport, session, signal, askTimeout);
    } catch (error) {
      // The server refused: drop the old token too, so that the next session signs in by the credentials.
      if (isSignInRefused(error) && !(error instanceof CredentialsFailure)) this.#token = undefined;
      throw error;
    } finally {
      transport.detach(session).catch(() => {});
    }
  }

  /** Signs in for all waiting sessions. If it is given up, the next session takes over. */
  async #lead(transport: Transport, session: Uuid, signal: AbortSignal, askTimeout: number): Promise<void> {
    const signingIn = untilAborted(this.#signIn(transport, session, askTimeout), signal);
    this.#signingIn = signingIn;
    this.#signingInAt = transport.address.url;
    try {
      await signingIn;
    } finally {
      if (this.#signingIn === signingIn) this.#signingIn = undefined;
    }
  }

  /** @throws CredentialsFailure */
  #ask(askTimeout: number): Promise<Credentials> {
    this.#asking ??= this.#askFunction(askTimeout).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askFunction(askTimeout: number): Promise<Credentials> {
    try {
      const ask = (): Promise<Credentials | null> => resolveCredentials(this.#source);
      const credentials = await withDeadline(askingStep, askTimeout, [], ask);
      // A function that returns no credentials is an error. The session must not become anonymous.
      if (credentials === null) throw new Error('it returned null');
      this.#answer = { credentials, usableUntil: systemClock.now() + answerLife };
      return credentials;
    } catch (cause) {
      throw new CredentialsFunctionFailure(`the credentials function returned no credentials: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  /** The credentials for one sign-in; the next one calls the function again. */
  async #credentials(askTimeout: number): Promise<Credentials> {
    const source = this.#source;
    if (typeof source !== 'function') return source;
    const credentials = this.#usableAnswer()?.credentials ?? (await this.#ask(askTimeout));
    this.#answer = undefined;
    return credentials;
  }

  async #signIn(transport: Transport, session: Uuid, askTimeout: number): Promise<void> {
    const credentials = await this.#credentials(askTimeout);
    const tokens = tokensOf(credentials);
    if (tokens?.refresh !== undefined) {
      await this.#signInByRefresh(transport, session, tokens as Required<Tokens>);
    } else if (tokens !== undefined) {
      await transport.authenticate(tokens.access, session).catch((error: unknown) => {
        if (!isTokenExpired(error)) throw error;
        // The next caller is rejected without asking the server again.
        this.learnEnd(systemClock.now());
        throw new CredentialsFailure(`its token ended${this.#endOfToken()}`, { cause: error });
      });
      // Only a function can return another token next time.
      this.#keep(transport, tokens.access, remainingLife(tokens.access), typeof this.#source === 'function');
    } else {
      const { namespace, database } = this.#database;
      const isOfDatabase = 'variables' in credentials || 'key' in credentials;
      const where = isOfDatabase && credentials.namespace === undefined ? { namespace, database } : {};
      const issued = await transport.signin({ ...where, ...credentials } as AnyAuth, session);
      this.#keep(transport, issued.access, wholeLife(issued.access), true);
    }
  }

  /** Signs in by the access token until it expires, then gets a new pair by the refresh token. */
  async #signInByRefresh(transport: Transport, session: Uuid, given: Readonly<Required<Tokens>>): Promise<void> {
    // A pair from a function is newer than the pair kept from before.
    const refresh = typeof this.#source === 'function' ? given.refresh : (this.#refresh ?? given.refresh);
    if (refresh === given.refresh && this.#token === undefined && remainingLife(given.access) > 0) {
      const isGood = await transport.authenticate(given.access, session).then(
        () => true,
        (error: unknown) => {
          if (isTokenExpired(error)) return false;
          throw error;
        },
      );
      if (isGood) {
        this.#keep(transport, given.access, remainingLife(given.access), true);
        return;
      }
    }
    if (this.#refreshing !== undefined) {
      await this.#refreshing;
      const token = this.#token;
      await transport.authenticate(token?.text ?? '', session);
      if (token !== undefined) this.#accepted.set(transport, token);
      return;
    }
    const spend = refreshTokens(transport, { access: this.#token?.text ?? given.access, refresh }, session);
    this.#refreshing = spend.then((tokens) => {
      this.#refresh = tokens.refresh;
      this.#keep(transport, tokens.access, wholeLife(tokens.access), true);
    });
    // Callers see a failure; if none is left, the unhandled rejection must not end the process.
    this.#refreshing.catch(() => {});
    try {
      await this.#refreshing;
    } finally {
      this.#refreshing = undefined;
    }
  }

  #keep(transport: Transport, text: string, life: number, renewable: boolean): void {
    const now = systemClock.now();
    const end = now + life;
    // A token expired by our clock may be valid by the server's, so renewal is not tried without pause.
    const renewAt = Math.max(now + renewalPause, end - Math.min(renewBefore, life / 4));
    this.#token = {
      text,
      usableUntil: end - Math.min(useNoMore, life / 8),
      renewAt: renewable ? renewAt : Number.POSITIVE_INFINITY,
    };
    this.#accepted.set(transport, this.#token);
  }
}

function isUsable(token: IssuedToken | undefined): token is IssuedToken {
  return token !== undefined && systemClock.now() < token.usableUntil;
}

/** The tokens that credentials consist of; undefined for those that are signed in by. */
function tokensOf(credentials: Credentials): Tokens | undefined {
  if ('refresh' in credentials) return credentials;
  if (!('token' in credentials)) return undefined;
  const { token } = credentials;
  if (typeof token === 'string') return { access: token };
  return token.refresh === undefined ? { access: token.access } : { access: token.access, refresh: token.refresh };
}

/** Its name in errors. */
export const askingStep = 'the credentials function';

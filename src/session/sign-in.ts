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

/** A token is renewed a minute before its end, or when a quarter of its life is left if that is less. */
const renewBefore = 60_000;
/** It is used until ten seconds before its end, or an eighth of its life. */
const useNoMore = 10_000;
/** The shortest pause between two attempts to renew it, in milliseconds. */
const renewalPause = 1_000;
/** Credentials that a function gave are used within this time, or it is asked again: they may have changed. */
const answerLife = 10_000;

/** A token, and until when it is of use, on our own clock: the server's may differ. */
interface IssuedToken {
  readonly text: string;
  readonly usableUntil: number;
  readonly renewAt: number;
}

/** Credentials that a function gave before a connection was taken, for the sign-in on that connection. */
interface Answer {
  readonly credentials: Credentials;
  readonly usableUntil: number;
}

/**
 * Signs sessions in as one identity. A password costs the server some 56 ms of CPU, a token 0.4: so one session signs
 * in with the credentials and all others use the token it got, until that token nears its end or is refused.
 */
export class SignIn {
  /** The same for the same credentials; no secret can be read in it. */
  readonly key: string;
  /** Connections that are signed in by it. */
  connections = 0;
  /** Where the credentials come from: of functions with one key, the one given last. */
  #source: Credentials | CredentialsProvider;
  /** The record of its user, once a session has seen it: from then on it has to be there. */
  #seenRecord: string | undefined;
  readonly #database: DatabaseName;
  #token: IssuedToken | undefined;
  /** The refresh token that was issued last, which no other program has. */
  #refresh: string | undefined;
  /** Goes on when its caller gives up, since it has spent the refresh token: others must wait for the next one. */
  #refreshing: Promise<void> | undefined;
  #answer: Answer | undefined;
  #why: Promise<string> | undefined;
  #asking: Promise<Credentials> | undefined;
  #signingIn: Promise<void> | undefined;
  /** When its only token ends, on the clock of `performance.now()`, once the server has told. */
  #end = Number.POSITIVE_INFINITY;

  /** @param database where a record user signs in, unless the credentials say */
  constructor(key: string, source: Credentials | CredentialsProvider, database: DatabaseName) {
    this.key = key;
    this.#source = source;
    this.#database = database;
  }

  /** The token that its sessions are signed in by, while there is one that is good for a while. */
  usableToken(): string | undefined {
    return this.#usableToken()?.text;
  }

  get inUse(): boolean {
    return this.connections > 0;
  }

  /** Whether it holds what cannot be had again when it is forgotten: the next refresh token. */
  get isIrreplaceable(): boolean {
    return this.#refresh !== undefined;
  }

  /** Whether its sessions are signed in by a token that was brought, and not by one that the pool signed in for. */
  get bringsToken(): boolean {
    return typeof this.#source === 'function' || tokensOf(this.#source) !== undefined;
  }

  /**
   * Why the server refuses the credentials, as far as it can be found out; undefined for others than a name and a password.
   * @param triesLevels whether they may be tried at other levels than the one given, which is done once
   */
  async whyRefused(transport: Transport, error: unknown, triesLevels: boolean): Promise<string | undefined> {
    const source = this.#source;
    if (typeof source === 'function' || !('username' in source) || !isRefusedAuthentication(error)) return undefined;
    if (!triesLevels) return passwordRefused(source);
    this.#why ??= whyRefused(transport, source, this.#database);
    return await this.#why.catch(() => passwordRefused(source));
  }

  /** Who it is, for errors: whom the credentials name, or the last token where a function brings them. */
  get who(): string {
    const { text } = this.#token ?? {};
    return typeof this.#source === 'function' && text !== undefined ? whoseToken(text) : whoIs(this.#source);
  }

  /** Who it is, for messages: the kind of user and its place. */
  get user(): string {
    return describeUser(this.#token === undefined ? {} : claimsOf(this.#token.text));
  }

  /** When its token is to be renewed, on the clock of `performance.now()`; never while no connection uses it. */
  get renewAt(): number {
    return (this.inUse ? this.#token?.renewAt : undefined) ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Gets what a sign-in needs, before a connection is taken for it: asks the function for credentials, once for all callers
   * at the time. Undefined when there is nothing to ask.
   *
   * @param askTimeout how long the function may take, in milliseconds
   * @throws CredentialsFailure when its only token has ended; the promise rejects with one when the function fails
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
   * @param askTimeout How long a function may take to give the credentials, in milliseconds: less than what `signal` leaves
   * in all, so that it is known what took so long.
   */
  async apply(transport: Transport, session: Uuid, signal: AbortSignal, askTimeout: number): Promise<void> {
    for (;;) {
      this.#refuseEnded();
      const token = this.#usableToken();
      if (token !== undefined) {
        try {
          await transport.authenticate(token.text, session);
          return;
        } catch (error) {
          if (!isAnswer(error)) throw error;
          // The token may have been revoked; whether the credentials still hold is for the server to say.
          if (this.#token === token) this.#token = undefined;
        }
      } else if (this.#signingIn === undefined) {
        await this.#lead(transport, session, signal, askTimeout);
        return;
      } else {
        // On success there is a token; on failure the next session signs in. Only a refusal is one for all.
        await untilAborted(this.#signingIn, signal).catch((error: unknown) => {
          if (signal.aborted || isSignInRefused(error)) throw error;
        });
      }
    }
  }

  /** Gets a new token before the old one ends, on a session made for that, unless a session is just being signed in. */
  renew(transport: Transport, signal: AbortSignal, askTimeout: number): Promise<void> {
    return untilAborted(this.#renew(transport, signal, askTimeout), signal);
  }

  /** The server told when the token of a session ends, on the clock of `performance.now()`. */
  learnEnd(end: number): void {
    if (this.#onlyToken !== undefined) this.#end = end;
  }

  /** Of functions with one key, the one given last is asked. */
  askInstead(provider: CredentialsProvider): void {
    this.#source = provider;
  }

  /**
   * A session told whether its user can see its own record.
   * @throws CredentialsFailure when an earlier session saw it, and it is gone
   */
  checkRecord(record: string, isThere: boolean): void {
    if (isThere) this.#seenRecord = record;
    else if (this.#seenRecord === record) {
      // The same credentials may find another one.
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
    // As a whole: a made-up number may be no date.
    const date = new Date((exp ?? Number.NaN) * 1000);
    return Number.isNaN(date.getTime()) ? '' : ` at ${date.toISOString()}`;
  }

  /** The token that it has, where nothing can bring another one. */
  get #onlyToken(): string | undefined {
    const tokens = typeof this.#source === 'function' ? undefined : tokensOf(this.#source);
    return tokens?.refresh === undefined ? tokens?.access : undefined;
  }

  #usableToken(): IssuedToken | undefined {
    const token = this.#token;
    return token !== undefined && systemClock.now() < token.usableUntil ? token : undefined;
  }

  #usableAnswer(): Answer | undefined {
    const answer = this.#answer;
    return answer !== undefined && systemClock.now() < answer.usableUntil ? answer : undefined;
  }

  async #renew(transport: Transport, signal: AbortSignal, askTimeout: number): Promise<void> {
    const token = this.#token;
    if (token === undefined) return;
    // When it fails, the old one is used as long as it lives, and this is tried again, ever more often.
    const now = systemClock.now();
    this.#token = { ...token, renewAt: now + Math.max(renewalPause, (token.usableUntil - now) / 2) };
    if (this.#signingIn !== undefined) return;
    const session = await transport.attach();
    try {
      signal.throwIfAborted();
      await this.#lead(transport, session, signal, askTimeout);
    } catch (error) {
      // Refused: the old one is not used any more either, and the next session asks the credentials again.
      if (isSignInRefused(error) && !(error instanceof CredentialsFailure)) this.#token = undefined;
      throw error;
    } finally {
      transport.detach(session).catch(() => {});
    }
  }

  /** One that is given up leads no longer: the next session signs in for itself and the others. */
  async #lead(transport: Transport, session: Uuid, signal: AbortSignal, askTimeout: number): Promise<void> {
    const signingIn = untilAborted(this.#signIn(transport, session, askTimeout), signal);
    this.#signingIn = signingIn;
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
      // No credentials are not the same as no sign-in: never anonymous.
      if (credentials === null) throw new Error('it answered null');
      this.#answer = { credentials, usableUntil: systemClock.now() + answerLife };
      return credentials;
    } catch (cause) {
      throw new CredentialsFunctionFailure(`the credentials function gave none: ${messageOf(cause)}`, { cause });
    }
  }

  /** The credentials for one sign-in: after it the function is asked anew. */
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
        // The next caller is told without asking the server again.
        this.learnEnd(systemClock.now());
        throw new CredentialsFailure(`its token ended${this.#endOfToken()}`, { cause: error });
      });
      // Only a function may bring another one the next time.
      this.#keep(tokens.access, remainingLife(tokens.access), typeof this.#source === 'function');
    } else {
      const { namespace, database } = this.#database;
      const isOfDatabase = 'variables' in credentials || 'key' in credentials;
      const where = isOfDatabase && credentials.namespace === undefined ? { namespace, database } : {};
      const issued = await transport.signin({ ...where, ...credentials } as AnyAuth, session);
      this.#keep(issued.access, wholeLife(issued.access), true);
    }
  }

  /** The access token as long as it lives, then a new pair for the refresh token. */
  async #signInByRefresh(transport: Transport, session: Uuid, given: Readonly<Required<Tokens>>): Promise<void> {
    // A pair that a function brings is newer than what came of the one before.
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
        this.#keep(given.access, remainingLife(given.access), true);
        return;
      }
    }
    if (this.#refreshing !== undefined) {
      await this.#refreshing;
      await transport.authenticate(this.#token?.text ?? '', session);
      return;
    }
    const spend = refreshTokens(transport, { access: this.#token?.text ?? given.access, refresh }, session);
    this.#refreshing = spend.then((tokens) => {
      this.#refresh = tokens.refresh;
      this.#keep(tokens.access, wholeLife(tokens.access), true);
    });
    // Its callers are told of a failure; where none is left, it must not end the process.
    this.#refreshing.catch(() => {});
    try {
      await this.#refreshing;
    } finally {
      this.#refreshing = undefined;
    }
  }

  #keep(text: string, life: number, renewable: boolean): void {
    const now = systemClock.now();
    const end = now + life;
    // One that is over by our clock may be good by the server's: it is not asked for all the time.
    const renewAt = Math.max(now + renewalPause, end - Math.min(renewBefore, life / 4));
    this.#token = {
      text,
      usableUntil: end - Math.min(useNoMore, life / 8),
      renewAt: renewable ? renewAt : Number.POSITIVE_INFINITY,
    };
  }
}

/** The tokens that credentials consist of; undefined for those that are signed in by. */
function tokensOf(credentials: Credentials): Tokens | undefined {
  if ('refresh' in credentials) return credentials;
  if (!('token' in credentials)) return undefined;
  const { token } = credentials;
  if (typeof token === 'string') return { access: token };
  return token.refresh === undefined ? { access: token.access } : { access: token.access, refresh: token.refresh };
}

/** As it stands in errors. */
export const askingStep = 'the credentials function';

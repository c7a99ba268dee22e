import type { AnyAuth, Uuid } from 'surrealdb';
import type { DatabaseName } from '../config/database-name.js';
import type { Credentials, CredentialsProvider } from '../config/options.js';
import { resolveCredentials } from '../config/resolve.js';
import { DeadlineError } from '../errors/connect.js';
import { CredentialsFailure } from '../errors/credentials-failure.js';
import { messageOf } from '../errors/error-message.js';
import { isAnswer, isSignInRefused } from '../errors/server-errors.js';
import { untilAborted } from '../time/until-aborted.js';
import type { Transport } from '../wire/transport.js';

/** A token is renewed a minute before its end, or when a quarter of its life is left if that is less. */
const renewBefore = 60_000;
/** It is used until ten seconds before its end, or an eighth of its life. */
const useNoMore = 10_000;
/** The shortest pause between two attempts to renew it, in milliseconds. */
const renewalPause = 1_000;

/** A token, and until when it is of use, on our own clock: the server's may differ. */
interface IssuedToken {
  readonly text: string;
  readonly usableUntil: number;
  readonly renewAt: number;
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
  readonly #credentials: Credentials | CredentialsProvider;
  readonly #database: DatabaseName;
  #token: IssuedToken | undefined;
  #signingIn: Promise<void> | undefined;
  /** Its function is being asked for the credentials. */
  #asking = false;

  /** @param database where a record user signs in, unless the credentials say */
  constructor(key: string, credentials: Credentials | CredentialsProvider, database: DatabaseName) {
    this.key = key;
    this.#credentials = credentials;
    this.#database = database;
  }

  get inUse(): boolean {
    return this.connections > 0;
  }

  /** When its token is to be renewed, on the clock of `performance.now()`; never when nobody would use it. */
  get renewAt(): number {
    return (this.inUse ? this.#token?.renewAt : undefined) ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Signs in the session, or rejects: a session is never left anonymous.
   * @param patience How long a function may take to give the credentials, in milliseconds: less than what `signal` leaves
   * in all, so that it is known what took so long.
   */
  async apply(transport: Transport, session: Uuid, signal: AbortSignal, patience: number): Promise<void> {
    for (;;) {
      const token = this.#token;
      if (token !== undefined && performance.now() < token.usableUntil) {
        try {
          await transport.protocol.authenticate(token.text, session);
          return;
        } catch (error) {
          if (!isAnswer(error)) throw error;
          // The token may have been revoked; whether the credentials still hold is for the server to say.
          if (this.#token === token) this.#token = undefined;
        }
      } else if (this.#signingIn === undefined) {
        await this.#lead(transport, session, signal, patience);
        return;
      } else {
        // Whether it goes well or not: then there is a token, or the next one signs in. Only a refusal is one for all.
        const ends = this.#asking ? AbortSignal.any([signal, AbortSignal.timeout(patience)]) : signal;
        await untilAborted(this.#signingIn, ends).catch((error: unknown) => {
          if (signal.aborted || isSignInRefused(error)) throw error;
          if (ends.aborted && this.#asking) throw noCredentials(new DeadlineError(askingStep, patience));
        });
      }
    }
  }

  /** Gets a new token before the old one ends, on a session made for that, unless somebody is just doing it. */
  renew(transport: Transport, signal: AbortSignal, patience: number): Promise<void> {
    return untilAborted(this.#renew(transport, signal, patience), signal);
  }

  async #renew(transport: Transport, signal: AbortSignal, patience: number): Promise<void> {
    const token = this.#token;
    if (token === undefined) return;
    // When it fails, the old one is used as long as it lives, and this is tried again, ever more often.
    const now = performance.now();
    this.#token = { ...token, renewAt: now + Math.max(renewalPause, (token.usableUntil - now) / 2) };
    if (this.#signingIn !== undefined) return;
    const session = await transport.attach();
    try {
      signal.throwIfAborted();
      await this.#lead(transport, session, signal, patience);
    } catch (error) {
      // Refused: nobody uses the old one any more either, and the next session asks the credentials again.
      if (isSignInRefused(error) && !(error instanceof CredentialsFailure)) this.#token = undefined;
      throw error;
    } finally {
      transport.detach(session).catch(() => {});
    }
  }

  /** One that is given up leads no longer: the next session signs in for itself and the others. */
  async #lead(transport: Transport, session: Uuid, signal: AbortSignal, patience: number): Promise<void> {
    this.#signingIn = untilAborted(this.#signIn(transport, session, signal, patience), signal);
    try {
      await this.#signingIn;
    } finally {
      this.#signingIn = undefined;
    }
  }

  /** @throws CredentialsFailure */
  async #ask(signal: AbortSignal, patience: number): Promise<Credentials> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(new DeadlineError(askingStep, patience)), patience);
    this.#asking = true;
    try {
      const ends = AbortSignal.any([signal, deadline.signal]);
      const credentials = await untilAborted(resolveCredentials(this.#credentials), ends);
      // Nobody to sign in as is not the same as no sign-in: never anonymous.
      if (credentials === null) throw new Error('it answered null');
      return credentials;
    } catch (cause) {
      throw noCredentials(cause);
    } finally {
      this.#asking = false;
      clearTimeout(timer);
    }
  }

  async #signIn(transport: Transport, session: Uuid, signal: AbortSignal, patience: number): Promise<void> {
    const credentials = await this.#ask(signal, patience);
    if ('token' in credentials) {
      await transport.protocol.authenticate(credentials.token, session);
      // Only a function may bring another one the next time.
      this.#keep(credentials.token, remainingLife(credentials.token), typeof this.#credentials === 'function');
      return;
    }
    const { namespace, database } = this.#database;
    const where = 'access' in credentials && credentials.namespace === undefined ? { namespace, database } : {};
    const tokens = await transport.protocol.signin({ ...where, ...credentials } as AnyAuth, session);
    this.#keep(tokens.access, wholeLife(tokens.access), true);
  }

  #keep(text: string, life: number, renewable: boolean): void {
    const now = performance.now();
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

const askingStep = 'the credentials function';

function noCredentials(cause: unknown): CredentialsFailure {
  return new CredentialsFailure(`the credentials function gave none: ${messageOf(cause)}`, { cause });
}

/** How long a token lives that was issued just now, in milliseconds: both ends by the clock of whoever issued it. */
function wholeLife(token: string): number {
  const { exp, iat } = claimsOf(token);
  return exp === undefined || iat === undefined ? remainingLife(token) : (exp - iat) * 1000;
}

/** How long a token still lives, in milliseconds; one that does not say so is used until it is refused. */
function remainingLife(token: string): number {
  const { exp } = claimsOf(token);
  return exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000 - Date.now();
}

/** When a token was issued and when it ends, in seconds since 1970, as far as it says. */
function claimsOf(token: string): { exp?: number; iat?: number } {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const { exp, iat } = Object(claims) as Record<string, unknown>;
    return { ...(typeof exp === 'number' && { exp }), ...(typeof iat === 'number' && { iat }) };
  } catch {
    return {};
  }
}

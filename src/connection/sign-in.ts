import type { AnyAuth, Uuid } from 'surrealdb';
import type { Credentials, CredentialsProvider } from '../config/options.js';
import { resolveCredentials } from '../config/resolve.js';
import { UsageError } from '../errors.js';
import { isRefusedAuthentication } from './classification.js';
import type { Transport } from './transport.js';
import { untilAborted } from './until-aborted.js';

/** A token this close to its end, in milliseconds, is not handed out any more. */
const expiryMargin = 60_000;

/**
 * Signs sessions in as one identity. A password costs the server some 56 ms of CPU, a token 0.4: so one session signs
 * in with the credentials and all others use the token it got, until that token nears its end or is refused.
 */
export class SignIn {
  readonly #credentials: Credentials | CredentialsProvider;
  #token: string | undefined;
  #signingIn: Promise<string> | undefined;

  constructor(credentials: Credentials | CredentialsProvider) {
    this.#credentials = credentials;
  }

  /** Signs in the session, or rejects: a session is never left anonymous. */
  async apply(transport: Transport, session: Uuid, signal: AbortSignal): Promise<void> {
    const token = this.#token;
    if (token !== undefined && expiryOf(token) - Date.now() > expiryMargin) {
      try {
        await transport.protocol.authenticate(token, session);
        return;
      } catch (error) {
        if (!isRefusedAuthentication(error)) throw error;
        // The token may have been revoked; whether the credentials still hold is for the server to say.
        if (this.#token === token) this.#token = undefined;
      }
    }
    if (this.#signingIn !== undefined) {
      await transport.protocol.authenticate(await this.#signingIn, session);
      return;
    }
    // One that is given up leads no longer: the next session signs in for itself and the others.
    this.#signingIn = untilAborted(this.#signIn(transport, session), signal);
    try {
      this.#token = await this.#signingIn;
    } finally {
      this.#signingIn = undefined;
    }
  }

  async #signIn(transport: Transport, session: Uuid): Promise<string> {
    const credentials = await resolveCredentials(this.#credentials);
    // Nobody to sign in as is not the same as no sign-in: never anonymous.
    if (credentials === null) throw new UsageError('the credentials function answered null');
    if ('token' in credentials) {
      await transport.protocol.authenticate(credentials.token, session);
      return credentials.token;
    }
    const tokens = await transport.protocol.signin(credentials as AnyAuth, session);
    return tokens.access;
  }
}

/** When a token ends, in milliseconds since 1970; one that does not say so is used until it is refused. */
function expiryOf(token: string): number {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const expiry = typeof payload === 'object' && payload !== null && 'exp' in payload ? payload.exp : undefined;
    return typeof expiry === 'number' ? expiry * 1000 : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

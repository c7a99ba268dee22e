import { createHash } from 'node:crypto';
import { CborCodec } from 'surrealdb';
import type { DatabaseName } from '../config/database-name.js';
import type { Credentials, CredentialsProvider, IdentityOptions } from '../config/options.js';
import { UsageError } from '../errors/configuration.js';
import { messageOf } from '../errors/error-message.js';
import type { Identity } from '../pool/identity-group.js';
import { SignIn } from './sign-in.js';

/** Who a connection is, where it is, and what it brings along: part of what is lent. */
export interface ConnectionIdentity extends Identity, DatabaseName {
  /** Undefined: nobody signs in. */
  readonly signIn: SignIn | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** The pool's own identity, as it is configured. */
export interface HomeOptions extends DatabaseName {
  readonly credentials: Credentials | CredentialsProvider | null;
}

/** So many identities are signed in at most at the same time; of those used longest ago the token is forgotten. */
const mostSignIns = 1_000;

/**
 * Makes identities. Those with the same credentials share one sign-in, and with it the token; those that are the same in
 * everything have the same key, a digest, in which no secret can be read.
 */
export class Identities {
  readonly home: ConnectionIdentity;
  /** By the digest of their credentials, the one used last at the end. */
  readonly #signIns = new Map<string, SignIn>();
  readonly #providers = new WeakMap<CredentialsProvider, number>();
  readonly #codec = new CborCodec({});
  #lastProvider = 0;

  constructor(home: HomeOptions) {
    const { namespace, database, credentials } = home;
    const signIn = credentials === null ? undefined : this.#signInOf(credentials, home);
    this.home = { key: this.#keyOf(home, signIn, {}), namespace, database, signIn, variables: {} };
  }

  /** @throws UsageError when variables cannot be sent */
  of(options: IdentityOptions): ConnectionIdentity {
    const { home } = this;
    const { namespace = home.namespace, database = home.database, credentials, variables = {} } = options;
    const name = { namespace, database };
    const signIn = credentials === undefined ? home.signIn : this.#signInOf(credentials, name);
    return { key: this.#keyOf(name, signIn, variables), ...name, signIn, variables: this.#copy(variables) };
  }

  /** All sign-ins that may have a token to renew. */
  get signIns(): Iterable<SignIn> {
    return this.#signIns.values();
  }

  #keyOf(name: DatabaseName, signIn: SignIn | undefined, variables: Readonly<Record<string, unknown>>): string {
    const names = Object.keys(variables).sort();
    const values = names.length === 0 ? '' : this.#digest(names.map((variable) => [variable, variables[variable]]));
    return JSON.stringify([name.namespace, name.database, signIn?.key ?? null, values]);
  }

  #signInOf(credentials: Credentials | CredentialsProvider, name: DatabaseName): SignIn {
    // A record user is one of a database; other users are the same in all.
    const where = typeof credentials === 'function' || 'access' in credentials ? [name.namespace, name.database] : [];
    const key = this.#digest([this.#describe(credentials), ...where]);
    const signIn = this.#signIns.get(key) ?? new SignIn(key, this.#copy(credentials), name);
    this.#signIns.delete(key);
    this.#signIns.set(key, signIn);
    if (this.#signIns.size > mostSignIns) {
      for (const [oldest, { inUse }] of this.#signIns) {
        if (inUse) continue;
        this.#signIns.delete(oldest);
        break;
      }
    }
    return signIn;
  }

  /** Two functions are two identities, whatever they answer. */
  #describe(credentials: Credentials | CredentialsProvider): unknown {
    if (typeof credentials !== 'function') return Object.entries(credentials).sort();
    const number = this.#providers.get(credentials) ?? ++this.#lastProvider;
    this.#providers.set(credentials, number);
    return number;
  }

  /** What the key was made from, whatever its owner does to it later. */
  #copy<T>(value: T): T {
    return typeof value === 'function' ? value : this.#codec.decode<T>(this.#encode(value));
  }

  #digest(value: unknown): string {
    return createHash('sha256').update(this.#encode(value)).digest('base64');
  }

  #encode(value: unknown): Uint8Array {
    try {
      return this.#codec.encode(value);
    } catch (error) {
      throw new UsageError(`variables: a value that cannot be sent: ${messageOf(error)}`);
    }
  }
}

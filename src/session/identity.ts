import { createHash } from 'node:crypto';
import type { DatabaseName } from '../config/database-name.js';
import type { Credentials, CredentialsProvider, IdentityOptions } from '../config/identity-options.js';
import { UsageError } from '../errors/configuration.js';
import { messageOf } from '../errors/error-message.js';
import type { Identity } from '../pool/identity-group.js';
import { systemClock } from '../time/clock.js';
import { StrictCodec } from '../wire/sendable.js';
import { findFault } from '../wire/unsendable-path.js';
import { SignIn } from './sign-in.js';

/** Who a connection is, where it is, and what it brings along: part of what is lent. */
export interface ConnectionIdentity extends Identity, DatabaseName {
  /** Undefined: an anonymous session. */
  readonly signIn: SignIn | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Who a session is that signs in as no user, in errors. */
export const anonymous = 'no user';

/** The pool's own identity, as it is configured. */
export interface HomeOptions extends DatabaseName {
  readonly credentials: Credentials | CredentialsProvider | null;
}

/** So many identities keep a token at most while no connection uses it; those used longest ago are forgotten first. */
const mostSignIns = 1_000;
/** So many with a refresh token, which cannot be had again. */
const mostIrreplaceable = 20_000;
/** More functions than this with the same text within a minute are one function that is made for each request. */
const mostOfOneText = 20;
const minute = 60_000;

/**
 * Makes identities. Those with the same credentials share one sign-in, and with it the token; those that are the same in
 * everything have the same key, a digest, in which no secret can be read.
 */
export class Identities {
  readonly home: ConnectionIdentity;
  /** By the digest of their credentials, the one used last at the end. */
  readonly #signIns = new Map<string, SignIn>();
  readonly #providers = new WeakMap<CredentialsProvider, number>();
  readonly #codec = new StrictCodec();
  #lastProvider = 0;
  /** How many functions of each text came since `#countedSince`; undefined once that was told. */
  #texts: Map<string, number> | undefined = new Map();
  #countedSince = systemClock.now();
  readonly #onManyFunctions: () => void;

  /** @param onManyFunctions told once, when a credentials function is made anew for each request */
  constructor(home: HomeOptions, onManyFunctions: () => void) {
    this.#onManyFunctions = onManyFunctions;
    const { namespace, database, credentials } = home;
    const signIn = credentials === null ? undefined : this.#signInOf(credentials, undefined, home);
    this.home = { key: this.#keyOf(home, signIn, {}), namespace, database, signIn, variables: {} };
  }

  /** @throws UsageError when variables cannot be sent */
  of(options: IdentityOptions): ConnectionIdentity {
    const { home } = this;
    const { namespace = home.namespace, database = home.database, variables = {} } = options;
    const { credentials, credentialsKey } = options;
    const name = { namespace, database };
    let { signIn } = home;
    if (credentials === null) signIn = undefined;
    else if (credentials !== undefined) signIn = this.#signInOf(credentials, credentialsKey, name);
    return { key: this.#keyOf(name, signIn, variables), ...name, signIn, variables: this.#copy(variables) };
  }

  /** An identity made earlier, with the sign-in that is known now: it may have been forgotten since. */
  current(identity: ConnectionIdentity): ConnectionIdentity {
    const { signIn } = identity;
    if (signIn === undefined || signIn === this.home.signIn) return identity;
    const known = this.#signIns.get(signIn.key) ?? signIn;
    this.#note(known);
    return known === signIn ? identity : { ...identity, signIn: known };
  }

  /** All sign-ins that may have a token to renew. */
  get signIns(): Iterable<SignIn> {
    return this.#signIns.values();
  }

  #keyOf(name: DatabaseName, signIn: SignIn | undefined, variables: Readonly<Record<string, unknown>>): string {
    const names = Object.keys(variables).sort();
    const values =
      names.length === 0
        ? ''
        : this.#digest(
            names.map((variable) => [variable, variables[variable]]),
            variables,
          );
    return JSON.stringify([name.namespace, name.database, signIn?.key ?? null, values]);
  }

  #signInOf(credentials: Credentials | CredentialsProvider, named: string | undefined, name: DatabaseName): SignIn {
    // An access method is one of a database; other users are the same in all.
    const isOfDatabase = typeof credentials === 'function' || ('access' in credentials && !('refresh' in credentials));
    const where = isOfDatabase ? [name.namespace, name.database] : [];
    const described = named === undefined ? this.#describe(credentials) : { named };
    const key = this.#digest([described, ...where], credentials);
    const known = this.#signIns.get(key);
    const signIn = known ?? new SignIn(key, this.#copy(credentials), name);
    if (known !== undefined && typeof credentials === 'function') known.askInstead(credentials);
    this.#note(signIn);
    return signIn;
  }

  /** Used just now: the one used longest ago is forgotten, where there are too many. */
  #note(signIn: SignIn): void {
    this.#signIns.delete(signIn.key);
    this.#signIns.set(signIn.key, signIn);
    if (this.#signIns.size <= mostSignIns) return;
    const isFull = this.#signIns.size > mostIrreplaceable;
    for (const [oldest, { inUse, isIrreplaceable }] of this.#signIns) {
      if (inUse || (isIrreplaceable && !isFull)) continue;
      this.#signIns.delete(oldest);
      break;
    }
  }

  /** Two functions are two identities, whatever they answer. */
  #describe(credentials: Credentials | CredentialsProvider): unknown {
    if (typeof credentials !== 'function') return Object.entries(credentials).sort();
    const known = this.#providers.get(credentials);
    if (known !== undefined) return known;
    this.#providers.set(credentials, ++this.#lastProvider);
    this.#countText(Function.prototype.toString.call(credentials));
    return this.#lastProvider;
  }

  #countText(text: string): void {
    const now = systemClock.now();
    if (this.#texts === undefined) return;
    if (now - this.#countedSince > minute) {
      this.#texts.clear();
      this.#countedSince = now;
    }
    const count = (this.#texts.get(text) ?? 0) + 1;
    this.#texts.set(text, count);
    if (count <= mostOfOneText) return;
    this.#texts = undefined;
    this.#onManyFunctions();
  }

  /** What the key was made from, whatever its owner does to it later. */
  #copy<T>(value: T): T {
    return typeof value === 'function' ? value : this.#codec.decode<T>(this.#encode(value));
  }

  /** @param given what the value was made from, where that is something else */
  #digest(value: unknown, given: unknown = value): string {
    return createHash('sha256').update(this.#encode(value, given)).digest('base64');
  }

  #encode(value: unknown, given: unknown = value): Uint8Array {
    try {
      return this.#codec.encode(value);
    } catch (cause) {
      const fault = findFault(this.#codec, () => given) ?? messageOf(cause);
      throw new UsageError(`variables: a value cannot be sent: ${fault}`, { cause });
    }
  }
}

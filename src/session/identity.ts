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

/** The user, database and variables of a connection. The pool lends a connection only with the identity asked for. */
export interface ConnectionIdentity extends Identity, DatabaseName {
  /** Undefined: an anonymous session. */
  readonly signIn: SignIn | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** The user of an anonymous session, in errors. */
export const anonymous = 'no user';

/** The pool's own identity, as it is configured. */
export interface HomeOptions extends DatabaseName {
  readonly credentials: Credentials | CredentialsProvider | null;
}

/** How many identities without a connection keep their token; the least recently used are dropped first. */
const mostSignIns = 1_000;
/** The same for identities with a refresh token, which cannot be obtained again. */
const mostIrreplaceable = 20_000;
/** More functions than this with the same text within a minute mean that the caller creates one for each request. */
const mostOfOneText = 20;
const minute = 60_000;

/**
 * Makes identities. Identities with the same credentials share one sign-in and its token. Identities that are equal in
 * everything have the same key, a digest that reveals no secret.
 */
export class Identities {
  readonly home: ConnectionIdentity;
  /** By the digest of the credentials, most recently used last. */
  readonly #signIns = new Map<string, SignIn>();
  readonly #providers = new WeakMap<CredentialsProvider, number>();
  readonly #codec = new StrictCodec();
  #lastProvider = 0;
  /** How many functions of each text were seen since `#countedSince`; undefined once reported. */
  #texts: Map<string, number> | undefined = new Map();
  #countedSince = systemClock.now();
  readonly #onManyFunctions: () => void;

  /** @param onManyFunctions called once, when the caller creates a new credentials function for each request */
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

  /** An identity made earlier, with the present sign-in: the earlier one may have been dropped. */
  current(identity: ConnectionIdentity): ConnectionIdentity {
    const { signIn } = identity;
    if (signIn === undefined || signIn === this.home.signIn) return identity;
    const known = this.#signIns.get(signIn.key) ?? signIn;
    this.#note(known);
    return known === signIn ? identity : { ...identity, signIn: known };
  }

  /** All sign-ins, which may have a token to renew. */
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
    // An access method belongs to one database; other users are the same in all databases.
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

  /** Marks a sign-in as just used; drops the least recently used if there are too many. */
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

  /** Two functions are two identities, whatever they return. */
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

  /** Copies a value, so that the identity stays what its key was made from when the caller changes the value later. */
  #copy<T>(value: T): T {
    return typeof value === 'function' ? value : this.#codec.decode<T>(this.#encode(value));
  }

  /** @param given what the caller gave, if the value was derived from it */
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

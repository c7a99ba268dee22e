import { BoundQuery, type Uuid } from 'surrealdb';
import { withoutQuery } from '../config/address.js';
import { EndpointMismatchError } from '../errors/endpoint.js';
import { isAnswer, isRefusedAuthentication } from '../errors/server-errors.js';
import { withDeadline } from '../time/deadline.js';
import { untilAborted } from '../time/until-aborted.js';
import type { Transport } from '../wire/transport.js';
import type { Session } from './connection.js';
import type { SignIn } from './sign-in.js';
import { claimsOf, remainingLife } from './token-claims.js';

/** How stores are compared, and who is told. */
export interface StoreCheckSettings {
  /** See the option `balancing.storeCheck`. */
  readonly check: 'auto' | 'required' | 'off';
  /** Whether the pool has one address at the start: then nothing is asked until it gets another one. */
  readonly startsAlone: boolean;
  /** How long a server may take to say whether it accepts a token, in milliseconds. */
  readonly timeout: number;
  /** Called once, when a server is used although its store cannot be compared. */
  readonly notCompared: (endpoint: string) => void;
  /** Called when the only known server has another store than before: it was restarted without its data, say. */
  readonly replaced: (endpoint: string) => void;
}

/** A session that was just opened as this user. */
export interface OpenedSession {
  readonly transport: Transport;
  readonly session: Session;
  readonly signIn: SignIn | undefined;
}

/**
 * What a comparison shows. `contradicted`: this is not what is known of the store, but no server of it is connected to
 * confirm that, so it may have been replaced.
 */
type Verdict = 'same' | 'different' | 'contradicted' | 'unknown';

/**
 * Makes sure that all servers of a pool have one store. Two servers with a store each are the usual mistake behind a list of
 * addresses: every second call would not see what the one before it wrote. Compared once for each socket, since a server in
 * memory has a new store when it is restarted. Nothing is written, and there are two proofs:
 *
 * - The nodes. Each server that runs on a store enters a random id there, so two on one store list the same ids, and two
 *   stores have none in common. Only users of the whole server may list them, and everyone where no sign-in is needed.
 * - A token. That of a system user is signed with a random key, which its definition in the store holds: a server with
 *   another store refuses it, also when that has a user of the same name and password. A user of an access method proves
 *   nothing, since the key may be written in the schema of both.
 */
export class SameStore {
  readonly #settings: StoreCheckSettings;
  /** The ids of the nodes that the store listed last; empty when nobody could list them. */
  #nodes: ReadonlySet<string> = new Set();
  /** A token of each user that the store accepted. */
  #tokens = new WeakMap<SignIn, string>();
  /** The addresses of servers that had this store, the first of them first. */
  readonly #addresses = new Set<string>();
  /** Sockets to servers that have this store. */
  readonly #connected = new Set<Transport>();
  readonly #compared = new WeakMap<Transport, Promise<void>>();
  /** The last session of the only address so far, which has nothing to be compared with. */
  #alone: OpenedSession | undefined;
  #saidNotCompared = false;

  constructor(settings: StoreCheckSettings) {
    this.#settings = settings;
  }

  /**
   * Compares the store of a server with that of the others; the first one decides.
   * @throws EndpointMismatchError; the reason of the signal; and what the calls to this server throw
   */
  async check(opened: OpenedSession, signal: AbortSignal): Promise<void> {
    const { transport } = opened;
    if (this.#settings.check === 'off' || transport.isEmbedded) return;
    if (this.#isAlone(opened)) return;
    let comparing = this.#compared.get(transport);
    if (comparing === undefined) {
      comparing = this.#compareAfterFirst(opened);
      this.#compared.set(transport, comparing);
      // It may have failed for this session alone.
      comparing.catch((error: unknown) => {
        if (!(error instanceof EndpointMismatchError)) this.#compared.delete(transport);
      });
    }
    await untilAborted(comparing, signal);
  }

  /** While all connections are to one address nothing is asked; the first one to another address brings the first along. */
  #isAlone(opened: OpenedSession): boolean {
    if (!this.#settings.startsAlone || this.#addresses.size > 0) return false;
    const first = this.#alone;
    if (first === undefined || first.transport.ended || first.transport.address.url === opened.transport.address.url) {
      this.#alone = opened;
      return true;
    }
    return false;
  }

  /** An endpoint was removed from the pool. Once none is left of those that had the store, any store is accepted. */
  forget(url: string): void {
    this.#addresses.delete(url);
    if (this.#addresses.size === 0) this.#forgetStore();
  }

  async #compareAfterFirst(opened: OpenedSession): Promise<void> {
    const first = this.#alone;
    this.#alone = undefined;
    if (first !== undefined && first.transport !== opened.transport) {
      // Its session may be over by now; then its server is compared when it is connected anew.
      await withDeadline('asking the first server for its store', this.#settings.timeout, [], () =>
        this.#compare(first),
      ).catch(() => {});
    }
    await this.#compare(opened);
  }

  async #compare(opened: OpenedSession): Promise<void> {
    const { transport, signIn } = opened;
    const { url } = transport.address;
    const nodes = await nodesOf(opened);
    for (;;) {
      const isFirst = this.#addresses.size === 0;
      let verdict = this.#byNodes(nodes, transport);
      let token: string | undefined;
      if (verdict !== 'same' && signIn !== undefined) {
        const proof = await this.#byToken(transport, signIn);
        token = proof.token;
        if (proof.verdict !== 'unknown') verdict = proof.verdict;
      }
      // Another server has become the first meanwhile.
      if (isFirst && this.#addresses.size > 0) continue;
      const isKnown = this.#addresses.has(url);
      if (verdict === 'different' || (verdict === 'contradicted' && !isKnown)) throw this.#mismatch(transport);
      if (verdict === 'contradicted') {
        this.#forgetStore();
        this.#settings.replaced(transport.endpoint);
      }
      const isComparable = nodes !== undefined || token !== undefined;
      if (verdict === 'unknown' && !(isFirst && isComparable)) this.#useUncompared(transport);
      else this.#keep(opened, nodes, token);
      return;
    }
  }

  /** Notes a server that has the store, and what proves that of others. */
  #keep({ transport, signIn }: OpenedSession, nodes: ReadonlySet<string> | undefined, token: string | undefined): void {
    for (const known of this.#connected) if (known.ended) this.#connected.delete(known);
    this.#connected.add(transport);
    this.#addresses.add(transport.address.url);
    if (nodes !== undefined) this.#nodes = nodes;
    if (signIn !== undefined && token !== undefined) this.#tokens.set(signIn, token);
  }

  #byNodes(nodes: ReadonlySet<string> | undefined, transport: Transport): Verdict {
    if (nodes === undefined || this.#nodes.size === 0) return 'unknown';
    for (const id of nodes) if (this.#nodes.has(id)) return 'same';
    // A server that is connected is in the last list, and in every other list of its store.
    return this.#witnessFor(transport) === undefined ? 'contradicted' : 'different';
  }

  /** `token`: one that the server accepts. */
  async #byToken(transport: Transport, signIn: SignIn): Promise<{ verdict: Verdict; token: string | undefined }> {
    const token = tokenOn(transport, signIn);
    if (token === undefined || this.#addresses.size === 0) return { verdict: 'unknown', token };
    const known = this.#tokens.get(signIn);
    if (token === known) return { verdict: 'same', token };
    const witness = this.#witnessFor(transport);
    const accepted = witness === undefined ? undefined : await this.#ask(witness, token);
    if (accepted === true) return { verdict: 'same', token };
    // The other way round too, since one of them may have a wrong clock, and the user may have a new password.
    const others = new Set([witness && tokenOn(witness, signIn), known]);
    for (const other of others) {
      if (other !== undefined && (await accepts(transport, other))) return { verdict: 'same', token };
    }
    if (accepted === false) return { verdict: 'different', token };
    return { verdict: known !== undefined && remainingLife(known) > 0 ? 'contradicted' : 'unknown', token };
  }

  /** Undefined when it does not answer. */
  async #ask(witness: Transport, token: string): Promise<boolean | undefined> {
    const asking = withDeadline('comparing the stores of two servers', this.#settings.timeout, [], () =>
      accepts(witness, token),
    );
    return await asking.catch(() => undefined);
  }

  #witnessFor(transport: Transport): Transport | undefined {
    for (const known of this.#connected) if (known !== transport && !known.ended) return known;
    return undefined;
  }

  #useUncompared({ endpoint }: Transport): void {
    if (this.#settings.check === 'required') {
      throw new EndpointMismatchError(
        `the store of ${endpoint} cannot be compared with that of the other servers, which balancing.storeCheck asks for: give the pool a system user (of the server, the namespace or the database), or set balancing.storeCheck to 'auto'`,
        { endpoint, other: undefined },
      );
    }
    if (this.#saidNotCompared) return;
    this.#saidNotCompared = true;
    this.#settings.notCompared(endpoint);
  }

  #mismatch(transport: Transport): EndpointMismatchError {
    const { endpoint } = transport;
    const [first = endpoint] = this.#addresses;
    const other = this.#witnessFor(transport)?.endpoint ?? withoutQuery(first);
    const which = other === endpoint ? 'than before' : `than ${other}`;
    return new EndpointMismatchError(
      `${endpoint} has another store ${which}, so the pool does not use it. The servers of a pool share one store: take it out of the list, or give it a pool of its own; only if they are to be separate, set balancing.storeCheck to 'off'`,
      { endpoint, other },
    );
  }

  #forgetStore(): void {
    this.#addresses.clear();
    this.#connected.clear();
    this.#nodes = new Set();
    this.#tokens = new WeakMap();
  }
}

/** The ids of the nodes on the store; undefined when the user may not list them. */
async function nodesOf({ transport, session }: OpenedSession): Promise<ReadonlySet<string> | undefined> {
  // Users of a namespace or a database are refused for certain.
  if (session.level.namespace !== undefined) return undefined;
  try {
    const [answer] = await transport.query(new BoundQuery('RETURN (INFO FOR ROOT STRUCTURE).nodes.id'), session.id);
    if (answer?.error !== undefined) throw answer.error;
    const ids: unknown = answer?.result?.flat();
    if (!Array.isArray(ids) || ids.length === 0) return undefined;
    return new Set(ids.map((id: Uuid | string) => id.toString()));
  } catch (error) {
    if (isRefusedAuthentication(error)) return undefined;
    throw error;
  }
}

/** The token of a system user that a server accepts; undefined for any other user, and for one without a token. */
function tokenOn(transport: Transport, signIn: SignIn): string | undefined {
  const token = signIn.tokenOn(transport);
  return token === undefined || claimsOf(token).access !== undefined ? undefined : token;
}

/** Whether a server accepts a token, tried on a session of its own. */
async function accepts(transport: Transport, token: string): Promise<boolean> {
  const session = await transport.attach();
  try {
    await transport.authenticate(token, session);
    return true;
  } catch (error) {
    if (!isAnswer(error)) throw error;
    return false;
  } finally {
    transport.detach(session).catch(() => {});
  }
}

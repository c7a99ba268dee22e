import { type RpcErrorObject, type RpcQueryResult, Uuid } from 'surrealdb';
import type { Service, ServiceOptions } from './backend.js';
import { FairLock, type LockMode } from './fair-lock.js';
import {
  anonymousRefused,
  internalError,
  invalidParameters,
  methodNotFound,
  namespaceEmpty,
  sessionExists,
  sessionNotFound,
} from './rpc-errors.js';
import {
  codec,
  type EngineOutcome,
  encodeNotification,
  failure,
  outcomeOf,
  type RpcCall,
  success,
} from './rpc-wire.js';
import type { EngineCall, SharedEngine } from './shared-engine.js';

/** One session of the client, and the engine's session that stands for it. */
interface Session {
  /** Always a fresh id: two sockets may attach the same one, as the SDK does when it reconnects. */
  readonly engineId: Uuid;
  readonly lock: FairLock;
  readonly attached: Promise<EngineOutcome>;
  /** The live queries made in this session, each with the way to stop its notifications. */
  readonly liveQueries: Map<string, () => void>;
  signedIn: boolean;
}

// Methods that change their session. The embedded engine deadlocks a session for ever when one of them meets a query.
const changes = new Set([
  'use',
  'let',
  'unset',
  'signin',
  'signup',
  'authenticate',
  'refresh',
  'revoke',
  'invalidate',
  'reset',
]);
const signsIn = new Set(['signin', 'signup', 'authenticate', 'refresh']);
const signsOut = new Set(['invalidate', 'reset']);

/**
 * What a server does for one socket: its sessions, transactions and live queries, and nobody else's.
 *
 * It knows nothing of the network. Calls come in decoded, outcomes go out encoded.
 */
export class SocketService implements Service {
  readonly #engine: SharedEngine;
  readonly #options: ServiceOptions;
  readonly #own: Session;
  readonly #attached = new Map<string, Session>();
  // Like on a real server, a transaction belongs to the socket and not to the session that began it.
  readonly #transactions = new Set<string>();
  #closed = false;

  constructor(engine: SharedEngine, options: ServiceOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#own = this.#newSession();
  }

  /** Executes one call; rejects only when the engine itself is gone. */
  async execute(call: RpcCall): Promise<EngineOutcome> {
    switch (call.method) {
      case 'ping':
      case 'version':
        return this.#send({ method: call.method });
      case 'attach':
        return this.#attach(call.session);
      case 'detach':
        return this.#detach(call.session);
      case 'sessions':
        return success([...this.#attached.keys()].map((id) => new Uuid(id)));
      case 'begin':
        return this.#begin();
      case 'commit':
      case 'cancel':
        return this.#finish(call.method, call.params[0]);
      case 'query':
      case 'info':
      case 'live':
      case 'kill':
        return this.#inSession(call, 'shared', (session) => this.#query(call, session));
      default:
        if (!changes.has(call.method)) return failure(methodNotFound(call.method));
        return this.#inSession(call, 'exclusive', (session) => this.#change(call, session));
    }
  }

  /** What a server does when a socket is gone: nothing of it stays. */
  async close(): Promise<void> {
    this.#closed = true;
    const transactions = [...this.#transactions].map((id) => this.#finish('cancel', new Uuid(id)));
    const sessions = [this.#own, ...this.#attached.values()].map((session) => this.#endSession(session));
    this.#attached.clear();
    // An engine closed before its fronts leaves nothing to clean up.
    await Promise.allSettled([...transactions, ...sessions]);
  }

  // Sessions

  #newSession(): Session {
    const engineId = Uuid.v4();
    const lock = new FairLock();
    // Inside the lock, so that whatever a client sends meanwhile waits for the session to exist.
    const attached = lock.run('exclusive', () => this.#send({ method: 'attach', session: engineId }));
    // Whoever waits for the session sees the failure; without a waiter it must not end the process.
    attached.catch(() => {});
    return { engineId, lock, attached, liveQueries: new Map(), signedIn: false };
  }

  async #attach(id: Uuid | undefined): Promise<EngineOutcome> {
    if (id === undefined) return failure(invalidParameters('Expected a session ID'));
    if (this.#attached.has(id.toString())) return failure(sessionExists(id.toString()));
    const session = this.#newSession();
    this.#attached.set(id.toString(), session);
    return session.attached;
  }

  async #detach(id: Uuid | undefined): Promise<EngineOutcome> {
    if (id === undefined) return failure(invalidParameters('Expected a session ID'));
    const session = this.#attached.get(id.toString());
    this.#attached.delete(id.toString());
    if (session) await this.#endSession(session);
    // Like the engine: an unknown session counts as detached.
    return success(undefined);
  }

  /** Does not wait for queries that run in the session: the engine lets them finish without it. */
  async #endSession(session: Session): Promise<void> {
    await session.attached;
    if (session.liveQueries.size > 0) await session.lock.run('shared', () => this.#killAll(session));
    await this.#send({ method: 'detach', session: session.engineId });
  }

  async #inSession(
    call: RpcCall,
    mode: LockMode,
    work: (session: Session) => Promise<EngineOutcome>,
  ): Promise<EngineOutcome> {
    const session = call.session ? this.#attached.get(call.session.toString()) : this.#own;
    if (!session) return failure(sessionNotFound(String(call.session)));
    return session.lock.run(mode, async () => {
      // A server drops what a closed socket had not begun.
      if (this.#closed) return failure(internalError('The socket is closed'));
      return work(session);
    });
  }

  async #change(call: RpcCall, session: Session): Promise<EngineOutcome> {
    if (call.method === 'use') {
      const error = await this.#refusalOfUse(call.params, session);
      if (error) return failure(error);
    }
    // After the reset the session has no namespace any more, and without one nothing can be killed.
    if (call.method === 'reset') await this.#killAll(session);
    const outcome = await this.#send({ method: call.method, params: call.params, session: session.engineId });
    if ('value' in outcome) {
      if (signsIn.has(call.method)) session.signedIn = true;
      if (signsOut.has(call.method)) session.signedIn = false;
    }
    return outcome;
  }

  /** A database without a namespace aborts the whole process in the engine, so such a call must not reach it. */
  async #refusalOfUse(
    [namespace, database]: readonly unknown[],
    session: Session,
  ): Promise<RpcErrorObject | undefined> {
    if (isAbsent(database) || !isAbsent(namespace)) return undefined;
    // Null takes the namespace away; absent keeps the one the session has.
    if (namespace === null) return namespaceEmpty;
    const current = await this.#send({
      method: 'query',
      params: ['RETURN session::ns()', {}],
      session: session.engineId,
    });
    const [result] = 'value' in current ? codec.decode<RpcQueryResult[]>(current.value) : [];
    return result?.status === 'OK' && !isAbsent(result.result) ? undefined : namespaceEmpty;
  }

  // Transactions

  async #begin(): Promise<EngineOutcome> {
    const outcome = await this.#send({ method: 'begin', session: this.#own.engineId });
    if ('error' in outcome) return outcome;
    const transaction = codec.decode<Uuid>(outcome.value);
    this.#transactions.add(transaction.toString());
    if (this.#closed) await this.#finish('cancel', transaction);
    return outcome;
  }

  async #finish(method: 'commit' | 'cancel', transaction: unknown): Promise<EngineOutcome> {
    if (!(transaction instanceof Uuid)) return failure(invalidParameters('Expected transaction UUID'));
    // Taken out first: a commit that fails ends the transaction as well.
    if (!this.#transactions.delete(transaction.toString())) {
      return failure(invalidParameters('Transaction not found'));
    }
    return this.#send({ method, params: [transaction], session: this.#own.engineId });
  }

  // Queries

  async #query(call: RpcCall, session: Session): Promise<EngineOutcome> {
    if (this.#options.auth && !session.signedIn) return failure(anonymousRefused);
    if (call.transaction && !this.#transactions.has(call.transaction.toString())) {
      return failure(invalidParameters('Transaction not found'));
    }
    const { method, params, transaction: txn } = call;
    const outcome = await this.#send({ method, params, session: session.engineId, txn });
    if ('value' in outcome) {
      for (const id of liveQueriesIn(call, outcome.value)) this.#route(id, session);
    }
    if (this.#closed) await this.#killAll(session);
    return outcome;
  }

  // Live queries

  #route(liveQuery: string, session: Session): void {
    const stop = this.#engine.listen(liveQuery, (action, notification) => {
      if (action === 'KILLED') this.#forget(liveQuery, session);
      this.#options.notify(encodeNotification(notification));
    });
    session.liveQueries.set(liveQuery, stop);
  }

  #forget(liveQuery: string, session: Session): void {
    session.liveQueries.get(liveQuery)?.();
    session.liveQueries.delete(liveQuery);
  }

  /** The engine goes on with a live query whatever becomes of its session: only a KILL ends it. */
  async #killAll(session: Session): Promise<void> {
    const ids = [...session.liveQueries.keys()];
    for (const id of ids) this.#forget(id, session);
    for (const id of ids) {
      await this.#send({
        method: 'query',
        params: ['KILL $id', { id: new Uuid(id) }],
        session: session.engineId,
      });
    }
  }

  async #send(call: EngineCall): Promise<EngineOutcome> {
    return outcomeOf(await this.#engine.call(call));
  }
}

/** The ids of the live queries that a call started. */
function liveQueriesIn(call: RpcCall, value: Uint8Array): string[] {
  if (call.method === 'live') return [codec.decode<Uuid>(value).toString()];
  const [text] = call.params;
  // The bulk of the queries is spared the decoding of its results.
  if (call.method !== 'query' || typeof text !== 'string' || !/live/i.test(text)) return [];
  return codec
    .decode<RpcQueryResult[]>(value)
    .flatMap((result) => (result.status === 'OK' && result.type === 'live' ? [String(result.result)] : []));
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

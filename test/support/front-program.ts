import type { Backend, Place, Service, ServiceOptions } from './backend.js';
import { Front, type FrontConnection, type RpcCall } from './front.js';
import type { Fault } from './front-connection.js';
import { RealServer } from './real-server.js';
import { wrongCredentials } from './rpc-errors.js';
import type { ServerAddress } from './server-process.js';

/** What a front in a process of its own is made of. */
export interface FrontSetup {
  /**
   * The url of the embedded engine that it opens, or the server that it hands everything on to. One process alone can
   * open a rocksdb: the fronts of a cluster hand on to the front of the process that has.
   */
  readonly engine: string | ServerAddress;
  /** Where it goes while its conduct is `other store`. */
  readonly other?: ServerAddress | undefined;
  readonly auth?: boolean | undefined;
  /** The port to listen on. Default: any free one. */
  readonly port?: number | undefined;
}

/** How much later than at once requests are answered, in milliseconds. */
export interface Delays {
  /** By the method of the request. */
  readonly methods: Readonly<Record<string, number>>;
  /** Queries with the word SLOW in their text. */
  readonly slow: number;
}

/**
 * What a node does to its clients:
 * - `503`, `503 with Retry-After`: it has lost all sockets, and answers the upgrade of new ones with that
 * - `shutting down`: it answers queries with "gracefully shutting down" and closes their sockets with 1013
 * - `no room`, `lagging`: it closes the socket of a query with 1013 and one of the two other reasons there are
 * - `other store`: it has lost all sockets, and new ones see another store
 * - `auth revoked`: it has lost all sockets, and refuses every sign-in and every query
 */
export type Conduct =
  | 'well'
  | '503'
  | '503 with Retry-After'
  | 'shutting down'
  | 'no room'
  | 'lagging'
  | 'other store'
  | 'auth revoked';

/** What is asked of the process of a front: new delays, another conduct, or the answer to a query. */
export type Message =
  | { readonly number: number; readonly delays: Delays }
  | { readonly number: number; readonly conduct: Conduct }
  | { readonly number: number; readonly query: string; readonly place: Place };

/** The reasons of servers from 3.3 on. */
const reasons: Partial<Record<Conduct, string>> = {
  'no room': 'The server is unable to handle the request',
  lagging: 'Notifications were produced faster than this connection read them',
};
const tryAgainLater = 1013;
const revoked = new Set(['signin', 'authenticate', 'query']);

/** Goes to one of two stores: for each new socket, the one that it has been switched to. */
class Switch implements Backend {
  readonly #own: Backend;
  readonly #other: Backend | undefined;
  toOther = false;

  constructor(own: Backend, other: Backend | undefined) {
    this.#own = own;
    this.#other = other;
  }

  serve(options: ServiceOptions): Service {
    return (this.toOther ? (this.#other ?? this.#own) : this.#own).serve(options);
  }

  query(text: string, place?: Place): Promise<unknown[]> {
    return this.#own.query(text, place);
  }

  async close(): Promise<void> {
    await this.#own.close();
    await this.#other?.close();
  }
}

/** Opens an engine, or connects to a server. */
async function backendOf(engine: string | ServerAddress): Promise<Backend> {
  if (typeof engine !== 'string') return RealServer.connect(engine);
  // A front that only hands on starts sooner without it.
  const { SharedEngine } = await import('./shared-engine.js');
  const own = await SharedEngine.open(engine);
  await own.query('DEFINE NAMESPACE test; USE NS test; DEFINE DATABASE test');
  await own.query('DEFINE USER IF NOT EXISTS root ON ROOT PASSWORD "secret" ROLES OWNER');
  return own;
}

/** A front that is a process: see `FrontProcess`. */
export async function serve({ engine, other, auth = false, port = 0 }: FrontSetup): Promise<void> {
  const backend = new Switch(await backendOf(engine), other && (await backendOf(other)));
  const front = await Front.listen(backend, { auth, port });
  let delays: Delays = { methods: {}, slow: 0 };
  let conduct: Conduct = 'well';

  const faultOf = ({ method, params }: RpcCall, connection: FrontConnection): Fault => {
    const reason = reasons[conduct];
    if (reason !== undefined && method === 'query') {
      // What comes on a socket that is being closed is not executed.
      connection.close(tryAgainLater, reason);
      return 'kill';
    }
    if (conduct === 'auth revoked' && revoked.has(method)) return { error: wrongCredentials };
    const isSlow = method === 'query' && /\bSLOW\b/.test(String(params?.[0]));
    const delay = isSlow ? delays.slow : delays.methods[method];
    return delay === undefined ? 'pass' : { delay };
  };
  front.onRequest = faultOf;

  const behave = (next: Conduct): void => {
    conduct = next;
    front.refuse = next === '503' || (next === '503 with Retry-After' && '503 Service Unavailable\r\nRetry-After: 1');
    front.draining = next === 'shutting down';
    const changesStore = backend.toOther !== (next === 'other store');
    backend.toOther = next === 'other store';
    if (changesStore || front.refuse !== false || next === 'auth revoked') front.dropAll();
  };

  process.on('message', async (message: Message) => {
    if ('delays' in message) delays = message.delays;
    if ('conduct' in message) behave(message.conduct);
    const answer = 'query' in message ? JSON.stringify(await backend.query(message.query, message.place)) : undefined;
    process.send?.({ number: message.number, answer });
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ url: front.url });
}

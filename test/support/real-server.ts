import { once } from 'node:events';
import { createRemoteEngines, Surreal, Uuid } from 'surrealdb';
import { WebSocket } from 'ws';
import type { Backend, Place, Service, ServiceOptions } from './backend.js';
import { codec, isObject, type RpcCall, type RpcOutcome } from './rpc-wire.js';
import type { ServerAddress } from './server-process.js';
import { websocketImpl } from './websocket-impl.js';

/** A real server behind the fronts: whatever it is asked through one of them, it answers itself. */
export class RealServer implements Backend {
  readonly #url: string;
  readonly #beside: Surreal;
  readonly #token: string;

  private constructor(url: string, beside: Surreal, token: string) {
    this.#url = url;
    this.#beside = beside;
    this.#token = token;
  }

  static async connect({ url, username, password }: ServerAddress): Promise<RealServer> {
    const beside = new Surreal({ websocketImpl, engines: createRemoteEngines() });
    await beside.connect(url, { authentication: { username, password } });
    const token = beside.accessToken;
    if (token === undefined) throw new Error(`${url} gave no token to ${username}`);
    return new RealServer(url, beside, token);
  }

  serve(options: ServiceOptions): Service {
    return new RelayedSocket(this.#url, this.#token, options);
  }

  async query(text: string, place?: Place, bindings: Record<string, unknown> = {}): Promise<unknown[]> {
    const session = await this.#beside.forkSession();
    try {
      if (place) await session.use(place);
      return await session.query(text, bindings);
    } finally {
      await session.closeSession();
    }
  }

  async close(): Promise<void> {
    await this.#beside.close();
  }
}

// What leaves a session with nobody signed in.
const signsOut = new Set(['attach', 'reset', 'invalidate']);

/**
 * One socket of a front, continued to the server. Where a front has no authentication, everybody is root there: a real
 * server always asks.
 */
class RelayedSocket implements Service {
  readonly #options: ServiceOptions;
  readonly #token: string;
  readonly #socket: WebSocket;
  readonly #ready: Promise<void>;
  readonly #waiting = new Map<unknown, { resolve(outcome: RpcOutcome): void; reject(error: Error): void }>();
  #closed = false;

  constructor(url: string, token: string, options: ServiceOptions) {
    this.#options = options;
    this.#token = token;
    this.#socket = new WebSocket(url, 'cbor');
    this.#ready = once(this.#socket, 'open').then(() => this.#enter(undefined));
    // Whoever waits for it is told; without anybody it must not end the process.
    this.#ready.catch(() => {});
    this.#socket.on('error', () => {});
    this.#socket.on('message', (data: Buffer) => this.#receive(new Uint8Array(data)));
    this.#socket.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the server closed the socket'));
      this.#waiting.clear();
      if (!this.#closed) options.ended();
    });
  }

  async execute(call: RpcCall): Promise<RpcOutcome> {
    await this.#ready;
    const outcome = await this.#send(call);
    if (signsOut.has(call.method)) await this.#enter(call.session);
    return outcome;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    // Not by once() of node:events: a socket that is still opening has an error before its end, which it rejects with.
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.terminate();
    await closed;
  }

  async #enter(session: Uuid | undefined): Promise<void> {
    if (this.#options.auth) return;
    await this.#send({
      ...{ id: Uuid.v4().toString(), method: 'authenticate', params: [this.#token] },
      ...{ session, transaction: undefined },
    });
  }

  #send({ id, method, params, session, transaction }: RpcCall): Promise<RpcOutcome> {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) throw new Error('the server closed the socket');
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(codec.encode({ id, method, params, session, txn: transaction }));
    });
  }

  #receive(frame: Uint8Array): void {
    const message: unknown = codec.decode(frame);
    const id = isObject(message) ? message.id : undefined;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting === undefined) this.#options.notify(frame);
    // The client's own number is in it already.
    else waiting.resolve({ frame });
  }
}

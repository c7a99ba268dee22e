import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Backend } from './backend.js';
import { FrontConnection, type FrontRules, type RequestHook } from './front-connection.js';
import type { RpcCall } from './rpc-wire.js';

export type { Fault, RequestHook } from './front-connection.js';
export { FrontConnection } from './front-connection.js';
export type { Nonsense } from './nonsense.js';
export type { RpcCall } from './rpc-wire.js';

export interface FrontOptions {
  /** Refuse queries of sessions that never signed in. Default: no. */
  readonly auth?: boolean;
  /** Keep a log of all requests. Default: no. */
  readonly record?: boolean;
  /** The port to listen on, to come back at the address of a front that was closed. Default: any free one. */
  readonly port?: number;
  /** Milliseconds between the pings to each socket. Default: 5 s, like a real server. */
  readonly pingEvery?: number;
}

export interface LogEntry {
  readonly method: string;
  /** The client's own id of the session, absent for the socket's own. */
  readonly sessionId: string | undefined;
}

/**
 * A SurrealDB node made of an embedded engine and a WebSocket server, with switches for everything that goes wrong
 * with real ones. Several fronts over one engine are the stateless nodes of a cluster. Instead of the engine there may
 * be a real server behind it.
 */
export class Front implements FrontRules {
  readonly url: string;
  readonly port: number;
  readonly auth: boolean;
  readonly pingEvery: number;

  /** Decides what becomes of each request. */
  onRequest: RequestHook = () => 'pass';
  /** Answers what is not for a socket. */
  onHttp: RequestListener = (_request, response) => response.writeHead(404).end();
  /** Milliseconds every request takes longer. */
  latency = 0;
  /** Answer the upgrade of new sockets with 503, or with this status line and these headers. */
  refuse: boolean | string = false;
  /** Accept new TCP connections and never answer their upgrade. */
  blackHole = false;
  /** Answer queries with "shutting down" and then close their socket with 1013. */
  draining = false;

  /** Sockets ever accepted. */
  accepted = 0;
  /** The header `Host` of each request for a socket. */
  readonly hosts: (string | undefined)[] = [];
  /** Requests that arrived, by method. */
  readonly requests = new Map<string, number>();
  /** All requests in their order of arrival; stays empty without the option `record`. */
  readonly log: LogEntry[] = [];

  readonly #backend: Backend;
  readonly #record: boolean;
  readonly #server: Server;
  readonly #upgrader = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols) => (protocols.has('cbor') ? 'cbor' : false),
  });
  readonly #open = new Set<FrontConnection>();
  readonly #ending = new Set<Promise<void>>();
  readonly #streams = new Set<Duplex>();

  private constructor(backend: Backend, options: FrontOptions, server: Server) {
    const { port } = server.address() as AddressInfo;
    this.port = port;
    this.url = `ws://127.0.0.1:${port}/rpc`;
    this.auth = options.auth ?? false;
    this.pingEvery = options.pingEvery ?? 5_000;
    this.#backend = backend;
    this.#record = options.record ?? false;
    this.#server = server;
    server.on('request', (request, response) => this.onHttp(request, response));
    server.on('upgrade', (request, stream, head) => this.#upgrade(request, stream, head));
  }

  static async listen(backend: Backend, options: FrontOptions = {}): Promise<Front> {
    const server = createServer();
    await new Promise<void>((listening, failed) => {
      server.once('error', failed);
      server.listen(options.port ?? 0, '127.0.0.1', listening);
    });
    return new Front(backend, options, server);
  }

  /** The number of sockets open now. */
  get connections(): number {
    return this.#open.size;
  }

  /** The sockets open now, the oldest first. */
  get sockets(): readonly FrontConnection[] {
    return [...this.#open];
  }

  /** Terminates every socket. */
  dropAll(): void {
    for (const connection of this.#open) connection.terminate();
  }

  /** Closes every socket properly, with this close code. */
  closeAll(code: number): void {
    for (const connection of this.#open) connection.close(code);
  }

  /** Sends garbage to one client. */
  corrupt(connection: FrontConnection): void {
    connection.corrupt();
  }

  /** Makes one socket dead without closing it. */
  halfOpen(connection: FrontConnection): void {
    connection.halfOpen();
  }

  /** Stops listening, terminates every socket and waits until the engine holds nothing of them. */
  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.dropAll();
    // Upgrades that were never answered have no socket of their own to terminate.
    for (const stream of this.#streams) stream.destroy();
    this.#server.closeAllConnections();
    await closed;
    await Promise.all(this.#ending);
  }

  arrived(request: RpcCall): void {
    this.requests.set(request.method, (this.requests.get(request.method) ?? 0) + 1);
    if (this.#record) this.log.push({ method: request.method, sessionId: request.session?.toString() });
  }

  #refusalOf(request: IncomingMessage): string | undefined {
    if (typeof this.refuse === 'string') return this.refuse;
    if (this.refuse) return '503 Service Unavailable';
    return request.url === '/rpc' ? undefined : '404 Not Found';
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    this.hosts.push(request.headers.host);
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    // A client that gives up resets the connection, which nobody else listens for before the upgrade.
    stream.on('error', () => {});
    if (this.blackHole) {
      // Only a stream that is read tells that its client gave up.
      stream.once('end', () => stream.destroy()).resume();
      return;
    }
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) {
      stream.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#upgrader.handleUpgrade(request, stream, head, (socket) => {
      this.accepted += 1;
      const connection = new FrontConnection(this.accepted, socket, this.#backend, this);
      this.#open.add(connection);
      this.#ending.add(connection.closed);
      socket.once('close', () => this.#open.delete(connection));
      void connection.closed.then(() => this.#ending.delete(connection.closed));
    });
  }
}

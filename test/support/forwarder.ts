import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What went through a forwarder so far. */
export interface Traffic {
  /** TCP connections ever accepted, silent ones included. */
  accepted: number;
  bytesToServer: number;
  bytesToClient: number;
}

/** Both ends of one forwarded connection; without a server when it was accepted into silence. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket | undefined;
  /** Nothing passes to the client any more, not even the end of the connection. */
  isAbandoned: boolean;
}

// Each direction ends by itself, as in TCP: the other end may still have something to say.
const halfOpen = { allowHalfOpen: true, noDelay: true } as const;

/**
 * A piece of network between a client and a server, which fails on request. It knows nothing of what
 * it carries, so it can break what the server behind it could not: a connection that is reset, silent or slow.
 */
export class Forwarder {
  readonly port: number;
  /** What a SurrealDB client connects to. */
  readonly url: string;
  readonly traffic: Traffic = { accepted: 0, bytesToServer: 0, bytesToClient: 0 };
  /** Milliseconds everything takes on its way, in each direction. */
  latency = 0;
  /** How much passes on each connection in a second, in each direction. */
  bytesPerSecond = Number.POSITIVE_INFINITY;
  /** Accept new connections and never say or pass on anything. */
  acceptSilently = false;

  readonly #target: { readonly port: number; readonly host: string };
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  /** Pending while the forwarder is silent. */
  #passage = Promise.resolve();
  #open: (() => void) | undefined;

  private constructor(target: { readonly port: number; readonly host: string }, server: Server) {
    const { port } = server.address() as AddressInfo;
    this.port = port;
    this.url = `ws://127.0.0.1:${port}/rpc`;
    this.#target = target;
    this.#server = server;
    server.on('connection', (client) => this.#accept(client));
  }

  static async listen(port: number, host = '127.0.0.1'): Promise<Forwarder> {
    const server = createServer(halfOpen);
    await listening(server, 0);
    return new Forwarder({ port, host }, server);
  }

  /** The number of connections open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Resets every connection at both ends (RST): what was under way is lost. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      reset(client);
      if (server !== undefined) reset(server);
    }
  }

  /** Ends every connection at both ends in the way of TCP (FIN), though not in the way of a WebSocket. */
  cutCleanly(): void {
    for (const { client, server } of this.#pairs) {
      client.end();
      server?.end();
    }
  }

  /** Ends the half of every connection that leads to the client (FIN), and goes on reading what the client sends. */
  endTowardsClient(): void {
    for (const { client } of this.#pairs) client.end();
  }

  /**
   * Leaves every connection half-open: the server's end is reset, and the client's stays as it is, without a word, until
   * `cutAbandoned()`. What is left of a connection whose other end lost its power.
   */
  abandon(): void {
    for (const pair of this.#pairs) {
      pair.isAbandoned = true;
      if (pair.server !== undefined) reset(pair.server);
    }
  }

  /** Resets what `abandon()` has left. */
  cutAbandoned(): void {
    for (const { client, isAbandoned } of this.#pairs) if (isAbandoned) reset(client);
  }

  /** From now on nothing passes, not even the end of a connection, and everything stays open until `resume()`. */
  silence(): void {
    if (this.#open !== undefined) return;
    this.#passage = new Promise((open) => {
      this.#open = open;
    });
  }

  /** Lets pass what waited, in its order. */
  resume(): void {
    this.#open?.();
    this.#open = undefined;
  }

  /** Stops listening: new connections are refused, open ones go on. */
  refuse(): void {
    // Its callback would wait for the open connections; the port is free at once.
    if (this.#server.listening) this.#server.close();
  }

  /** Listens again, on the same port. */
  async accept(): Promise<void> {
    if (!this.#server.listening) await listening(this.#server, this.port);
  }

  /** Stops listening and resets every connection. */
  async close(): Promise<void> {
    const closed = this.#server.listening ? new Promise((done) => this.#server.close(done)) : undefined;
    this.cut();
    await closed;
  }

  #accept(client: Socket): void {
    this.traffic.accepted += 1;
    const server = this.acceptSilently ? undefined : connect({ ...halfOpen, ...this.#target });
    const pair: Pair = { client, server, isAbandoned: false };
    this.#pairs.add(pair);
    for (const end of [client, server]) {
      end?.once('close', () => {
        if (client.closed && server?.closed !== false) this.#pairs.delete(pair);
      });
      // An error always ends in `close`, which is where it is dealt with.
      end?.on('error', () => {});
    }
    if (server === undefined) return;
    this.#forward(pair, client, server, 'bytesToServer');
    this.#forward(pair, server, client, 'bytesToClient');
  }

  #forward(pair: Pair, from: Socket, to: Socket, count: 'bytesToServer' | 'bytesToClient'): void {
    let last: Promise<unknown> = Promise.resolve();
    const isDeaf = (): boolean => pair.isAbandoned && to === pair.client;
    /** Everything takes its time from its own arrival, and nothing overtakes. */
    const inOrder = (step: () => void): void => {
      const arrived = this.latency > 0 ? sleep(this.latency, undefined, { ref: false }) : undefined;
      last = Promise.all([last, arrived])
        .then(() => this.#passage)
        .then(step);
    };
    from.on('data', (data) => {
      const sent = data.length / this.bytesPerSecond;
      if (sent > 0) last = last.then(() => sleep(1_000 * sent, undefined, { ref: false }));
      inOrder(() => {
        if (!to.writable || isDeaf()) return;
        this.traffic[count] += data.length;
        if (to.write(data)) return;
        from.pause();
        to.once('drain', () => from.resume());
      });
    });
    from.once('end', () => inOrder(() => isDeaf() || to.end()));
    from.once('close', (failed) =>
      inOrder(() => {
        if (isDeaf()) return;
        if (failed) reset(to);
        else to.end();
      }),
    );
  }
}

function reset(socket: Socket): void {
  // Who has said goodbye cannot reset any more: libuv refuses it, and Node would never close the socket then.
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((ready, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed);
      ready();
    });
  });
}

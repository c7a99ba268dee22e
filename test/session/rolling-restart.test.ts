import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Table } from 'surrealdb';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import { Forwarder } from '../support/forwarder.js';
import type { Front } from '../support/front.js';
import { once } from '../support/once.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const patiently = { timeout: 20_000 };
const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** Three nodes behind one address; new connections go to those that are in service, in turn. */
class Balancer {
  readonly nodes: { readonly front: Front; readonly network: Forwarder; inService: boolean }[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #next = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (client) => {
      const ready = this.nodes.filter(({ inService }) => inService);
      const { network } = ready[this.#next++ % ready.length] ?? {};
      const node = connect(network?.port ?? 0, '127.0.0.1');
      client.pipe(node).pipe(client);
      for (const [one, other] of [
        [client, node],
        [node, client],
      ] as const) {
        this.#sockets.add(one);
        one.setNoDelay();
        one.on('error', () => other.destroy());
        one.once('close', () => this.#sockets.delete(one));
      }
    });
  }

  static async listen(latency: number): Promise<Balancer> {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((ready) => server.once('listening', ready));
    const balancer = new Balancer(server);
    for (let node = 0; node < 3; node++) {
      const front = await own.listen();
      const network = await Forwarder.listen(front.port);
      network.latency = latency;
      balancer.nodes.push({ front, network, inService: true });
    }
    cleanUps.push(() => balancer.#close());
    return balancer;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/rpc`;
  }

  async #close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    for (const { network } of this.nodes) await network.close();
  }
}

const work = (pool: ConnectionManager) =>
  pool.executeWithRetry((connection) => connection.query('RETURN 1').collect(), { idempotent: true });
const read = (pool: ConnectionManager) => pool.query('SELECT * FROM thing').collect();
const select = (pool: ConnectionManager) => pool.scope({ variables: { a: 1 } }).select(new Table('thing'));

const kinds: readonly [what: string, code: number, call: (pool: ConnectionManager) => Promise<unknown>][] = [
  ['repeatable work', 1001, work],
  ['repeatable work', 1012, work],
  ['reads of the pool', 1001, read],
  ['reads of the pool', 1012, read],
  ['reads of a view of the pool', 1012, select],
];

/** Restarts three nodes one after the other while callers call: the errors that these see, and whether all is well then. */
async function restart(latency: number, code: number, call: (pool: ConnectionManager) => Promise<unknown>) {
  const balancer = await Balancer.listen(latency);
  const pool = await own.pool(balancer.url, {
    minConnections: 12,
    maxConnections: 12,
    retryPolicy: { initialBackoff: 5, maxBackoff: 50 },
  });
  await vi.waitFor(() => expect(pool.poolStats().idle).toBe(12), patiently);
  const errors: unknown[] = [];
  let answered = 0;
  let stopped = false;
  const callers = Array.from({ length: 4 }, async () => {
    while (!stopped) {
      await call(pool).then(
        () => answered++,
        (error: unknown) => errors.push(error),
      );
    }
  });
  try {
    for (const node of balancer.nodes) {
      node.inService = false;
      await vi.waitFor(() => {
        // Again for those that were on their way to this node.
        node.front.closeAll(code);
        expect(node.front.connections).toBe(0);
      }, patiently);
      node.inService = true;
      const before = answered;
      await vi.waitFor(() => expect(answered).toBeGreaterThan(before + 20), patiently);
    }
  } finally {
    stopped = true;
    await Promise.all(callers);
  }
  await vi.waitFor(() => expect(pool.healthStatus().healthy).toBe(true), patiently);
  return errors;
}

describe.each([0, 25])('a rolling restart of three nodes that is announced, %i ms away', (latency) => {
  const played = once(() => Promise.allSettled(kinds.map(([, code, call]) => restart(latency, code, call))));

  test.each(kinds.map(([what, code], index) => [what, code, index] as const))(
    'no caller of %s sees it, with close code %i',
    async (_what, _code, index) => {
      const end = (await played())[index];
      if (end?.status !== 'fulfilled') throw end?.reason;
      expect(end.value).toEqual([]);
    },
  );
});

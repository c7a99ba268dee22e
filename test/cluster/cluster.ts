import { join } from 'node:path';
import type { Ask } from '../chaos/ledger.js';
import { Forwarder } from '../support/forwarder.js';
import { FrontProcess } from '../support/front-process.js';
import type { Conduct } from '../support/front-program.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { type ServerAddress, ServerProcess } from '../support/server-process.js';
import { rocksdbUrl } from '../support/temporary.js';

export const place = { namespace: 'cluster', database: 'cluster' };
export const credentials = { username: 'root', password: 'secret' };

/** What can be done to the process of a node. */
interface NodeProcess extends ServerAddress {
  kill(): Promise<void>;
  /** Starts it again, at the same address. */
  start(): Promise<void>;
  suspend(): void;
  resume(): void;
  behave?(conduct: Conduct): Promise<void>;
}

/** One node of a cluster, and the two ways to it: it has a second address, to move to. */
export interface ClusterNode {
  readonly process: NodeProcess;
  readonly network: Forwarder;
  readonly moved: Forwarder;
}

/** Three nodes in processes of their own, to which things happen. */
export interface Cluster {
  readonly nodes: readonly ClusterNode[];
  /** Asks each store beside all faults. */
  readonly stores: readonly Ask[];
  /** Its engine forgets live queries: see `Subscribers.excuse()`. */
  readonly forgets: boolean;
  /** Where a node goes that has gone astray. */
  readonly otherStore?: Ask;
  /** The sockets that clients have open. */
  connections(): number;
  close(): Promise<void>;
}

async function nodeOf(process: NodeProcess): Promise<ClusterNode> {
  const port = Number(new URL(process.url).port);
  return { process, network: await Forwarder.listen(port), moved: await Forwarder.listen(port) };
}

function clusterOf(
  nodes: readonly ClusterNode[],
  stores: Pick<Cluster, 'stores' | 'otherStore' | 'forgets'>,
  end: () => Promise<unknown>,
): Cluster {
  const networks = nodes.flatMap(({ network, moved }) => [network, moved]);
  return {
    nodes,
    ...stores,
    connections: () => networks.reduce((sum, { connections }) => sum + connections, 0),
    async close() {
      for (const network of networks) await network.close();
      await end();
    },
  };
}

/**
 * pool ── three forwarders ── three fronts, each a process ── one rocksdb, in a process of its own. A node that is killed
 * takes its sessions, transactions and live queries with it, and leaves the store.
 */
export async function frontCluster(): Promise<Cluster> {
  const [store, other] = await Promise.all([
    FrontProcess.start({ engine: rocksdbUrl(), auth: true }),
    FrontProcess.start({ engine: 'mem://', auth: true }),
  ]);
  const [ask, otherStore] = await Promise.all([preparedDatabase(store, place), preparedDatabase(other, place)]);
  const setup = { engine: addressOf(store), other: addressOf(other), auth: true };
  const fronts = await Promise.all([0, 1, 2].map(() => FrontProcess.start(setup)));
  const nodes = await Promise.all(fronts.map(nodeOf));
  return clusterOf(nodes, { stores: [ask], otherStore, forgets: true }, async () => {
    await Promise.all(fronts.map((front) => front.kill()));
    await Promise.all([store.kill(), other.kill()]);
  });
}

/**
 * pool ── three forwarders ── three real servers, each with a store of its own: a write is found in one of them.
 * @param folders where each finds its `surreal`; without one, on the PATH
 */
export async function serverCluster(folders: readonly (string | undefined)[]): Promise<Cluster> {
  const servers = await Promise.all(
    folders.map((folder) => ServerProcess.start(folder === undefined ? {} : { program: join(folder, 'surreal') })),
  );
  const stores = await Promise.all(servers.map((each) => preparedDatabase(each, place)));
  const nodes = await Promise.all(servers.map(nodeOf));
  return clusterOf(nodes, { stores, forgets: false }, () => Promise.all(servers.map((server) => server.kill())));
}

function addressOf({ url, username, password }: ServerAddress): ServerAddress {
  return { url, username, password };
}

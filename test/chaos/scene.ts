import { type Fault, frontFaults, networkFaults } from '../support/faults.js';
import { Forwarder } from '../support/forwarder.js';
import { Front } from '../support/front.js';
import { preparedDatabase } from '../support/prepared-database.js';
import type { Random } from '../support/seeded-random.js';
import type { ServerAddress } from '../support/server-process.js';
import { SharedEngine } from '../support/shared-engine.js';
import { rocksdbUrl } from '../support/temporary.js';
import type { Ask } from './ledger.js';

export const place = { namespace: 'chaos', database: 'chaos' };

/** A server to which things happen, and the way there. */
export interface Scene {
  /** Where clients connect. */
  readonly url: string;
  readonly credentials: { readonly username: string; readonly password: string };
  /** Faults that may come at the same time as those of the other lists; of one list there is one at a time. */
  readonly faults: readonly (readonly Fault[])[];
  /** Asks the server beside all faults. */
  readonly ask: Ask;
  /** Whether its engine does when many write one record at once, as `mem://` and `surrealkv://` of SurrealDB 3.0 do. */
  readonly losesUpdates: boolean;
  /** The sockets that clients have open. */
  connections(): number;
  close(): Promise<void>;
}

/** client ── forwarder ── front ── engine: faults of the network, and those of the server. */
export async function frontScene(random: Random): Promise<Scene> {
  const engine = await SharedEngine.open(rocksdbUrl());
  await engine.query('DEFINE USER root ON ROOT PASSWORD "secret" ROLES OWNER', place);
  const front = await Front.listen(engine, { auth: true });
  const forwarder = await Forwarder.listen(front.port);
  return {
    url: forwarder.url,
    credentials: { username: 'root', password: 'secret' },
    faults: [frontFaults(front, random), networkFaults(forwarder, random)],
    ask: (text) => engine.query(text, place),
    losesUpdates: false,
    connections: () => forwarder.connections + front.connections,
    async close() {
      await forwarder.close();
      await front.close();
      await engine.close();
    },
  };
}

/** client ── forwarder ── a real server: faults of the network, and whatever else can be done to that server. */
export async function serverScene(
  server: ServerAddress,
  random: Random,
  others: readonly Fault[] = [],
): Promise<Scene> {
  const { username, password } = server;
  const { hostname, port } = new URL(server.url);
  const forwarder = await Forwarder.listen(Number(port), hostname);
  const ask = await preparedDatabase(server, place);
  return {
    url: forwarder.url,
    credentials: { username, password },
    faults: others.length > 0 ? [others, networkFaults(forwarder, random)] : [networkFaults(forwarder, random)],
    ask,
    // The tests' own server stores in rocksdb; of another one that is not known.
    losesUpdates: process.env.SURREALDB_URL !== undefined,
    connections: () => forwarder.connections,
    close: () => forwarder.close(),
  };
}

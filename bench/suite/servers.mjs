import { createPool } from '../../dist/index.js';
import { compare, waiting } from '../harness/paired.mjs';
import { startServer } from '../support/server.mjs';
import { byCallers } from './query.mjs';

export const question = 'what do two and three servers gain over one, with as many connections in all?';

const most = 3;
const maxConnections = 24;
const options = {
  namespace: 'bench',
  database: 'bench',
  minConnections: maxConnections,
  maxConnections,
  balancing: { storeCheck: /** @type {const} */ ('off') },
};
/** A read that costs the server next to nothing, and one that it works on for some time. */
const statements = ['RETURN 1', 'RETURN array::len(array::range(0, 5000))'];

/** @typedef {import('../../dist/index.js').ConnectionManager} ConnectionManager */
/** @type {[string, (pool: ConnectionManager, statement: string) => PromiseLike<unknown>][]} */
const ways = [
  ['single calls', (pool, statement) => pool.query(statement)],
  ['leases', (pool, statement) => pool.withConnection((connection) => connection.query(statement))],
];

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  const servers = await Promise.all(Array.from({ length: most }, startServer));
  /** @type {[string, ConnectionManager][]} */
  const pools = [];
  for (let count = 1; count <= most; count++) {
    const pool = await createPool(
      servers.slice(0, count).map(({ url }) => url),
      options,
    );
    await pool.warm();
    pools.push([count === 1 ? '1 server' : `${count} servers`, pool]);
  }
  for (const statement of statements) {
    for (const [what, call] of ways) {
      yield await compare(
        `${what} of ${statement}, 64 callers on ${maxConnections} connections, ${servers[0]?.what}`,
        pools.map(([name, pool]) => waiting(name, (times) => byCallers(64, times, () => call(pool, statement)))),
        { rounds, unit: 'µs' },
      );
    }
  }
  for (const [, pool] of pools) await pool.shutdown({ gracePeriod: 0 });
  for (const { stop } of servers) stop();
}

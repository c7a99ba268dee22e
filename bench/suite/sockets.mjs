import { createPool } from '../../dist/index.js';
import { compare, waiting } from '../harness/paired.mjs';
import { startServer } from '../support/server.mjs';
import { byCallers } from './query.mjs';

export const question = 'over how many sockets should the same connections go?';

const connections = 64;

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  const server = await startServer();
  const pools = [];
  for (const sessionsPerTransport of [1, 8, 16, 64]) {
    const pool = await createPool(server.url, {
      namespace: 'bench',
      database: 'bench',
      minConnections: connections,
      maxConnections: connections,
      sessionsPerTransport,
    });
    const sockets = connections / sessionsPerTransport;
    pools.push({
      pool,
      name: `${sockets} ${sockets === 1 ? 'socket' : 'sockets'} (sessionsPerTransport: ${sessionsPerTransport})`,
    });
  }
  const text = 'x'.repeat(20_000);
  /** @type {[string, (pool: import('../../dist/index.js').ConnectionManager) => PromiseLike<unknown>][]} */
  const statements = [
    ['RETURN 1', (pool) => pool.query('RETURN 1')],
    ['20 kB there and back', (pool) => pool.query('RETURN $text', { text })],
  ];
  for (const [what, ask] of statements) {
    yield await compare(
      `${what}, ${connections} callers on ${connections} connections, ${server.what}`,
      pools.map(({ pool, name }) => waiting(name, (times) => byCallers(connections, times, () => ask(pool)))),
      { rounds, unit: 'µs' },
    );
  }
  for (const { pool } of pools) await pool.shutdown({ gracePeriod: 0 });
  server.stop();
}

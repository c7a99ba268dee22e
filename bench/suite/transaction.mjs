import { BoundQuery, RecordId } from 'surrealdb';
import { createPool } from '../../dist/index.js';
import { Transport } from '../../src/wire/transport.js';
import { compare, waiting } from '../harness/paired.mjs';
import { startServer } from '../support/server.mjs';

export const question = 'what does a transaction of the pool cost over begin, query and commit by hand?';

const place = { namespace: 'bench', database: 'bench' };
const row = new RecordId('row', 1);
const query = () => new BoundQuery('UPSERT $row SET value += 1', { row });

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  yield await against('mem://', 'embedded', rounds);
  const server = await startServer();
  yield await against(server.url, server.what, rounds);
  server.stop();
}

/**
 * @param {string} url
 * @param {string} where
 * @param {number} rounds
 */
async function against(url, where, rounds) {
  const settings = { openTimeout: 5_000, probeTimeout: 2_000, livenessTimeout: 0 };
  const transport = await Transport.open({ url }, settings, AbortSignal.timeout(5_000));
  const session = await transport.attach();
  await transport.use(place, session);
  const pool = await createPool(url, { ...place, minConnections: 1 });
  const held = await pool.acquire();

  const byHand = async () => {
    const transaction = await transport.begin(session);
    for (const { error } of await transport.query(query(), session, transaction)) if (error) throw error;
    await transport.commit(transaction, session);
  };
  /** @param {import('../../dist/index.js').Transaction} transaction */
  const work = (transaction) => transaction.query(query());
  /** @type {[string, () => PromiseLike<unknown>][]} */
  const ways = [
    ['begin, query, commit by hand', byHand],
    ['connection.withTransaction()', () => held.withTransaction(work)],
    ['pool.withTransaction()', () => pool.withTransaction(work)],
    ['pool.withTransaction({ verifyCommit })', () => pool.withTransaction(work, { verifyCommit: true })],
  ];
  const result = await compare(
    `a transaction of one UPSERT, ${where}`,
    ways.map(([name, once]) =>
      waiting(name, async (times) => {
        for (let count = 0; count < times; count++) await once();
      }),
    ),
    { rounds, unit: 'µs' },
  );
  held.release();
  await pool.shutdown({ gracePeriod: 0 });
  await transport.close(AbortSignal.timeout(2_000));
  return result;
}

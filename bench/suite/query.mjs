import { createPool } from '../../dist/index.js';
import { compare, computing, waiting } from '../harness/paired.mjs';
import { connectBelow } from '../support/below.mjs';
import { startServer } from '../support/server.mjs';

export const question = 'what does the pool add to a query, over one session of the SDK?';

/** The least a server can be asked: whatever the pool adds shows most. */
const statement = 'RETURN 1';

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  yield* against('mem://', 'embedded', rounds);
  const server = await startServer();
  yield* against(server.url, server.what, rounds);
  server.stop();
}

/**
 * @param {string} url
 * @param {string} where
 * @param {number} rounds
 */
async function* against(url, where, rounds) {
  const below = await connectBelow(url);
  const pool = await createPool(url, { namespace: 'bench', database: 'bench', minConnections: 20 });
  const oneSocket = await createPool(url, {
    namespace: 'bench',
    database: 'bench',
    minConnections: 20,
    sessionsPerTransport: 20,
  });
  const held = await pool.acquire();
  /** @type {[string, () => PromiseLike<unknown>][]} */
  const ways = [
    ['the SDK, one session', () => below.query(statement)],
    ['a lease that is kept', () => held.query(statement)],
    ['pool.query()', () => pool.query(statement)],
    ...(url === 'mem://'
      ? []
      : [
          /** @type {[string, () => PromiseLike<unknown>]} */ ([
            'pool.query(), all on one socket too',
            () => oneSocket.query(statement),
          ]),
        ]),
    ['pool.withConnection()', () => pool.withConnection((connection) => connection.query(statement))],
  ];
  for (const callers of [1, 16, 64]) {
    yield await compare(
      `${statement}, ${where}, ${callers} ${callers === 1 ? 'caller' : 'callers'}`,
      ways.map(([name, ask]) => waiting(name, (times) => byCallers(callers, times, ask))),
      { rounds, unit: 'µs' },
    );
  }
  yield await compare(
    `${statement}, ${where}, 16 callers: processor time of this process`,
    ways.map(([name, ask]) => computing(name, (times) => byCallers(16, times, ask))),
    { rounds, unit: 'µs' },
  );
  held.release();
  for (const each of [pool, oneSocket]) await each.shutdown({ gracePeriod: 0 });
  await below.close();
}

/**
 * @param {number} callers
 * @param {number} times
 * @param {() => PromiseLike<unknown>} ask
 */
export async function byCallers(callers, times, ask) {
  let left = times;
  const work = async () => {
    while (left > 0) {
      left--;
      await ask();
    }
  };
  await Promise.all(Array.from({ length: Math.min(callers, times) }, work));
}

import { writeFileSync } from 'node:fs';
import { createPool } from '../../dist/index.js';
import { curve } from '../harness/curve.mjs';
import { shuffle, stopwatch } from '../harness/paired.mjs';
import { connectBelow } from '../support/below.mjs';
import { startServer } from '../support/server.mjs';
import { byCallers } from './query.mjs';

export const question = 'how many calls a second do 1 to 1,000 callers get?';

const callers = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000];
/** One client for each caller is a socket for each caller. */
const mostClients = 256;
const statement = 'RETURN 1';

/**
 * With CURVE=<file> the lines are drawn there.
 *
 * @param {import('../run.mjs').BenchOptions} options
 */
export async function* run({ rounds }) {
  const server = await startServer();
  const pool = await createPool(server.url, { namespace: 'bench', database: 'bench', maxConnecting: 8 });
  const one = await connectBelow(server.url);
  const clients = [one];
  while (clients.length < mostClients) clients.push(await connectBelow(server.url));
  let turn = 0;
  /** @type {[string, number, () => PromiseLike<unknown>][]} */
  const contenders = [
    ['surreal-pool', Number.POSITIVE_INFINITY, () => pool.query(statement)],
    ['the SDK, one session', Number.POSITIVE_INFINITY, () => one.query(statement)],
    ['the SDK, a client each', mostClients, () => (clients[turn++ % clients.length] ?? one).query(statement)],
  ];
  /** @type {Map<string, [number, number][]>} */
  const lines = new Map(contenders.map(([name]) => [name, []]));
  for (const count of callers) {
    /** @type {Map<string, number[]>} */
    const samples = new Map();
    for (let round = 0; round <= Math.min(rounds, 9); round++) {
      const order = [...contenders];
      shuffle(order);
      for (const [name, most, ask] of order) {
        if (count > most) continue;
        const calls = Math.max(2_000, 16 * count);
        const second = (1_000 * calls) / (await stopwatch(() => byCallers(count, calls, ask)));
        // The first round warms up.
        if (round > 0) samples.set(name, [...(samples.get(name) ?? []), second]);
      }
    }
    for (const [name, own] of samples) lines.get(name)?.push([count, median(own)]);
  }
  const drawn = [...lines].map(([name, points]) => ({ name, points }));
  const path = process.env.CURVE;
  if (path) writeFileSync(path, curve(`${statement} over sockets`, 'callers', 'calls a second', drawn));
  yield {
    kind: /** @type {const} */ ('figures'),
    title: `${statement}: calls a second, ${server.what}`,
    columns: ['callers', ...drawn.map(({ name }) => name)],
    rows: callers.map((count) => [
      count.toLocaleString('en-US'),
      ...drawn.map(({ points }) => Math.round(points.find(([at]) => at === count)?.[1] ?? 0) || '–'),
    ]),
  };
  await pool.shutdown({ gracePeriod: 0 });
  for (const client of clients) await client.close();
  server.stop();
}

/** @param {number[]} values */
function median(values) {
  return values.sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

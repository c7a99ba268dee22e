import { expect, test } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import { Forwarder } from '../support/forwarder.js';
import type { Front } from '../support/front.js';
import { judged, ListAppend, type Tally, withUndoneReads } from '../support/list-append.js';
import { oneOf, seededRandom } from '../support/seeded-random.js';
import { cuts } from '../support/socket-cuts.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const minutes = Number(process.env.SOAK_MINUTES ?? 10);
const seed = Number(process.env.SOAK_SEED ?? Math.trunc(Math.random() * 2 ** 31));
const patient = {
  maxConnections: 12,
  connectionTimeout: '30s',
  circuitBreaker: { failureThreshold: 0 },
  retryPolicy: { initialBackoff: 1, maxBackoff: 20 },
} as const;

type Where = 'embedded' | 'cut by the server' | 'cut by the network';
type Ask = (text: string) => Promise<unknown[]>;

test(`transactions see one snapshot and lose nothing for ${minutes} minutes of random programs, seed ${seed}`, async () => {
  console.log(`replay with: SOAK_SEED=${seed} npm run test:soak`);
  const front = await own.listen();
  const network = await Forwarder.listen(front.port);
  const embedded = await own.pool(rocksdbUrl(), patient);
  const remote = await own.pool(network.url, patient);
  const total: Tally & { undoneReads: number } = {
    ...{ committed: 0, refused: 0, unknown: 0, undone: 0, singles: 0 },
    undoneReads: 0,
  };
  try {
    const end = performance.now() + minutes * 60_000;
    for (let round = seed; performance.now() < end; round++) {
      const random = seededRandom(round);
      const where = oneOf<Where>(random, ['embedded', 'embedded', 'cut by the server', 'cut by the network']);
      fail(where, front, network, round);
      const isEmbedded = where === 'embedded';
      const pool: ConnectionManager = isEmbedded ? embedded : remote;
      const ask: Ask = isEmbedded
        ? async (text) => await embedded.query(text)
        : (text) => own.engine.query(text, place);
      const run = new ListAppend(pool, {
        ...{ seed: round, ask, savepoints: random() < 0.8, faults: !isEmbedded, verifyCommit: !isEmbedded },
        ...{ workers: oneOf(random, [3, 6, 12]), writers: oneOf(random, [0, 1, 3]), transactionsEach: 40 },
      });
      const history = await run.run();
      expect(judged(history, round), `${where}: replay with SOAK_SEED=${round}`).toBe('');
      expect(run.unexpected, `${where}, seed ${round}`).toEqual([]);
      expect(run.tally.unknown, `${where}, seed ${round}`).toBe(0);
      for (const key of Object.keys(run.tally) as (keyof Tally)[]) total[key] += run.tally[key];
      total.undoneReads += withUndoneReads(history);
      if (round % 20 === 0) console.log(`${JSON.stringify(total)}, seed ${round} done`);
    }
  } finally {
    await network.close();
  }
  const { committed, singles, undone, undoneReads } = total;
  expect(Math.min(committed, singles, undone, undoneReads), JSON.stringify(total)).toBeGreaterThan(0);
});

/** From now on sockets are cut in this way, and in none when the round is embedded. */
function fail(where: Where, front: Front, network: Forwarder, seed: number): void {
  const random = seededRandom(seed);
  if (where === 'cut by the server') front.onRequest = cuts(random);
  else if (where === 'cut by the network') {
    front.onRequest = ({ method }) => {
      if (method !== 'ping' && random() < 0.01) network.cut();
      return 'pass';
    };
  } else front.onRequest = () => 'pass';
}

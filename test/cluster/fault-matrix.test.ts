import { afterAll, beforeAll, test } from 'vitest';
import { seededRandom } from '../support/seeded-random.js';
import { nameOf, sample } from './cells.js';
import { type Cluster, frontCluster } from './cluster.js';
import { play } from './play.js';
import { seed } from './seed.js';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await frontCluster();
});
afterAll(() => cluster.close());

// The seed and the cell are in the title, which the report of a test that hangs has, too.
test.each(
  sample(seededRandom(seed), Number(process.env.MATRIX_CELLS ?? 5)).map(
    (cell, number) => [nameOf(cell), cell, seed + number] as const,
  ),
)(`what callers are told is so: %s (MATRIX_SEED=${seed})`, async (_name, cell, number) => {
  const t = performance.now();
  const o = await play(cluster, cell, number);
  console.log(_name, JSON.stringify(o), Math.round(performance.now() - t));
});

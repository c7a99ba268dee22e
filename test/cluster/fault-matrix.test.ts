import { afterAll, beforeAll, test } from 'vitest';
import { cells } from './cells.js';
import { type Cluster, frontCluster } from './cluster.js';
import { play } from './play.js';
import { drawn, seed } from './seed.js';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await frontCluster();
});
afterAll(() => cluster.close());

// The seed and the cell are in the title, which the report of a test that hangs has, too.
test.each(drawn(cells, 5))(`what callers are told is so: %s (MATRIX_SEED=${seed})`, async (_name, cell, own) => {
  await play(cluster, cell, own);
});

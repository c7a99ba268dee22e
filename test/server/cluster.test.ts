import { afterAll, beforeAll, describe, test } from 'vitest';
import { cells } from '../cluster/cells.js';
import { type Cluster, serverCluster } from '../cluster/cluster.js';
import { play } from '../cluster/play.js';
import { drawn, seed } from '../cluster/seed.js';

// Three real servers, each with a store of its own: what their processes and the network do to callers. They may be of
// different versions: SURREAL_SERVERS=servers/3.0.5,servers/3.1.6,servers/3.3.5, folders with a `surreal` in each.

const given = process.env.SURREAL_SERVERS?.split(',') ?? [];
/** What needs no server of our own making. */
const real = cells.filter(({ fault }) => fault.needsFront !== true);

describe.skipIf(process.env.SURREALDB_URL !== undefined)('three servers, which can be killed from here', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await serverCluster([given[0], given[1], given[2]]);
  });
  afterAll(() => cluster.close());

  test.each(drawn(real, 8))(`what callers are told is so: %s (MATRIX_SEED=${seed})`, async (_name, cell, own) => {
    await play(cluster, cell, own);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { program, Run, type Seen, schema } from '../support/savepoint-model.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const seed = Number(process.env.SAVEPOINT_SEED ?? Math.trunc(Math.random() * 2 ** 31));

/** Where the pool has its database, and how many programs run there. */
const places: readonly [string, number, () => Promise<string>][] = [
  ['rocksdb, over sockets', 200, async () => (await own.listen()).url],
  ['rocksdb', 200, async () => rocksdbUrl()],
  ['mem', 200, async () => 'mem://'],
];

describe(`random programs with savepoints, seed ${seed}`, () => {
  test.each(places)('do what the model does: %s', async (where, numRuns, url) => {
    const pool = await own.pool(await url(), { maxConnections: 3 });
    await pool.query(schema);
    const seen: Seen = { rollbacks: 0, divergences: 0, commits: 0, nestedUndone: 0 };
    await fc.assert(
      fc.asyncProperty(program, (what) => new Run(pool, what, seen, where === 'mem').run()),
      { numRuns, seed },
    );
    const { transactions, savepoints } = pool.poolStats();
    expect(transactions).toMatchObject({ open: 0, lost: 0, unknown: 0, conflicts: 0 });
    expect(savepoints.replayedCalls).toBeGreaterThan(numRuns / 4);
    const { divergences, ...others } = seen;
    for (const times of Object.values(others)) expect(times, JSON.stringify(seen)).toBeGreaterThan(numRuns / 50);
    // Nobody else writes on mem.
    if (where !== 'mem') expect(divergences).toBeGreaterThan(numRuns / 50);
  });
});

import { beforeAll, describe, expect, inject, test } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import { checkAll, Tally } from '../support/savepoint-programs/check.js';
import type { Kind } from '../support/savepoint-programs/program.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const first = Number(process.env.SAVEPOINT_SEED ?? Math.trunc(Math.random() * 2 ** 31));
const times = Number(process.env.SAVEPOINT_TIMES ?? 1);

/** How many programs of a kind run, and the share of them that has to be committed: to refuse all of them is no promise. */
const programs: readonly [Kind, number, number][] = [
  ['plain', 40, 0.85],
  ['times', 30, 0.8],
  ['moments', 30, 0.5],
  ['random', 25, 0.1],
  // Others change what most of these have read; one that is committed has been compared.
  ['writers', 40, 0.02],
];

/** The embedded engine, without sockets; under `npm run test:server` the server. */
async function connected(): Promise<ConnectionManager> {
  if (inject('server') === undefined) return await own.pool(rocksdbUrl(), { maxConnections: 3 });
  return await own.connect(await own.listen(), { maxConnections: 3 });
}

describe(`a program with parts that it undoes, SAVEPOINT_SEED=${first}`, () => {
  beforeAll(() => {
    console.log(`savepoint-differential: again by SAVEPOINT_SEED=${first}`);
  });

  test.each(programs)('answers and leaves what it does without them: %s', async (kind, count, share) => {
    const pool = await connected();
    const tally = new Tally();
    await checkAll(pool, kind, first, count * times, tally);
    expect(tally.share(kind, 'committed'), String(tally)).toBeGreaterThanOrEqual(share);
    expect(pool.poolStats().transactions).toMatchObject({ open: 0, lost: 0, unknown: 0 });
  });
});

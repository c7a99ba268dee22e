import { expect, test } from 'vitest';
import { checkAll, Tally } from '../support/savepoint-programs/check.js';
import { kinds } from '../support/savepoint-programs/program.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const minutes = Number(process.env.SOAK_MINUTES ?? 10);
const first = Number(process.env.SOAK_SEED ?? Math.trunc(Math.random() * 2 ** 31));

test(`programs do the same without what they undo, for ${minutes} minutes, SOAK_SEED=${first}`, async () => {
  console.log(`replay with: SOAK_SEED=${first} npm run test:soak`);
  const pool = await own.connect(await own.listen(), { maxConnections: 3 });
  const end = performance.now() + minutes * 60_000;
  const tally = new Tally();
  const batch = 50;
  for (let seed = first; performance.now() < end; seed += batch) {
    for (const kind of kinds) await checkAll(pool, kind, seed, batch, tally);
    console.log(`${tally}, seeds below ${seed + batch} done`);
  }
  for (const kind of kinds) expect(tally.share(kind, 'committed'), kind).toBeGreaterThan(0.1);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { program, Run, type Seen, schema } from '../support/savepoint-model.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const minutes = Number(process.env.SOAK_MINUTES ?? 10);
const seed = Number(process.env.SOAK_SEED ?? Math.trunc(Math.random() * 2 ** 31));

test(`savepoints do what the model does for ${minutes} minutes of random programs, seed ${seed}`, async () => {
  console.log(`replay with: SOAK_SEED=${seed} npm run test:soak`);
  const pool = await own.connect(await own.listen(), { maxConnections: 3 });
  await pool.query(schema);
  const end = performance.now() + minutes * 60_000;
  const seen: Seen = { rollbacks: 0, divergences: 0, commits: 0, nestedUndone: 0 };
  for (let batch = 0; performance.now() < end; batch++) {
    const property = fc.asyncProperty(program, (what) => new Run(pool, what, seen, false).run());
    await fc.assert(property, { numRuns: 500, seed: seed + batch });
    console.log(`${JSON.stringify(seen)}, seed ${seed + batch} done`);
  }
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(0);
});

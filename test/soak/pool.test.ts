import fc from 'fast-check';
import { expect, test } from 'vitest';
import { programs, runProgram } from '../support/pool-model.js';

const minutes = Number(process.env.SOAK_MINUTES ?? 10);
const seed = Number(process.env.SOAK_SEED ?? Math.trunc(Math.random() * 2 ** 31));

test(`the pool's promises hold for ${minutes} minutes of random programs, seed ${seed}`, async () => {
  console.log(`replay with: SOAK_SEED=${seed} npm run test:soak`);
  const end = performance.now() + minutes * 60_000;
  let steps = 0;
  for (let batch = 0; performance.now() < end; batch++) {
    await fc.assert(
      fc.asyncProperty(programs(300), async (program) => {
        steps += program.commands.length;
        await runProgram(program);
      }),
      { numRuns: 500, seed: seed + batch },
    );
    console.log(`${steps} steps, seed ${seed + batch} done`);
  }
  expect(steps).toBeGreaterThan(0);
});

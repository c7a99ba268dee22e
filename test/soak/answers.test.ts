import fc from 'fast-check';
import { expect, test } from 'vitest';
import { liveSpoiled, spoiledLives } from '../fuzz/spoiled-life.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const minutes = Number(process.env.SOAK_MINUTES ?? 10);
const seed = Number(process.env.SOAK_SEED ?? Math.trunc(Math.random() * 2 ** 31));

test(`whatever a server answers for ${minutes} minutes, every error is typed and the pool stays whole, seed ${seed}`, async () => {
  console.log(`replay with: SOAK_SEED=${seed} npm run test:soak`);
  const end = performance.now() + minutes * 60_000;
  let lives = 0;
  for (let batch = 0; performance.now() < end; batch++) {
    await fc.assert(
      fc.asyncProperty(spoiledLives, async (life) => {
        lives++;
        await liveSpoiled(own, life);
      }),
      { numRuns: 100, seed: seed + batch, endOnFailure: true },
    );
    console.log(`${lives} lives, seed ${seed + batch} done`);
  }
  expect(lives).toBeGreaterThan(0);
});

import { expect, test } from 'vitest';
import { frontScene } from '../chaos/scene.js';
import { seed } from '../chaos/seed.js';
import { survive } from '../chaos/survive.js';
import { seededRandom } from '../support/seeded-random.js';

const minutes = Number(process.env.SOAK_MINUTES ?? 10);

test(`32 workers write exactly once through ${minutes} minutes of faults (CHAOS_SEED=${seed})`, async () => {
  console.log(`replay with: CHAOS_SEED=${seed} npm run test:soak`);
  const random = seededRandom(seed);
  const scene = await frontScene(random);
  const end = performance.now() + minutes * 60_000;
  let faults = 0;
  await survive(scene, random, {
    workers: 32,
    longest: { fault: 1_000, calm: 1_000 },
    enough: (struck) => {
      faults = struck;
      return performance.now() >= end;
    },
  });
  await scene.close();
  expect(faults).toBeGreaterThan(0);
});

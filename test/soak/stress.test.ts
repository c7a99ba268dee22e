import { expect, test } from 'vitest';
import { liveUnderStress } from '../scenarios/stress.js';

const minutes = Number(process.env.SOAK_MINUTES ?? 10);
const seed = Number(process.env.SOAK_SEED ?? Math.trunc(Math.random() * 2 ** 31));

test(`scenario 25, one life of ten minutes after the other for ${minutes} minutes, seed ${seed}`, async () => {
  console.log(`replay with: SOAK_SEED=${seed} npm run test:soak`);
  const end = performance.now() + minutes * 60_000;
  let acquires = 0;
  for (let life = 0; performance.now() < end; life++) {
    acquires += await liveUnderStress(seed + life, 600_000).catch((error: unknown) => {
      throw new Error(`seed ${seed + life}`, { cause: error });
    });
  }
  console.log(`${acquires} acquires`);
  expect(acquires).toBeGreaterThan(0);
});

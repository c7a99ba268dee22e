import { afterAll, beforeAll, test } from 'vitest';
import { seededRandom } from '../support/seeded-random.js';
import { frontScene, type Scene } from './scene.js';
import { seed } from './seed.js';
import { survive } from './survive.js';

const random = seededRandom(seed);
let scene: Scene;

beforeAll(async () => {
  scene = await frontScene(random);
});
afterAll(() => scene.close());

test(`32 workers write exactly once, whatever goes wrong (CHAOS_SEED=${seed})`, async () => {
  const eachTwice = 2 * (scene.faults[0]?.length ?? 0);
  await survive(scene, random, {
    workers: 32,
    longest: { fault: 300, calm: 300 },
    enough: (struck) => struck >= eachTwice,
  });
});

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { collectGarbage } from '../support/garbage.js';
import { seededRandom } from '../support/seeded-random.js';
import { settled } from '../support/virtual-clock.js';
import { ChaosRun } from './chaos-run.js';
import { frontScene, type Scene } from './scene.js';
import { seed } from './seed.js';

const random = seededRandom(seed);
const cycles = 20;
/** So many come first, until all code is compiled and all caches are full. */
const warmUp = 5;
let scene: Scene;

beforeAll(async () => {
  scene = await frontScene(random);
});
afterAll(() => scene.close());

/** A pool from its beginning to its end, with some faults in between. */
async function cycle(): Promise<void> {
  const run = await ChaosRun.begin(scene, random);
  await run.storm({ workers: 32, longest: { fault: 60, calm: 30 }, enough: (struck) => struck >= 4 });
  await run.pool.shutdown({ gracePeriod: 0 });
  await vi.waitFor(() => expect(scene.connections()).toBe(0), 30_000);
}

/** In bytes, without what is garbage. */
async function heap(): Promise<number> {
  // What finalizers let go of is garbage for the next collection.
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await settled();
  }
  return process.memoryUsage().heapUsed;
}

test(`pools that came and went under faults leave nothing on the heap (CHAOS_SEED=${seed})`, async () => {
  for (let count = 0; count < warmUp; count++) await cycle();
  const before = await heap();
  for (let count = 0; count < cycles; count++) await cycle();
  const grown = ((await heap()) - before) / 2 ** 20;
  expect(grown, 'MB in 20 cycles').toBeLessThan(5);
});

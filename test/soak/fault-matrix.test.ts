import { expect, test } from 'vitest';
import { cells, nameOf } from '../cluster/cells.js';
import { frontCluster } from '../cluster/cluster.js';
import { play } from '../cluster/play.js';
import { seed } from '../cluster/seed.js';
import { collectGarbage } from '../support/garbage.js';
import { seededRandom, shuffled } from '../support/seeded-random.js';
import { settled } from '../support/virtual-clock.js';

const minutes = Number(process.env.SOAK_MINUTES ?? 10);
/** So many cells come first, until all code is compiled and all caches are full. */
const warmUp = 40;

/** In megabytes, without what is garbage. */
async function heap(): Promise<number> {
  // What finalizers let go of is garbage for the next collection.
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await settled();
  }
  return process.memoryUsage().heapUsed / 2 ** 20;
}

test(`the whole fault matrix at least once, and for ${minutes} minutes (MATRIX_SEED=${seed})`, async () => {
  console.log(`replay with: MATRIX_SEED=${seed} npm run test:soak`);
  const cluster = await frontCluster();
  const end = performance.now() + minutes * 60_000;
  const failed: string[] = [];
  let before: number | undefined;
  let played = 0;
  try {
    do {
      for (const cell of shuffled(seededRandom(seed + played), cells)) {
        const where = `${nameOf(cell)} (seed ${seed + played})`;
        // Said before, so that it is known of a run that hangs.
        console.log(where);
        await play(cluster, cell, seed + played).catch((error: unknown) => {
          failed.push(`${where}: ${error}`);
          console.log(`FAILED ${where}: ${error}`);
        });
        played++;
        if (played === warmUp) before = await heap();
      }
    } while (performance.now() < end);
  } finally {
    await cluster.close();
  }
  const grown = (await heap()) - (before ?? 0);
  console.log(`${played} cells; the heap grew by ${grown.toFixed(1)} MB`);
  expect(failed, `of ${played} cells`).toEqual([]);
  expect(grown, `MB in ${played} cells`).toBeLessThan(10);
});

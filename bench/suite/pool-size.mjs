import { compare, computing } from '../harness/paired.mjs';
import { ManualClock } from '../support/manual-clock.mjs';
import { filledOwnPool } from '../support/own-pool.mjs';

export const question = 'does a pool of 10,000 connections cost more than one of ten?';

const sizes = [10, 1_000, 10_000];

/** @typedef {{ size: number, clock: ManualClock, pool: Awaited<ReturnType<typeof filledOwnPool>> }} Sized */

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  /** @type {Sized[]} */
  const pools = [];
  for (const size of sizes) {
    const clock = new ManualClock();
    // The checks that come with time are off, so that time may pass and there is nothing to do.
    const settings = { healthCheckInterval: 0, idleTimeout: 0, recycleAfterUses: 0 };
    pools.push({ size, clock, pool: await filledOwnPool(size, settings, clock) });
  }
  /** @type {(name: string, run: (sized: Sized, times: number) => Promise<void> | void) => Promise<any>} */
  const bySize = (name, run) =>
    compare(
      `${name}, with so many connections`,
      pools.map((sized) => computing(sized.size.toLocaleString('en-US'), (times) => run(sized, times))),
      { rounds },
    );
  yield await bySize('acquire and release', async ({ pool }, times) => {
    for (let count = 0; count < times; count++) (await pool.acquire()).release();
  });
  yield await bySize('borrow ten, give ten back', async ({ pool }, times) => {
    for (let count = 0; count < times; count++) {
      const leases = await Promise.all(Array.from({ length: 10 }, () => pool.acquire()));
      for (const lease of leases) lease.release();
    }
  });
  yield await bySize('statistics', ({ pool }, times) => {
    for (let count = 0; count < times; count++) pool.statistics();
  });
  // Last, because time goes on.
  yield await bySize('a sweep when nothing is due', ({ clock }, times) => {
    for (let count = 0; count < times; count++) clock.hurry();
  });
  for (const { pool } of pools) await pool.shutdown(0);
}

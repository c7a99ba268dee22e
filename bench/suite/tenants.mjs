import { compare, processorTime } from '../harness/paired.mjs';
import { ManualClock } from '../support/manual-clock.mjs';
import { filledOwnPool } from '../support/own-pool.mjs';

export const question = 'what does a hand-over cost with ten, a thousand and ten thousand tenants?';

const counts = [10, 1_000, 10_000];
/** In all, however many tenants they belong to. */
const waiters = 20_000;
const handOvers = 20_000;
const connections = 20;

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  const contenders = counts.map((count) => ({
    name: `${count.toLocaleString('en-US')} tenants`,
    sample: () => perHandOver(count),
  }));
  yield await compare(
    `release, choice of the next waiter of ${waiters.toLocaleString('en-US')}, hand-over, and its next acquire`,
    contenders,
    { rounds },
  );
}

/** @param {number} count of tenants, each of which always has waiters */
async function perHandOver(count) {
  const clock = new ManualClock();
  const pool = await filledOwnPool(connections, { recycleAfterUses: 0, connectionTimeout: 0 }, clock);
  const tenants = Array.from({ length: count }, (_, index) => pool.addTenant(`tenant ${index}`, {}));
  let left = handOvers;
  /** @param {(typeof tenants)[number]} tenant */
  const call = (tenant) => {
    pool.acquire({ tenant }).then(
      (lease) => {
        if (--left <= 0) return;
        clock.advance(0.05);
        call(tenant);
        lease.release();
      },
      () => {},
    );
  };
  for (let waiter = 0; waiter < waiters; waiter++) call(/** @type {any} */ (tenants[waiter % count]));
  // Each is in its place; measured is what goes on from here.
  const time = await processorTime(async () => {
    while (left > 0) await new Promise(setImmediate);
  });
  await pool.shutdown(0);
  globalThis.gc?.();
  return (time * 1e6) / handOvers;
}

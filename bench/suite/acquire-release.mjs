import { compare, computing } from '../harness/paired.mjs';
import { allPools } from '../support/pools.mjs';

export const question = 'what does it cost to borrow a connection and give it back, beside other pools?';

const connections = 20;

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  const pools = await allPools(connections);
  for (const callers of [1, 20, 1_000]) {
    yield await compare(
      `acquire and release, ${callers.toLocaleString('en-US')} callers on ${connections} connections`,
      pools.map((pool) => computing(pool.name, (times) => byManyCallers(pool, callers, times))),
      { rounds },
    );
  }
  for (const pool of pools) await pool.close();
}

/**
 * @param {import('../support/pools.mjs').AnyPool} pool
 * @param {number} callers
 * @param {number} times
 */
async function byManyCallers(pool, callers, times) {
  let left = times;
  const work = async () => {
    while (left > 0) {
      left--;
      pool.release(await pool.acquire());
    }
  };
  await Promise.all(Array.from({ length: Math.min(callers, times) }, work));
}

import { createHook } from 'node:async_hooks';
import { allPools } from '../support/pools.mjs';

export const question = 'what is made at every acquire and release: promises, timers, bytes?';

const pairs = 1_000;

/** @param {import('../run.mjs').BenchOptions} _options */
export async function* run(_options) {
  const pools = await allPools(20);
  /** @type {(string | number)[][]} */
  const rows = [];
  for (const pool of pools) {
    // Twice: what is made once, or compiled, is not counted.
    await bytes(pool);
    const made = await resources(pool);
    rows.push([
      pool.name,
      made('PROMISE'),
      made('Timeout'),
      made('TickObject') + made('Microtask') + made('Immediate'),
      Math.round(await bytes(pool)),
    ]);
  }
  for (const pool of pools) await pool.close();
  yield {
    kind: 'figures',
    title: `per pair, in ${pairs.toLocaleString('en-US')} pairs one after another, the caller's own await included`,
    columns: ['', 'promises', 'timers', 'ticks', 'bytes'],
    rows,
  };
}

/**
 * How many asynchronous resources of a type a pair makes.
 *
 * @param {import('../support/pools.mjs').AnyPool} pool
 */
async function resources(pool) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  const hook = createHook({ init: (_id, type) => void counts.set(type, (counts.get(type) ?? 0) + 1) });
  hook.enable();
  await work(pool);
  hook.disable();
  /** @param {string} type */
  return (type) => Math.round((100 * (counts.get(type) ?? 0)) / pairs) / 100;
}

/**
 * The heap that a pair needs until the garbage is collected: the least of several looks, for a collection in between
 * makes it less than nothing.
 *
 * @param {import('../support/pools.mjs').AnyPool} pool
 */
async function bytes(pool) {
  /** @type {number[]} */
  const looks = [];
  for (let look = 0; look < 9; look++) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    await work(pool);
    looks.push((process.memoryUsage().heapUsed - before) / pairs);
  }
  return looks.sort((one, other) => one - other)[4] ?? Number.NaN;
}

/** @param {import('../support/pools.mjs').AnyPool} pool */
async function work(pool) {
  for (let pair = 0; pair < pairs; pair++) pool.release(await pool.acquire());
}

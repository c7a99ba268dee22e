import { Endpoint } from '../../src/endpoints/endpoint.js';
import { makeStrategy } from '../../src/endpoints/strategy.js';
import { oneEndpoint } from '../../src/pool/one-endpoint.js';
import { systemClock } from '../../src/time/clock.js';
import { compare, computing } from '../harness/paired.mjs';
import { defaults, filledOwnPool } from '../support/own-pool.mjs';

export const question = 'what does it cost to choose between 3, 30 and 300 servers?';

/** @typedef {import('../../src/config/endpoint-options.js').LoadBalancing} LoadBalancing */

/** @type {LoadBalancing[]} */
const allStrategies = ['round-robin', 'least-connections', 'random', 'health-based', 'latency'];
const counts = [1, 3, 30, 300];
const connections = 300;
/** All connections stay: what is measured is lending. */
const settings = { recycleAfterUses: 0, minConnections: connections };

/**
 * With STRATEGY=<name> only this one, as in a program that has only one: the engine compiles calls better that always go
 * to the same place.
 *
 * @param {import('../run.mjs').BenchOptions} options
 */
export async function* run({ rounds }) {
  const { STRATEGY } = process.env;
  const strategies = allStrategies.filter((name) => STRATEGY === undefined || name === STRATEGY);
  for (const loadBalancing of strategies) {
    const pools = await Promise.all(counts.map((count) => filledAt(count, loadBalancing)));
    yield await compare(
      `acquire and release by ${loadBalancing}, one caller, ${connections} idle connections`,
      pools.map((pool, index) => computing(endpoints(counts[index] ?? 0), (times) => lend(pool, times))),
      { rounds },
    );
    for (const pool of pools) await pool.shutdown(0);
  }
  const [least = 1, ...others] = counts;
  yield await compare(
    'the choice alone; the first row is acquire and release at one server',
    [await acquireAt(least), ...strategies.flatMap((strategy) => others.map((count) => choosing(strategy, count)))],
    { rounds },
  );
}

/** @param {number} count */
function endpoints(count) {
  return count === 1 ? '1 server' : `${count} servers`;
}

/** @param {number} count */
function targets(count) {
  const [target] = oneEndpoint.targets;
  return Array.from({ length: count }, (_, index) => ({
    ...target,
    weight: 1,
    priority: 0,
    zone: undefined,
    url: `ws://server-${index}:8000`,
  }));
}

/**
 * @param {number} count
 * @param {LoadBalancing} loadBalancing
 */
function filledAt(count, loadBalancing) {
  return filledOwnPool(connections, settings, systemClock, { ...oneEndpoint, targets: targets(count), loadBalancing });
}

/**
 * @param {Awaited<ReturnType<typeof filledOwnPool>>} pool
 * @param {number} times
 */
async function lend(pool, times) {
  for (let left = times; left > 0; left--) (await pool.acquire()).release();
}

/** @param {number} count */
async function acquireAt(count) {
  const pool = await filledAt(count, oneEndpoint.loadBalancing);
  return computing('acquire and release', (times) => lend(pool, times));
}

/**
 * @param {LoadBalancing} loadBalancing
 * @param {number} count
 */
function choosing(loadBalancing, count) {
  const strategy = makeStrategy(loadBalancing, Math.random);
  const now = systemClock.now();
  const breaker = { ...defaults.circuitBreaker, backoff: () => 0 };
  const candidates = targets(count).map((target, slot) => new Endpoint(target, slot, breaker, Math.random));
  for (const { latency } of candidates) latency.observe(1 + Math.random(), now);
  return computing(`${loadBalancing}, ${endpoints(count)}`, (times) => {
    for (let left = times; left > 0; left--) strategy.choose(candidates, now).inUse = left & 1;
  });
}

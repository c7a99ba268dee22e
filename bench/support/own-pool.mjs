import { resolveOptions } from '../../src/config/resolve.js';
import { oneEndpoint } from '../../src/pool/one-endpoint.js';
import { Pool } from '../../src/pool/pool.js';
import { systemClock } from '../../src/time/clock.js';

/** @typedef {{ id: number }} Stub What is lent: nothing that costs anything. */

/** The options of a pool that nobody configured. */
export const defaults = resolveOptions('mem://', { namespace: 'bench', database: 'bench' }).pool;

const endsAtOnce = () => Promise.resolve();

/**
 * The pool of this package over stubs, as `createPool` makes it.
 *
 * @param {Partial<import('../../src/pool/contract.js').PoolSettings>} [settings]
 * @param {import('../../src/time/clock.js').Clock} [clock]
 * @param {import('../../src/pool/contract.js').PoolEndpoints} [endpoints]
 * @returns {Pool<Stub>}
 */
export function ownPool(settings = {}, clock = systemClock, endpoints = oneEndpoint) {
  return new Pool(
    { ...defaults, ...settings },
    {
      name: 'bench',
      factory: {
        open: async ({ id }) => ({ id }),
        change: endsAtOnce,
        isClean: () => true,
        reset: endsAtOnce,
        probe: endsAtOnce,
        idleFor: () => 0,
        close: endsAtOnce,
        isFatal: () => false,
        isAnswer: () => false,
        answeredAt: () => 0,
        seats: () => 8,
        isShareable: () => true,
        lendableUntil: () => Number.POSITIVE_INFINITY,
      },
      home: { key: 'home' },
      clock,
      random: Math.random,
      breaker: { ...defaults.circuitBreaker, backoff: () => 0 },
      endpoints,
    },
  );
}

/**
 * The same, with so many idle connections.
 *
 * @param {number} connections
 * @param {Partial<import('../../src/pool/contract.js').PoolSettings>} [settings]
 * @param {import('../../src/time/clock.js').Clock} [clock]
 * @param {import('../../src/pool/contract.js').PoolEndpoints} [endpoints]
 */
export async function filledOwnPool(connections, settings = {}, clock = systemClock, endpoints = oneEndpoint) {
  const pool = ownPool({ maxConnections: connections, maxConnecting: connections, ...settings }, clock, endpoints);
  const leases = await Promise.all(Array.from({ length: connections }, () => pool.acquire()));
  for (const lease of leases) lease.release();
  return pool;
}

import { EventEmitter } from 'node:events';
import { createPool as createGenericPool } from 'generic-pool';
import { createPool as createLightningPool } from 'lightning-pool';
import PgPool from 'pg-pool';
import { Pool as TarnPool } from 'tarn';
import { createPool } from '../../dist/index.js';
import { BarePool } from './bare-pool.mjs';
import { filledOwnPool } from './own-pool.mjs';

/**
 * A pool as a bench sees it, whoever made it.
 *
 * @typedef {{
 *   name: string,
 *   acquire: () => PromiseLike<any>,
 *   release: (resource: any) => unknown,
 *   close: () => unknown,
 * }} AnyPool
 */

/** Enough of a PostgreSQL client for pg-pool, which lends nothing else. */
class StubClient extends EventEmitter {
  /** Without it pg-pool takes a client for broken, and makes a new one each time. */
  _queryable = true;

  /** @param {(error?: Error) => void} connected */
  connect(connected) {
    connected();
  }
  /** @param {() => void} [ended] */
  end(ended) {
    ended?.();
  }
  ref() {}
  unref() {}
}

/**
 * All of them with so many connections at most and otherwise the options that they have by themselves, over resources
 * that cost nothing; all connections are there. The first two are this package: its pool alone, as the others are, and
 * with all that a user of it gets.
 *
 * @param {number} connections
 * @returns {Promise<AnyPool[]>}
 */
export async function allPools(connections) {
  const pools = [
    await ownCore(connections),
    await ownManager(connections),
    lightning(connections),
    generic(connections),
    tarn(connections),
    pg(connections),
    bare(connections),
  ];
  for (const pool of pools) await fill(pool, connections);
  return pools;
}

/**
 * @param {AnyPool} pool
 * @param {number} connections
 */
async function fill(pool, connections) {
  const resources = await Promise.all(Array.from({ length: connections }, () => pool.acquire()));
  for (const resource of resources) await pool.release(resource);
}

/**
 * @param {number} connections
 * @returns {Promise<AnyPool>}
 */
async function ownCore(connections) {
  const pool = await filledOwnPool(connections);
  return {
    name: 'surreal-pool, the pool alone',
    acquire: () => pool.acquire(),
    release: (lease) => lease.release(),
    close: () => pool.shutdown(0),
  };
}

/**
 * @param {number} connections
 * @returns {Promise<AnyPool>}
 */
async function ownManager(connections) {
  const pool = await createPool('mem://', { namespace: 'bench', database: 'bench', maxConnections: connections });
  return {
    name: 'surreal-pool, acquire()',
    acquire: () => pool.acquire(),
    release: (connection) => connection.release(),
    close: () => pool.shutdown({ gracePeriod: 0 }),
  };
}

const resources = { create: async () => ({}), destroy: async () => {} };

/**
 * @param {number} max
 * @returns {AnyPool}
 */
function lightning(max) {
  const pool = createLightningPool(resources, { max });
  return {
    name: 'lightning-pool',
    acquire: () => pool.acquire(),
    release: (resource) => pool.release(resource),
    close: () => pool.close(0),
  };
}

/**
 * @param {number} max
 * @returns {AnyPool}
 */
function generic(max) {
  const pool = createGenericPool(resources, { max });
  return {
    name: 'generic-pool',
    acquire: () => pool.acquire(),
    // It returns a promise, and keeps its books before that: nobody has to wait for it.
    release: (resource) => pool.release(resource),
    close: () => pool.drain().then(() => pool.clear()),
  };
}

/**
 * @param {number} max
 * @returns {AnyPool}
 */
function tarn(max) {
  const pool = new TarnPool({ ...resources, min: 0, max });
  return {
    name: 'tarn',
    acquire: () => pool.acquire().promise,
    release: (resource) => pool.release(resource),
    close: () => pool.destroy(),
  };
}

/**
 * @param {number} max
 * @returns {AnyPool}
 */
function pg(max) {
  const pool = new PgPool({ max, Client: /** @type {any} */ (StubClient) });
  return {
    name: 'pg-pool',
    acquire: () => pool.connect(),
    release: (client) => client.release(),
    close: () => pool.end(),
  };
}

/**
 * @param {number} max
 * @returns {AnyPool}
 */
function bare(max) {
  const pool = new BarePool(max);
  return {
    name: 'a stack and a queue',
    acquire: () => pool.acquire(),
    release: (resource) => pool.release(resource),
    close: () => {},
  };
}

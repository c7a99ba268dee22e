import { Value } from 'surrealdb';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { type ConnectionManager, createPool, type Endpoints, type PoolOptions } from '../../src/index.js';
import type { Backend } from './backend.js';
import { Front, type FrontOptions } from './front.js';
import { RealServer } from './real-server.js';
import { SharedEngine } from './shared-engine.js';

// The SDK's values keep their content private, where a comparison of members finds every two of a class equal.
expect.addEqualityTesters([
  (one, other) => (one instanceof Value && other instanceof Value ? one.equals(other) : undefined),
]);

export const place = { namespace: 'test', database: 'test' };

/**
 * A test file's server, made of real sockets and a real engine, and the pools it makes: all ended after each test. Under
 * `npm run test:server` there is a real server in place of the engine.
 */
export interface Surroundings {
  readonly engine: Backend;
  /** A node of the server. */
  listen(options?: FrontOptions): Promise<Front>;
  /** A pool on that node. */
  connect(front: Front, options?: Partial<PoolOptions>): Promise<ConnectionManager>;
  /** A pool on any address, or several. */
  pool(where: string | Endpoints, options?: Partial<PoolOptions>): Promise<ConnectionManager>;
}

/** Call once at the top of a test file. */
export function surroundings(url = 'mem://'): Surroundings {
  let engine: Backend | undefined;
  const fronts: Front[] = [];
  const pools: ConnectionManager[] = [];

  beforeAll(async () => {
    const server = inject('server');
    engine = server === undefined ? await SharedEngine.open(url) : await RealServer.connect(server);
    // A real server may have seen other tests.
    await engine.query('REMOVE NAMESPACE IF EXISTS test');
    await engine.query('DEFINE NAMESPACE test; USE NS test; DEFINE DATABASE test');
    await engine.query('DEFINE TABLE thing', place);
    await engine.query('DEFINE USER IF NOT EXISTS root ON ROOT PASSWORD "secret" ROLES OWNER');
  });
  afterEach(async () => {
    for (const pool of pools.splice(0)) await pool.shutdown({ gracePeriod: 0 });
    for (const front of fronts.splice(0)) await front.close();
    await engine?.query('DELETE thing', place);
  });
  afterAll(async () => {
    await engine?.close();
  });

  const own: Surroundings = {
    get engine() {
      if (engine === undefined) throw new Error('the engine is open only while tests run');
      return engine;
    },
    async listen(options) {
      const front = await Front.listen(own.engine, options);
      fronts.push(front);
      return front;
    },
    connect: (front, options) => own.pool(front.url, options),
    async pool(address, options) {
      const pool = await createPool(address, { ...place, minConnections: 0, ...options });
      pools.push(pool);
      return pool;
    },
  };
  return own;
}

/** How often a front was asked for a method. */
export function asked(front: Front, method: string): number {
  return front.requests.get(method) ?? 0;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import { time } from '../support/fast-time.js';
import { once } from '../support/once.js';
import { wrongCredentials } from '../support/rpc-errors.js';
import { surroundings } from '../support/surroundings.js';

// "Ready" is what healthStatus().healthy says: the pool can serve a caller now. It is judged over time, by what was
// answered: never by one attempt that failed beside connections that serve, and never by how busy the pool is.

const own = surroundings();

afterEach(() => {
  time.rate = 1;
});

const later = { failFast: false, minConnections: 2, openTimeout: '2s', queryTimeout: '1s' } as const;

/** A call every now and then, until the test ends. */
function asking(pool: ConnectionManager): void {
  void (async () => {
    while (!pool.isShuttingDown()) {
      await pool
        .query('RETURN 1')
        .collect()
        .catch(() => {});
      await sleep(200);
    }
  })();
}

async function warm(pool: ConnectionManager): Promise<ConnectionManager> {
  while (pool.poolStats().idle === 0) await sleep(5);
  await pool.query('RETURN 1');
  return pool;
}

/** In which situation, whether the pool is ready there, and how it comes about. */
const situations: readonly [situation: string, ready: boolean, bring: () => Promise<ConnectionManager>][] = [
  [
    'nothing was opened yet: the server does not answer',
    false,
    async () => {
      const front = await own.listen();
      front.blackHole = true;
      return own.connect(front, later);
    },
  ],
  [
    'nothing was opened yet: the server refuses',
    false,
    async () => {
      const front = await own.listen();
      front.refuse = true;
      return own.connect(front, later);
    },
  ],
  [
    'nothing is open, for nobody called for long and the minimum is 0',
    true,
    async () => {
      const pool = await warm(await own.connect(await own.listen(), { minConnections: 0, idleTimeout: '2s' }));
      time.rate = 10;
      while (pool.poolStats().total > 0) await sleep(50);
      time.rate = 1;
      return pool;
    },
  ],
  [
    'all connections are in use, and callers wait',
    true,
    async () => {
      const pool = await own.connect(await own.listen(), { maxConnections: 2, maxWaiters: 3 });
      for (let held = 0; held < 2; held++) await pool.acquire();
      for (let waiting = 0; waiting < 4; waiting++) pool.acquire({ timeout: 0 }).catch(() => {});
      return pool;
    },
  ],
  [
    'one connection more cannot be opened, and those that are there serve',
    true,
    async () => {
      const front = await own.listen();
      const pool = await warm(await own.connect(front, { minConnections: 2, maxConnections: 4 }));
      while (pool.poolStats().idle < 2) await sleep(5);
      front.refuse = true;
      for (let caller = 0; caller < 3; caller++) asking(pool);
      return pool;
    },
  ],
  [
    'every answer takes its time',
    true,
    async () => {
      const front = await own.listen();
      const pool = await warm(await own.connect(front, later));
      front.latency = 400;
      asking(pool);
      return pool;
    },
  ],
  [
    "another identity's credentials are refused",
    true,
    async () => {
      const front = await own.listen();
      const pool = await warm(await own.connect(front, { ...later, maxConnections: 4 }));
      front.onRequest = ({ method }) => (method === 'signin' ? { error: wrongCredentials } : 'pass');
      const other = pool.scope({ credentials: { username: 'other', password: 'wrong' } });
      void (async () => {
        while (!pool.isShuttingDown()) {
          await other
            .query('RETURN 1')
            .collect()
            .catch(() => {});
          await sleep(200);
        }
      })();
      asking(pool);
      return pool;
    },
  ],
  [
    'every connection was lost, and the server refuses new ones',
    false,
    async () => {
      const front = await own.listen();
      const pool = await warm(await own.connect(front, later));
      front.refuse = true;
      front.dropAll();
      return pool;
    },
  ],
  [
    'connections open, and no query is answered on any',
    false,
    async () => {
      const front = await own.listen();
      const pool = await warm(await own.connect(front, later));
      front.onRequest = ({ method }) => (method === 'query' ? 'swallow' : 'pass');
      for (let caller = 0; caller < 4; caller++) asking(pool);
      return pool;
    },
  ],
  [
    'connections open, and each is lost a moment later',
    false,
    async () => {
      const front = await own.listen();
      const pool = await warm(await own.connect(front, later));
      pool.subscribe('opened', () => setTimeout(() => front.dropAll(), 15));
      front.dropAll();
      asking(pool);
      return pool;
    },
  ],
  [
    'paused',
    false,
    async () => {
      const pool = await warm(await own.connect(await own.listen(), later));
      pool.pause();
      return pool;
    },
  ],
  [
    'shutting down, while a lease goes on',
    false,
    async () => {
      const pool = await warm(await own.connect(await own.listen(), later));
      const lease = await pool.acquire();
      void pool.shutdown({ gracePeriod: '10m' });
      // Behind the last look.
      setTimeout(() => lease.release(), 32_000);
      return pool;
    },
  ],
];

/** What each of these pools says of itself over 30 s, all side by side. */
const played = once(async () => {
  const pools: ConnectionManager[] = [];
  for (const [, , bring] of situations) pools.push(await bring());
  time.rate = 10;
  // Long enough to be sure of it, whatever the pool thought first.
  await sleep(20_000);
  const said = pools.map(() => new Set<boolean>());
  for (let look = 0; look < 100; look++) {
    pools.forEach((pool, index) => {
      said[index]?.add(pool.healthStatus().healthy);
    });
    await sleep(100);
  }
  return said;
});

test.each(situations.map(([situation, ready], index) => [situation, ready, index] as const))(
  '%s: ready is %s',
  async (_situation, ready, index) => {
    expect((await played())[index]).toEqual(new Set([ready]));
  },
);

test('a pool that was not ready is so again with the first call that is answered', async () => {
  const front = await own.listen();
  const pool = await warm(await own.connect(front, later));
  front.refuse = true;
  front.dropAll();
  time.rate = 10;
  await sleep(10_000);
  expect(pool.healthStatus().healthy).toBe(false);
  front.refuse = false;
  asking(pool);
  await expect.poll(() => pool.healthStatus().healthy, { timeout: 30_000 }).toBe(true);
  expect(await pool.query('RETURN 1')).toEqual([1]);
});

test('a pool is not ready before its first connection is open, and is so from then on', async () => {
  const front = await own.listen();
  front.latency = 100;
  const pool = await own.connect(front, { failFast: false, minConnections: 1 });
  const seen: boolean[] = [];
  const opened = new Promise<void>((resolve) => pool.subscribe('opened', () => resolve()));
  let isOpen = false;
  void opened.then(() => {
    isOpen = true;
  });
  while (!isOpen) {
    seen.push(pool.healthStatus().healthy);
    await sleep(5);
  }
  expect(new Set(seen)).toEqual(new Set([false]));
  await expect.poll(() => pool.healthStatus().healthy).toBe(true);
});

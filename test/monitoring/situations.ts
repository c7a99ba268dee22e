import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionManager, PoolOptions, Transaction } from '../../src/index.js';
import type { Backend } from '../support/backend.js';
import { collectGarbage } from '../support/garbage.js';
import { place, type Surroundings } from '../support/surroundings.js';
import { settled } from '../support/virtual-clock.js';

/** What a situation has while it lasts. */
export interface Scene {
  /** Makes the pool, whose name is that of the situation. */
  pool(where: Parameters<Surroundings['pool']>[0], options?: Partial<PoolOptions>): Promise<ConnectionManager>;
  readonly listen: Surroundings['listen'];
  readonly engine: Backend;
  /** Aborted when the situation is to end. */
  readonly end: AbortSignal;
  /** Resolves when Prometheus has seen the pool again so many times. */
  scraped(times: number): Promise<void>;
}

/**
 * What goes on in a pool for as long as Prometheus watches. The first part makes the pool and what is there from the start; what
 * it returns begins once Prometheus has seen that.
 */
export type Situation = (scene: Scene) => Promise<() => Promise<unknown>>;

/** Does something again and again, with a pause between. What the program would get as an error is the situation's own affair. */
async function again(end: AbortSignal, pause: number, work: () => Promise<unknown>): Promise<void> {
  while (!end.aborted) {
    await work().catch(() => {});
    await sleep(pause);
  }
}

const root = { username: 'root', password: 'secret' };
const brief = 'DEFINE USER OVERWRITE brief ON ROOT PASSWORD "secret" ROLES OWNER DURATION FOR TOKEN 2s';

/** Acquires a connection and loses it. */
async function forget(pool: ConnectionManager): Promise<void> {
  await pool.acquire();
}

export const situations = {
  /** A connection is there, and nobody asks. */
  quiet: async ({ listen, pool }) => {
    const quiet = await pool((await listen()).url, { minConnections: 1 });
    await quiet.query('RETURN 1');
    return async () => {};
  },

  /** Work, and room for more of it; now and then somebody has all connections replaced. */
  busy: async ({ listen, pool, end }) => {
    const busy = await pool((await listen()).url, { maxConnections: 4 });
    await busy.query('CREATE thing:busy');
    return () =>
      Promise.all([
        again(end, 5, () => busy.withConnection((connection) => connection.query('SELECT * FROM thing:busy'))),
        again(end, 5, () => busy.query('UPDATE thing:busy SET n += 1')),
        again(end, 700, async () => void busy.recycleAll()),
      ]);
  },

  /** One connection, always in use, and callers who wait in vain. */
  queue: async ({ listen, pool, end }) => {
    const queue = await pool((await listen()).url, { maxConnections: 1, connectionTimeout: '1500ms' });
    await queue.query('RETURN 1');
    return async () => {
      await using connection = await queue.acquire();
      await Promise.all([
        again(end, 50, () => connection.query('RETURN 1').collect()),
        again(end, 0, () => queue.acquire()),
        again(end, 0, () => queue.acquire()),
      ]);
    };
  },

  /** Statements that the database refuses. */
  failing: async ({ listen, pool, end }) => {
    const failing = await pool((await listen()).url, { maxConnections: 2 });
    await failing.query('RETURN 1');
    return () => again(end, 100, () => failing.query('THROW "no"'));
  },

  /** The only server is gone, and callers go on asking. */
  breaker: async ({ listen, pool, end }) => {
    const front = await listen();
    const breaker = await pool(front.url, { maxConnections: 2, connectionTimeout: '1s' });
    await breaker.query('RETURN 1');
    return async () => {
      await front.close();
      await again(end, 100, () => breaker.query('RETURN 1'));
    };
  },

  /** Three servers, of which one is gone and another begins to fail; the third serves. */
  servers: async ({ listen, pool, end }) => {
    const fronts = [await listen(), await listen(), await listen()];
    const servers = await pool(
      fronts.map(({ url }) => url),
      { maxConnections: 9, balancing: { panicBelow: 1 } },
    );
    const callAll = () => Promise.all(Array.from({ length: 6 }, () => servers.query('SLEEP 20ms')));
    await callAll();
    return async () => {
      await fronts[2]?.close();
      await again(end, 50, callAll);
    };
  },

  /** Several callers change one record in transactions. */
  conflicts: async ({ listen, pool, engine, end }) => {
    const conflicts = await pool((await listen()).url, { maxConnections: 4 });
    await engine.query('UPSERT thing:hot SET n = 0', place);
    await conflicts.query('RETURN 1');
    const increment = () =>
      conflicts.withTransaction(async (transaction) => {
        await transaction.query('UPDATE thing:hot SET n += 1');
        await sleep(20);
      });
    const fails = () => conflicts.withTransaction((transaction) => transaction.query('THROW "no"'));
    return () =>
      Promise.all([
        again(end, 0, increment),
        again(end, 0, increment),
        again(end, 0, increment),
        again(end, 200, fails),
      ]);
  },

  /** Transactions that go back to a savepoint: with success, in vain, and refused. */
  savepoints: async ({ listen, pool, engine, end }) => {
    const savepoints = await pool((await listen()).url, { maxConnections: 2 });
    await engine.query('UPSERT thing:seen SET n = 0', place);
    await savepoints.query('RETURN 1');
    const within = (work: (transaction: Transaction) => Promise<unknown>) => () =>
      savepoints.withTransaction(work, { retry: false });
    const back = within(async (transaction) => {
      await transaction.query('UPSERT thing:mine SET n += 1');
      const savepoint = await transaction.savepoint();
      await transaction.query('UPSERT thing:mine SET n += 1');
      await savepoint.rollback();
    });
    const diverging = within(async (transaction) => {
      await transaction.query('SELECT * FROM thing:seen');
      const savepoint = await transaction.savepoint();
      await transaction.query('CREATE thing');
      await engine.query('UPDATE thing:seen SET n += 1', place);
      await savepoint.rollback();
    });
    const refused = within(async (transaction) => {
      await transaction.query('UPSERT thing:mine SET n = rand()');
      await transaction.savepoint();
    });
    return () => Promise.all([again(end, 100, back), again(end, 300, diverging), again(end, 300, refused)]);
  },

  /** A lease on which nothing is asked, others that are lost, and one that is released twice. */
  leak: async ({ listen, pool, end }) => {
    const leak = await pool((await listen()).url, { maxConnections: 4, leakDetectionThreshold: '10m' });
    const kept = await leak.acquire();
    await kept.query('RETURN 1');
    return async () => {
      await again(end, 500, async () => {
        await forget(leak);
        await settled();
        collectGarbage();
        const lease = await leak.acquire();
        lease.release();
        lease.release();
      });
      kept.release();
    };
  },

  /** Two agents share one connection; one reaches a limit, and the audit cannot be written. */
  agents: async ({ listen, pool, engine, end }) => {
    const agents = await pool((await listen()).url, { maxConnections: 1, database: 'agents' });
    await engine.query(
      'DEFINE DATABASE IF NOT EXISTS agents; USE DB agents; DEFINE TABLE agent_log SCHEMAFULL; DEFINE FIELD agent ON agent_log TYPE int',
      place,
    );
    const greedy = agents.createSession({ agentId: 'greedy', limits: { maxOperations: 5 } });
    const worker = agents.createSession({ agentId: 'worker', audit: 'after' });
    await greedy.query('RETURN 1');
    await worker.query('RETURN 1');
    return async () => {
      await Promise.all([
        again(end, 1, () => greedy.query('RETURN 1')),
        again(end, 0, () => worker.query('CREATE thing; SLEEP 50ms')),
        again(end, 0, () => worker.query('SLEEP 50ms')),
        again(end, 500, () => agents.createSession({ agentId: 'guest' }).close()),
      ]);
      await greedy.close();
      await worker.close();
    };
  },

  /** A token that is renewed, until the user is gone. */
  tokens: async ({ listen, pool, engine, scraped }) => {
    await engine.query(brief);
    const credentials = { username: 'brief', password: 'secret' };
    const front = await listen({ auth: true });
    const tokens = await pool(front.url, { credentials, minConnections: 1, maxConnections: 1 });
    await tokens.query('RETURN 1');
    return async () => {
      await new Promise((resolve) => tokens.subscribe('tokenRenewed', resolve));
      await scraped(1);
      await engine.query('REMOVE USER brief ON ROOT');
    };
  },

  /** Commits whose answer is lost: of some nobody knows what became of them, of others the pool finds out. */
  unknown: async ({ listen, pool, end }) => {
    const front = await listen();
    const unknown = await pool(front.url, { maxConnections: 1 });
    await unknown.query('RETURN 1');
    const commit = (verifyCommit: boolean) => {
      let lost = false;
      front.onRequest = (request) => {
        if (lost || request.method !== 'commit') return 'pass';
        lost = true;
        return 'drop';
      };
      return unknown.withTransaction((transaction) => transaction.query('CREATE thing'), { verifyCommit });
    };
    return () =>
      again(end, 300, async () => {
        await commit(false).catch(() => {});
        await commit(true);
      });
  },

  /** Other users and variables on the connections of the pool, and a password that is wrong. */
  users: async ({ listen, pool, engine, end }) => {
    await engine.query('DEFINE USER OVERWRITE viewer ON ROOT PASSWORD "secret" ROLES VIEWER');
    const front = await listen({ auth: true });
    const users = await pool(front.url, { credentials: root, maxConnections: 3 });
    await users.query('RETURN 1');
    const viewer = { credentials: { username: 'viewer', password: 'secret' } };
    const nobody = { credentials: { username: 'viewer', password: 'wrong' } };
    return async () => {
      await using kept = await users.acquire(viewer);
      await Promise.all([
        again(end, 100, () => kept.query('RETURN 1').collect()),
        again(end, 100, () => users.withConnection((connection) => connection.query('RETURN 1'), viewer)),
        again(end, 100, () => users.query('RETURN 1')),
        again(end, 100, () => users.withConnection((connection) => connection.set('a', 1))),
        again(end, 300, () => users.acquire(nobody)),
      ]);
    };
  },

  /** Somebody paused the pool. */
  paused: async ({ listen, pool, end }) => {
    const paused = await pool((await listen()).url, { maxConnections: 1 });
    await paused.query('RETURN 1');
    return async () => {
      await paused.pause();
      await again(end, 100, async () => {});
      await paused.resume();
    };
  },

  /** Connections that die without a word: probes and closings get no answer. */
  silent: async ({ listen, pool, end }) => {
    const front = await listen();
    const options = {
      maxConnections: 2,
      validationInterval: 0,
      probeTimeout: 100,
      closeTimeout: '2s',
      resetTimeout: 100,
    };
    const silent = await pool(front.url, { ...options, circuitBreaker: { failureThreshold: null } });
    await silent.query('RETURN 1');
    return () =>
      again(end, 300, async () => {
        for (const socket of front.sockets) socket.halfOpen();
        await silent.query('RETURN 1');
        const lease = await silent.acquire();
        await lease.beginTransaction();
        front.onRequest = ({ method }) => (method === 'cancel' ? 'swallow' : 'pass');
        lease.release();
        // Long enough for a scrape to see what is being closed.
        await sleep(1_200);
        front.onRequest = () => 'pass';
        front.dropAll();
      });
  },
} satisfies Record<string, Situation>;

/** The process stands still: staged before the others, since all its pools would notice. */
export const gap: Situation = async ({ listen, pool }) => {
  const made = await pool((await listen()).url, { maxConnections: 1 });
  await made.query('RETURN 1');
  return async () => {
    const until = performance.now() + 4_000;
    while (performance.now() < until);
  };
};

import { setTimeout as pause } from 'node:timers/promises';
import { Table } from 'surrealdb';
import type { ConnectionManager, PooledConnection } from '../../src/index.js';
import type { VerdictKind } from '../../src/verdict/verdict.js';
import { place, type Surroundings } from './surroundings.js';

/** A pool in a staged situation. */
export interface Scene {
  readonly pool: ConnectionManager;
  /** What the page must say in the end. */
  readonly kind: VerdictKind;
  readonly sentence: RegExp;
  /** Brings it about; called once somebody looks. It stays so until {@link end}. */
  begin(): void | Promise<void>;
  /** Ends what is under way. The pool itself is ended by the surroundings. */
  end(): Promise<void>;
}

export type Staging = (own: Surroundings) => Promise<Scene>;

/** Callers that work until they are told to stop; what fails is not their matter. */
class Callers {
  #stopped = false;
  readonly #running: Promise<void>[] = [];

  start(count: number, work: (caller: number) => Promise<unknown>): void {
    for (let caller = 0; caller < count; caller++) this.#running.push(this.#run(caller, work));
  }

  async #run(caller: number, work: (caller: number) => Promise<unknown>): Promise<void> {
    while (!this.#stopped) {
      await work(caller).catch(() => pause(5));
      // A loop of answered calls would leave no turn to others.
      await pause(1);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }
}

const text = 'SELECT * FROM order WHERE customer = $customer AND total > 100 ORDER BY placed DESC LIMIT 20';

async function lookUp(connection: PooledConnection): Promise<void> {
  await connection.query(text, { customer: 'person:a-secret-name' });
}

const busy: Staging = async (own) => {
  const front = await own.listen();
  front.latency = 12;
  const pool = await own.connect(front, { name: 'shop/orders', maxConnections: 20, minConnections: 12 });
  const callers = new Callers();
  return {
    ...{ pool, kind: 'healthy', sentence: /^Healthy: \d+ of 20 connections in use, nobody waits\.$/ },
    begin() {
      const session = pool.createSession({ agentId: 'support-bot' });
      callers.start(9, async () => await pool.withConnection(lookUp).then(() => pause(15)));
      callers.start(2, async () => await session.withConnection(lookUp).then(() => pause(20)));
    },
    end: () => callers.stop(),
  };
};

const queue: Staging = async (own) => {
  const front = await own.listen();
  front.latency = 35;
  const pool = await own.connect(front, { name: 'shop/orders', maxConnections: 4, connectionTimeout: '60s' });
  const callers = new Callers();
  return {
    ...{
      pool,
      kind: 'pool',
      sentence: /^The pool is the bottleneck: \d+ callers wait, the oldest for .+raise maxConnections/,
    },
    begin: () => callers.start(60, () => pool.withConnection(lookUp)),
    end: () => callers.stop(),
  };
};

const slowDatabase: Staging = async (own) => {
  const front = await own.listen();
  const pool = await own.connect(front, { name: 'shop/orders', maxConnections: 8, connectionTimeout: '60s' });
  for (let query = 0; query < 200; query++) await pool.query('RETURN 1');
  const callers = new Callers();
  return {
    ...{ pool, kind: 'database', sentence: /^The database is slow: a query takes \d+ ms and took [\d.]+ ms before/ },
    begin() {
      front.latency = 320;
      callers.start(26, () => pool.withConnection(lookUp));
    },
    async end() {
      front.latency = 0;
      await callers.stop();
    },
  };
};

const leak: Staging = async (own) => {
  const front = await own.listen();
  const pool = await own.connect(front, {
    ...{ name: 'shop/orders', maxConnections: 6, connectionTimeout: '120s', leakDetectionThreshold: '60s' },
  });
  const session = pool.createSession({ agentId: 'planner-7', limits: { maxHold: 0 } });
  const held: PooledConnection[] = [];
  const callers = new Callers();
  return {
    ...{
      pool,
      kind: 'caller',
      sentence: /^Callers hold connections without using them: 4 of [456] that are lent had no call/,
    },
    async begin() {
      for (let lease = 0; lease < 4; lease++) {
        const connection = await (lease === 0 ? session : pool).acquire();
        await connection.query('UPDATE stock SET reserved += $count WHERE sku = $sku', {
          count: 1,
          sku: 'a-secret-sku',
        });
        if (lease === 0) await connection.beginTransaction();
        held.push(connection);
      }
      front.latency = 60;
      callers.start(30, () => pool.withConnection(lookUp));
    },
    async end() {
      for (const connection of held) connection.release();
      await callers.stop();
    },
  };
};

const endpointOut: Staging = async (own) => {
  const [first, second] = [await own.listen(), await own.listen()];
  const pool = await own.pool([first.url, second.url], {
    ...{ name: 'shop/orders', minConnections: 8, maxConnections: 12 },
    circuitBreaker: { failureThreshold: 3, probeInterval: '1s', idleProbeInterval: '4s' },
  });
  await pool.warm();
  const callers = new Callers();
  return {
    ...{ pool, kind: 'endpoint', sentence: /^127\.0\.0\.1:\d+ is out.*; 1 other serves/ },
    begin() {
      first.latency = second.latency = 10;
      second.refuse = true;
      second.dropAll();
      callers.start(5, async () => await pool.withConnection(lookUp).then(() => pause(10)));
    },
    end: () => callers.stop(),
  };
};

const breakerOpen: Staging = async (own) => {
  const front = await own.listen();
  const pool = await own.connect(front, {
    ...{ name: 'shop/orders', maxConnections: 8, connectionTimeout: '20s' },
    circuitBreaker: { failureThreshold: 2, probeInterval: '1s', idleProbeInterval: '4s' },
  });
  const callers = new Callers();
  return {
    ...{ pool, kind: 'endpoint', sentence: /^127\.0\.0\.1:\d+ is out \(breaker (?:open|half-open)\)/ },
    begin() {
      front.refuse = true;
      front.dropAll();
      callers.start(3, async () => await pool.withConnection(lookUp).finally(() => pause(50)));
    },
    end: () => callers.stop(),
  };
};

const conflicts: Staging = async (own) => {
  const front = await own.listen();
  front.latency = 4;
  const pool = await own.connect(front, { name: 'shop/orders', maxConnections: 24, connectionTimeout: '60s' });
  await pool.query('UPSERT counter:hits SET value = 0');
  const callers = new Callers();
  return {
    ...{ pool, kind: 'conflicts', sentence: /^Transactions conflict: \d+ of \d+ were refused in the last minute/ },
    begin: () =>
      callers.start(10, () =>
        pool.withTransaction(async (transaction) => {
          await transaction.query('SELECT * FROM counter:hits');
          await transaction.query('UPDATE counter:hits SET value += 1');
        }),
      ),
    end: () => callers.stop(),
  };
};

const agentRefused: Staging = async (own) => {
  const front = await own.listen();
  front.latency = 4;
  const pool = await own.connect(front, { name: 'shop/orders', maxConnections: 12 });
  const quick = pool.createSession({ agentId: 'crawler-3', limits: { operationsPerSecond: 5, maxRows: 100 } });
  const calm = pool.createSession({ agentId: 'planner-7', weight: 2 });
  const small = pool.createSession({ agentId: 'summary-2', limits: { maxConnections: 1, atMaxConnections: 'wait' } });
  const callers = new Callers();
  return {
    ...{
      pool,
      kind: 'agent',
      sentence: /^Agent crawler-3 was refused \d+ times in the last minute by its limit operationsPerSecond/,
    },
    begin() {
      callers.start(2, async () => await quick.select(new Table('thing')).then(() => pause(20)));
      callers.start(3, async () => await calm.withConnection(lookUp).then(() => pause(20)));
      callers.start(1, async () => await small.withConnection(lookUp).then(() => pause(30)));
    },
    end: () => callers.stop(),
  };
};

const paused: Staging = async (own) => {
  const front = await own.listen();
  front.latency = 4;
  const pool = await own.connect(front, {
    name: 'shop/orders',
    maxConnections: 8,
    minConnections: 5,
    connectionTimeout: '120s',
  });
  await pool.warm();
  const callers = new Callers();
  return {
    ...{ pool, kind: 'paused', sentence: /^Paused: the pool lends nothing until resume\(\); \d+ callers wait/ },
    begin() {
      pool.pause();
      callers.start(14, () => pool.withConnection(lookUp));
    },
    async end() {
      pool.resume();
      await callers.stop();
    },
  };
};

const shuttingDown: Staging = async (own) => {
  const front = await own.listen();
  const pool = await own.connect(front, { name: 'shop/orders', maxConnections: 8, minConnections: 5 });
  const held = [await pool.acquire(), await pool.acquire()];
  for (const connection of held) await lookUp(connection);
  return {
    ...{
      pool,
      kind: 'shut-down',
      sentence: /^Shutting down: 2 leases have not ended yet; the longest, connection #\d+/,
    },
    begin() {
      void pool.shutdown({ gracePeriod: '120s' });
    },
    async end() {
      for (const connection of held) connection.release();
    },
  };
};

/** The situations in which the page must be right. */
export const scenes = {
  ...{ busy, queue, 'slow-database': slowDatabase, leak, 'endpoint-out': endpointOut, 'breaker-open': breakerOpen },
  ...{ conflicts, 'agent-refused': agentRefused, paused, 'shutting-down': shuttingDown },
} as const satisfies Record<string, Staging>;

/** Brings about a scene's tables, and the scene. */
export async function stage(name: SceneName, own: Surroundings): Promise<Scene> {
  await own.engine.query(
    'DEFINE TABLE IF NOT EXISTS order; DEFINE TABLE IF NOT EXISTS stock; DEFINE TABLE IF NOT EXISTS counter',
    place,
  );
  return await scenes[name](own);
}

export type SceneName = keyof typeof scenes;

import { channel, tracingChannel } from 'node:diagnostics_channel';
import { ServerError, surql } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import { memoryLogger } from '../support/memory-logger.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

describe('statistics', () => {
  test('have the nine summary fields, in percent where they are rates, 0 before the first sample', async () => {
    const pool = await own.pool('mem://', { minConnections: 1, maxConnections: 2 });
    expect(pool.poolStats()).toMatchObject({
      totalConnections: 1,
      availableConnections: 1,
      inUseConnections: 0,
      connectionsCreated: 1,
      connectionsReused: 0,
      connectionsClosed: 0,
      healthCheckPassRate: 0,
      acquisitionSuccessRate: 0,
      averageReuseRatio: 0,
    });
    const [one, two] = [await pool.acquire(), await pool.acquire()];
    await expect(pool.acquire({ timeout: 5 })).rejects.toThrow();
    one.release();
    (await pool.acquire()).release();
    expect(pool.poolStats()).toMatchObject({
      totalConnections: 2,
      availableConnections: 1,
      inUseConnections: 1,
      connectionsCreated: 2,
      connectionsReused: 2,
      acquisitionSuccessRate: 75,
    });
    expect(pool.poolStats().averageReuseRatio).toBeCloseTo(66.7, 1);
    two.release();
  });

  test('count the probes that passed and failed', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1, validationInterval: 0 });
    (await pool.acquire()).release();
    expect(pool.poolStats().healthCheckPassRate).toBe(100);
    let killed = 0;
    front.onRequest = ({ method }) => (method === 'query' && killed++ === 0 ? 'kill' : 'pass');
    (await pool.acquire()).release();
    expect(pool.poolStats()).toMatchObject({ probesFailed: 1, healthCheckPassRate: 50 });
  });

  test('and health are in metrics(), which is plain data', async () => {
    const pool = await own.pool('mem://');
    const metrics = pool.metrics();
    expect(JSON.parse(JSON.stringify(metrics))).toMatchObject({
      pool: 'test/test',
      stats: { state: 'running', waitTime: { count: 0, p99: 0 } },
      health: { healthy: true, endpoints: [{ url: 'mem://', connections: 1 }] },
    });
  });
});

describe('the log', () => {
  test('tells of the size of the pool, of health, of limits and of the shutdown, each at its level', async () => {
    const { logger, lines, messages } = memoryLogger();
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1, maxWaiters: 0, validationInterval: 0, logger });
    const held = await pool.acquire();
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    held.release();
    let killed = 0;
    front.onRequest = ({ method }) => (method === 'query' && killed++ === 0 ? 'kill' : 'pass');
    const died = new Promise((resolve) => pool.subscribe('validationFailed', resolve));
    (await pool.acquire()).release();
    await died;
    await pool.resize({ maxConnections: 3 });
    await pool.shutdown();

    expect(messages('info')).toEqual(['pool started', 'pool resized', 'shutting down', 'shut down']);
    expect(messages('warn')).toContain('an acquire was refused');
    expect(messages('debug')).toEqual(
      expect.arrayContaining(['opening a connection', 'connection opened', 'connection closed']),
    );
    expect(lines.every(({ details }) => details.pool === pool.name)).toBe(true);
    expect(lines.find(({ message }) => message === 'an acquire was refused')?.details.err).toBeInstanceOf(Error);
  });

  test('goes to console in lines that begin with the message', async () => {
    const info = vi.spyOn(console, 'info').mockImplementation(() => {});
    const debug = vi.spyOn(console, 'debug').mockImplementation(() => {});
    const pool = await own.pool('mem://', { logger: console });
    await pool.shutdown();
    expect(info).toHaveBeenCalledWith(
      '%s',
      expect.stringMatching(/^shut down \(test\/test, took [\d.]+ ms, aborted 0\)$/),
    );
    info.mockRestore();
    debug.mockRestore();
  });

  test('that throws hurts nobody', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const fail = (): never => {
      throw new Error('disk full');
    };
    const pool = await own.pool('mem://', { logger: { debug: fail, info: fail, warn: fail, error: fail } });
    expect(await pool.query('RETURN 1')).toEqual([1]);
    await pool.shutdown();
    expect(warning).toHaveBeenCalled();
    warning.mockRestore();
  });
});

describe('the diagnostics channels', () => {
  /** What is told on a tracing channel while `work` runs: each message as it is at the end of its call. */
  async function traces(name: string, work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
    const tracing = tracingChannel(`surreal-pool:${name}`);
    const seen: Record<string, unknown>[] = [];
    const subscriber = {
      start: () => {},
      end: () => {},
      asyncStart: () => {},
      asyncEnd: (message: object) => seen.push({ ...message }),
      error: () => {},
    };
    tracing.subscribe(subscriber);
    try {
      await work();
    } finally {
      tracing.unsubscribe(subscriber);
    }
    return seen;
  }

  test('tell failed statements as failed, each attempt by itself, and give their answer all the same', async () => {
    const pool = await own.pool('mem://');
    const answers: unknown[] = [];
    const seen = await traces('query', async () => {
      answers.push(await pool.query('RETURN 1'));
      answers.push(await pool.query('THROW "no"').catch((error: unknown) => error));
      answers.push(await pool.query('RETURN 2; THROW "two"; RETURN 3').responses());
      answers.push(await pool.withTransaction((one) => one.query('THROW "three"')).catch((error: unknown) => error));
      answers.push(await pool.query('SELEC 1').catch((error: unknown) => error));
    });
    const errors = seen.map(({ error }) => error as Error | undefined);
    expect(errors.map((error) => error?.message)).toEqual([
      undefined,
      expect.stringContaining('no'),
      expect.stringContaining('two'),
      expect.stringContaining('three'),
      expect.stringContaining('Parse error'),
    ]);
    expect(errors[1]).toBe(answers[1]);
    expect(errors[1]).toBeInstanceOf(ServerError);
    expect(answers[2]).toMatchObject([{ success: true }, { success: false, error: errors[2] }, { success: true }]);
    expect(seen[0]).toHaveProperty('result');
    expect(seen[1]).not.toHaveProperty('result');
  });

  test('say where the server is, and of which connection and transaction a call is', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { name: 'orders' });
    const { port } = new URL(front.url);
    const server = { pool: 'orders', serverAddress: '127.0.0.1', serverPort: Number(port) };
    const seen: Record<string, Record<string, unknown>[]> = {};
    const call = () =>
      pool.withTransaction(async (one) => {
        await one.query('RETURN 1');
        await pool.query('RETURN 2');
      });
    seen.connect = await traces('connect', async () => {
      seen.acquire = await traces('acquire', async () => {
        seen.transaction = await traces('transaction', async () => {
          seen.query = await traces('query', call);
        });
      });
    });
    for (const messages of Object.values(seen)) {
      expect(messages.length).toBeGreaterThan(0);
      for (const message of messages) {
        expect(message).toMatchObject({ ...server, connection: expect.any(Number) as number });
      }
    }
    const [within, beside] = seen.query ?? [];
    expect(within).toMatchObject({ text: 'RETURN 1', transaction: seen.transaction?.[0]?.transaction });
    expect(within?.connection).toBe(seen.transaction?.[0]?.connection);
    expect(beside).toMatchObject({ text: 'RETURN 2', transaction: undefined });
    expect(beside?.connection).not.toBe(within?.connection);
  });

  test('say of an embedded database that there is no server, and of a lease that moved where it is', async () => {
    const pool = await own.pool('mem://');
    await pool.query('DEFINE DATABASE IF NOT EXISTS second');
    const seen = await traces('query', () =>
      pool.withConnection(async (connection) => {
        await connection.use({ namespace: 'test', database: 'second' });
        await connection.query('RETURN 1');
      }),
    );
    expect(seen).toMatchObject([
      { pool: 'test/test', serverAddress: undefined, serverPort: undefined, database: 'second', text: 'RETURN 1' },
    ]);
  });

  test('say whose lease it is and which calls were made on it, until its end is published', async () => {
    const pool = await own.pool('mem://', { maxConnections: 2 });
    const released: unknown[] = [];
    const onRelease = (message: unknown): void => void released.push(message);
    channel('surreal-pool:release').subscribe(onRelease);
    let calls: Record<string, unknown>[] = [];
    const acquires = await traces('acquire', async () => {
      calls = await traces('query', async () => {
        const lease = await pool.acquire();
        await lease.query('RETURN 1');
        await pool.query('RETURN 2');
        await pool.createSession({ agentId: 'indexer' }).query('RETURN 3');
        expect(released).toHaveLength(2);
        lease.release();
        lease.release();
      });
    });
    const untraced = await pool.acquire();
    untraced.release();
    channel('surreal-pool:release').unsubscribe(onRelease);

    const place = { namespace: 'test', database: 'test', user: 'no user', maxConnections: 2 };
    expect(acquires).toMatchObject([
      { ...place, single: false, agent: undefined },
      { ...place, single: true, agent: undefined },
      { ...place, single: true, agent: 'indexer' },
    ]);
    const leases = acquires.map(({ lease }) => lease);
    expect(new Set(leases).size).toBe(3);
    expect(calls.map(({ lease }) => lease)).toEqual(leases);
    // The end of a lease is told once, and only of those whose acquire was traced.
    const [first, second, third] = acquires.map(({ pool: name, poolId, connection, lease }) => {
      return expect.objectContaining({ pool: name, poolId, connection, lease }) as unknown;
    });
    expect(released).toEqual([second, third, first]);
  });

  test('trace queries, acquires and connects, and publish the life of each connection', async () => {
    const seen: string[] = [];
    const subscribers = (['query', 'acquire', 'connect'] as const).map((name) => {
      const tracing = tracingChannel(`surreal-pool:${name}`);
      const subscriber = {
        start: (message: object) => seen.push(`${name} start ${'text' in message ? message.text : ''}`.trim()),
        end: () => {},
        asyncStart: () => {},
        asyncEnd: () => seen.push(`${name} end`),
        error: () => seen.push(`${name} error`),
      };
      tracing.subscribe(subscriber);
      return () => tracing.unsubscribe(subscriber);
    });
    const steps: unknown[] = [];
    const pools = new Set<unknown>();
    const onStep = (message: unknown): void => {
      const { pool: name, poolId } = message as { pool: string; poolId: number };
      pools.add(`${name} ${typeof poolId}`);
      steps.push((message as { event: string }).event);
    };
    channel('surreal-pool:connection').subscribe(onStep);

    const pool = await own.pool('mem://', { maxConnections: 1 });
    await pool.query(surql`RETURN ${'secret'}`);
    await expect(pool.query('THROW 1').collect()).rejects.toThrow();
    await pool.shutdown();
    for (const unsubscribe of subscribers) unsubscribe();
    channel('surreal-pool:connection').unsubscribe(onStep);
    expect([...pools]).toEqual([`${pool.name} number`]);

    expect(seen.filter((line) => line.startsWith('connect'))).toEqual(['connect start', 'connect end']);
    expect(seen.filter((line) => line.startsWith('acquire'))).toEqual([
      'acquire start',
      'acquire end',
      'acquire start',
      'acquire end',
    ]);
    expect(seen.some((line) => /^query start RETURN \$/.test(line))).toBe(true);
    expect(seen.join()).not.toContain('secret');
    expect(steps).toEqual(['opening', 'opened', 'closing', 'closed']);
  });
});

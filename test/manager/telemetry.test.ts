import { channel, tracingChannel } from 'node:diagnostics_channel';
import { surql } from 'surrealdb';
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
    expect(info).toHaveBeenCalledWith('%s', expect.stringMatching(/^shut down \(test\/test, took [\d.]+ ms, aborted 0\)$/));
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
    const onStep = (message: unknown): void => {
      steps.push((message as { event: string }).event);
    };
    channel('surreal-pool:connection').subscribe(onStep);

    const pool = await own.pool('mem://', { maxConnections: 1 });
    await pool.query(surql`RETURN ${'secret'}`);
    await expect(pool.query('THROW 1').collect()).rejects.toThrow();
    await pool.shutdown();
    for (const unsubscribe of subscribers) unsubscribe();
    channel('surreal-pool:connection').unsubscribe(onStep);

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

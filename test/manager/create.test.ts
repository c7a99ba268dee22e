import { describe, expect, test, vi } from 'vitest';
import {
  ConfigurationError,
  ConnectError,
  ConnectionManager,
  configFromEnvironment,
  createPool,
} from '../../src/index.js';
import { Front } from '../support/front.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();

describe('making a pool', () => {
  test('opens the minimum and resolves with the first connection', async () => {
    const pool = await own.pool('mem://', { minConnections: 3, maxConnections: 5 });
    expect(pool.poolStats().opened).toBeGreaterThanOrEqual(1);
    await vi.waitFor(() => expect(pool.poolStats()).toMatchObject({ total: 3, idle: 3 }));
  });

  test('opens nothing ahead without warmConnections, but proves that it can connect', async () => {
    const pool = await own.pool('mem://', { minConnections: 3, warmConnections: false });
    expect(pool.poolStats()).toMatchObject({ opened: 1, opening: 0 });
  });

  test('from one object is the same as from an address and options', async () => {
    await using long = await ConnectionManager.create({ connectionMode: { type: 'in-memory' }, ...place });
    await using short = await createPool('mem://', place);
    await using environment = await ConnectionManager.create(
      configFromEnvironment({
        SURREAL_POOL_URL: 'mem://',
        SURREAL_POOL_NAMESPACE: 'test',
        SURREAL_POOL_DATABASE: 'test',
      }),
    );
    for (const pool of [long, short, environment]) {
      expect(pool.name).toBe('test/test');
      expect(await pool.query('RETURN session::db()')).toEqual(['test']);
    }
  });

  test.each(['http://localhost:8000', 'https://db.example.com'])('refuses %s and says why', async (url) => {
    await expect(createPool(url, place)).rejects.toThrow(ConfigurationError);
    await expect(createPool(url, place)).rejects.toThrow(/GHSA-4vgr-h27g-cf9p/);
  });

  test('that cannot connect rejects after its attempts, and leaves nothing behind', async () => {
    const front = await own.listen();
    const { port } = front;
    await front.close();
    const before = process.getActiveResourcesInfo().length;
    await expect(
      createPool(`ws://127.0.0.1:${port}`, { ...place, retryPolicy: { maxAttempts: 3, initialBackoff: 1 } }),
    ).rejects.toThrow(ConnectError);
    await vi.waitFor(() => expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before));
  });

  test('opens the first connection; warm() waits for all that are kept', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { minConnections: 5, maxConnections: 8 });
    await pool.warm();
    expect(pool.poolStats().idle).toBe(5);
    await pool.warm();
    await pool.shutdown();
    await expect(pool.warm()).rejects.toMatchObject({ code: 'ERR_POOL_SHUTDOWN' });
  });

  test('with failFast off resolves at once and heals when the server comes', async () => {
    const front = await own.listen();
    const { port, url } = front;
    await front.close();
    const pool = await own.pool(url, {
      failFast: false,
      minConnections: 2,
      retryPolicy: { initialBackoff: 5, maxBackoff: 20 },
      circuitBreaker: { probeInterval: 20, idleProbeInterval: 50 },
    });
    expect(pool.healthStatus().healthy).toBe(false);
    await vi.waitFor(() => expect(pool.healthStatus().reason).toMatch(/ECONNREFUSED/));
    expect(pool.healthStatus().healthy).toBe(false);
    const again = await Front.listen(own.engine, { port });
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(2));
    // A call that is answered proves more than the openings did.
    expect(await pool.query('RETURN 1')).toEqual([1]);
    await vi.waitFor(() => expect(pool.healthStatus()).toMatchObject({ healthy: true, state: 'running' }));
    await pool.shutdown();
    await again.close();
  });
});

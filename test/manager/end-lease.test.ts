import { describe, expect, test, vi } from 'vitest';
import { ConnectionLostError, LeaseReleasedError, type PoolEvents, UsageError } from '../../src/index.js';
import { memoryLogger } from '../support/memory-logger.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

describe('endLease()', () => {
  test('ends the lease of a holder, who gets the reason; the connection goes to the next caller', async () => {
    const { logger, messages } = memoryLogger();
    const pool = await own.connect(await own.listen(), { maxConnections: 1, leakDetectionThreshold: '60s', logger });
    const told: PoolEvents['leaseEnded'][] = [];
    pool.subscribe('leaseEnded', (event) => told.push(event));
    const held = await pool.acquire();
    const { id } = held;
    const waiter = pool.acquire();
    expect(pool.endLease(id, 'it blocks\nthe night job')).toBe(true);
    const next = await waiter;
    expect(await next.query('RETURN 1')).toEqual([1]);
    const error = await held.query('RETURN 2').then(undefined, (failure: unknown) => failure);
    expect(error).toBeInstanceOf(LeaseReleasedError);
    expect(String(error)).toContain(`the lease of connection ${id} was ended by an operator`);
    expect(String(error)).toContain('(it blocks the night job)');
    expect(String(error)).toContain('end-lease.test.ts');
    // Its holder rightly releases it later.
    held.release();
    await vi.waitFor(() => expect(told).toHaveLength(1));
    expect(told[0]).toMatchObject({ connection: id, reason: 'it blocks the night job' });
    expect(told[0]?.origin).toContain('end-lease.test.ts');
    expect(pool.poolStats()).toMatchObject({ releasedTwice: 0, leased: 1 });
    expect(messages('warn')).toContain('a lease was ended by an operator');
    next.release();
  });

  test('fails the call that is under way at once, which may have been executed, and closes its connection', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1, resetTimeout: '60s' });
    const held = await pool.acquire();
    await held.query('RETURN 1');
    front.onRequest = ({ method }) => (method === 'query' ? { delay: 60_000 } : 'pass');
    const call = held.query('RETURN 2').then(undefined, (failure: unknown) => failure);
    await vi.waitFor(() => expect(pool.connections()[0]?.holder?.idle).toBeUndefined());
    expect(pool.endLease(held.id)).toBe(true);
    const error = await call;
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error).toMatchObject({ outcome: 'unknown' });
    await expect(held.query('RETURN 2')).rejects.toThrow(
      'was ended by an operator, not by its holder (no reason was given)',
    );
    await vi.waitFor(() => expect(pool.poolStats().closedBy.aborted).toBe(1));
    front.onRequest = () => 'pass';
    expect(await pool.query('RETURN 3')).toEqual([3]);
  });

  test('rolls an open transaction back', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 1 });
    const held = await pool.acquire();
    const transaction = await held.beginTransaction();
    await transaction.query('CREATE thing:ended');
    expect(pool.endLease(held.id)).toBe(true);
    await expect(transaction.commit()).rejects.toThrow();
    await expect(held.query('RETURN 1')).rejects.toThrow('was ended by an operator');
    expect(await pool.query('SELECT VALUE id FROM thing')).toEqual([[]]);
  });

  test('ends a lease that parks, for good', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 1 });
    const held = await pool.acquire({ whileIdle: 'release', idleAfter: '60s' });
    await held.query('RETURN 1');
    expect(pool.endLease(held.id, 'why not')).toBe(true);
    await expect(held.query('RETURN 2')).rejects.toThrow('ended by an operator');
    expect(await pool.query('RETURN 3')).toEqual([3]);
  });

  test('does nothing where nobody has a connection to itself', async () => {
    const front = await own.listen();
    front.latency = 50;
    const pool = await own.connect(front, { maxConnections: 2 });
    const call = pool.query('RETURN 1').collect();
    await vi.waitFor(() => expect(pool.poolStats().leased).toBe(1));
    const [connection] = pool.connections();
    expect(pool.endLease(connection?.id ?? 0)).toBe(false);
    expect(await call).toEqual([1]);
    expect(pool.endLease(connection?.id ?? 0)).toBe(false);
    expect(pool.endLease(9_999)).toBe(false);
  });

  test.each([1, null, {}, Symbol('why')])('refuses %s as a reason', async (given) => {
    const pool = await own.pool('mem://');
    await using connection = await pool.acquire();
    expect(() => pool.endLease(connection.id, given as string)).toThrow(UsageError);
    expect(await connection.query('RETURN 1')).toEqual([1]);
  });

  test.each([undefined, '1', 1.5, Number.NaN, null, {}])('refuses %s as a connection', async (given) => {
    const pool = await own.pool('mem://');
    expect(() => pool.endLease(given as number)).toThrow(UsageError);
  });
});

import { describe, expect, test } from 'vitest';
import { PoolError } from '../../src/errors/pool-error.js';
import { behaving, fill, poolUnderTest, watch } from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

describe('start()', () => {
  test('resolves with the first connection, and the others follow', async () => {
    const { pool, resources } = poolUnderTest({ minConnections: 3, maxConnections: 3, warmConnections: true });
    resources.behave = behaving({ open: 'slow' });
    const start = watch(pool.start(1));
    await settled();
    expect(resources.opensRunning).toBe(3);
    resources.finish('open');
    await settled();
    expect(start.state).toBe('fulfilled');
    while (resources.finish('open')) await settled();
    expect(pool.statistics().idle).toBe(3);
  });

  test('asks for one connection although none is kept warm', async () => {
    const { pool } = poolUnderTest({ minConnections: 0 });
    await pool.start(1);
    expect(pool.statistics()).toMatchObject({ idle: 1, opened: 1 });
  });

  test('with no attempts resolves at once, and opens the minimum behind', async () => {
    const { pool, resources } = poolUnderTest({ minConnections: 2, warmConnections: true });
    resources.behave = behaving({ open: 'slow' });
    await pool.start(0);
    await settled();
    expect(pool.statistics()).toMatchObject({ opening: 2, idle: 0 });
  });

  test('with no attempts survives a server that is away, and heals by itself', async () => {
    const { pool, clock, resources } = poolUnderTest({ minConnections: 1, warmConnections: true });
    resources.behave = behaving({ open: 'fail' });
    await pool.start(0);
    await clock.advance(60_000);
    resources.behave = behaving({});
    await clock.advance(100);
    expect(pool.statistics().idle).toBe(1);
  });

  test('rejects with the cause of the last failure after so many attempts', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnecting: 1 });
    resources.behave = behaving({ open: 'fail' });
    const start = watch(pool.start(3));
    await clock.advance(199);
    expect(start.state).toBe('pending');
    await clock.advance(1);
    expect(start.error).toMatchObject({ message: 'open failed' });
    await clock.advance(60_000);
    expect(resources.opensStarted).toBe(3);
  });

  test('rejects at once when the cause is there for good', async () => {
    const { pool, resources } = poolUnderTest();
    resources.behave = behaving({ open: 'fatal' });
    const start = watch(pool.start(10));
    await settled();
    expect(start.error).toMatchObject({ message: 'open failed for good' });
    expect(resources.opensStarted).toBe(1);
  });

  test('counts the minimum in: what a caller opened before is not opened again', async () => {
    const { pool } = poolUnderTest({ minConnections: 2, maxConnections: 5, warmConnections: true });
    await fill(pool, 1);
    await pool.start(0);
    await settled();
    expect(pool.statistics().total).toBe(2);
  });

  test('does nothing for the minimum when connections are not to be kept warm', async () => {
    const { pool } = poolUnderTest({ minConnections: 2, warmConnections: false });
    await pool.start(0);
    await settled();
    expect(pool.statistics().total).toBe(0);
  });

  test('resolves when a connection is there already', async () => {
    const { pool, clock } = poolUnderTest();
    await fill(pool, 1);
    const start = watch(pool.start(1));
    await clock.advance(10_000);
    expect(start.state).toBe('fulfilled');
  });

  test('called twice settles both times', async () => {
    const { pool } = poolUnderTest();
    const starts = [watch(pool.start(1)), watch(pool.start(1))];
    await settled();
    expect(starts.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled']);
  });

  test('that is under way rejects when the pool is shut down', async () => {
    const { pool, resources } = poolUnderTest();
    resources.behave = behaving({ open: 'never' });
    const start = watch(pool.start(5));
    await settled();
    void pool.shutdown(0);
    await settled();
    expect(start.state).toBe('rejected');
  });

  test('that is under way rejects with an error of this package when the pool is shut down', async () => {
    const { pool, resources } = poolUnderTest();
    resources.behave = behaving({ open: 'never' });
    const start = watch(pool.start(5));
    await settled();
    void pool.shutdown(0);
    await settled();
    expect(start.error).toBeInstanceOf(PoolError);
  });

  test('after a shutdown rejects', async () => {
    const { pool, clock } = poolUnderTest();
    await pool.shutdown(0);
    const start = watch(pool.start(3));
    await clock.advance(10_000);
    expect(start.state).toBe('rejected');
  });
});

describe('the minimum', () => {
  test('is filled up again when one of it dies', async () => {
    const { pool, resources } = poolUnderTest({ minConnections: 2, warmConnections: true });
    await pool.start(0);
    await settled();
    resources.all[0]?.die(new Error('gone'));
    await settled();
    expect(pool.statistics()).toMatchObject({ idle: 2, opened: 3, closedBy: { died: 1 } });
  });

  test('is filled up again although all of it died at once, and no caller sees an error', async () => {
    const { pool, clock, resources } = poolUnderTest({ minConnections: 5, maxConnections: 5, warmConnections: true });
    await pool.start(0);
    await clock.advance(1000);
    for (const resource of [...resources.all]) resource.die(new Error('the server was restarted'));
    const callers = Array.from({ length: 5 }, () => watch(pool.acquire()));
    await settled();
    expect(callers.every(({ state }) => state === 'fulfilled')).toBe(true);
    expect(pool.statistics()).toMatchObject({ total: 5, closedBy: { died: 5 } });
  });
});

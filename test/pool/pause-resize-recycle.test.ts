import { describe, expect, test } from 'vitest';
import { AcquireTimeoutError } from '../../src/errors/acquire.js';
import { UsageError } from '../../src/errors/configuration.js';
import {
  alwaysProbed,
  behaving,
  fill,
  leaseOf,
  lent,
  listen,
  poolUnderTest,
  watch,
} from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

describe('pause()', () => {
  test('lends nothing and opens nothing, while leases go on', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 3 });
    const [first, second] = await lent(pool, 2);
    first?.release();
    pool.pause();
    const waiters = [watch(pool.acquire()), watch(pool.acquire())];
    await clock.advance(1000);
    second?.release();
    await clock.advance(1000);
    expect(second?.active).toBe(false);
    expect(waiters.map(({ state }) => state)).toEqual(['pending', 'pending']);
    expect(pool.statistics()).toMatchObject({ state: 'paused', idle: 2, waiting: 2 });
    expect(resources.opensStarted).toBe(2);
  });

  test('leaves those who wait their own deadlines, and the error says why', async () => {
    const { pool, clock } = poolUnderTest();
    await fill(pool, 1);
    pool.pause();
    const waiter = watch(pool.acquire({ timeout: 500 }));
    await clock.advance(500);
    expect(waiter.error).toBeInstanceOf(AcquireTimeoutError);
    expect(waiter.error).toMatchObject({ snapshot: { state: 'paused', idle: 1 } });
    expect(String(waiter.error)).toContain('the pool is paused and 1 caller waits: resume() it');
  });

  test('keeps as idle what opens and what passes its probe meanwhile', async () => {
    const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 2 });
    await fill(pool, 1);
    resources.behave = behaving({ open: 'slow', probe: 'slow' });
    const waiters = [watch(pool.acquire()), watch(pool.acquire())];
    await settled();
    expect(pool.statistics()).toMatchObject({ opening: 1, validating: 1 });
    pool.pause();
    resources.behave = behaving({});
    resources.finish('open');
    resources.finish('probe');
    await settled();
    expect(pool.statistics()).toMatchObject({ idle: 2, waiting: 2 });
    pool.resume();
    await settled();
    expect(waiters.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled']);
  });

  test('opens nothing when the pause between two attempts ends', async () => {
    const { pool, clock, resources } = poolUnderTest();
    resources.behave = behaving({ open: 'fail' });
    pool.acquire().catch(() => {});
    await settled();
    pool.pause();
    await clock.advance(5000);
    expect(resources.opensStarted).toBe(1);
  });

  test('and resume() five times under load: nobody sees an error, everybody only waits', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 3 });
    let done = 0;
    const callers = Array.from({ length: 60 }, async () => {
      const lease = await pool.acquire();
      await new Promise<void>((resolve) => clock.timer(5, true, resolve));
      lease.release();
      done++;
    });
    for (let round = 0; round < 5; round++) {
      await clock.advance(7);
      pool.pause();
      await clock.advance(100);
      pool.resume();
    }
    await clock.advance(200);
    await Promise.all(callers);
    expect(done).toBe(60);
    expect(pool.statistics()).toMatchObject({ served: 60, opened: 3, timedOut: 0, failed: 0, refused: 0 });
  });

  test('twice, or resume() without it, tells and does nothing more', async () => {
    const { pool } = poolUnderTest();
    const told = listen(pool);
    pool.resume();
    pool.pause();
    pool.pause();
    pool.resume();
    pool.resume();
    await settled();
    expect(told.map(({ name }) => name)).toEqual(['paused', 'resumed']);
  });
});

describe('resize()', () => {
  test('down closes at once what is idle above the maximum, the longest idle first', async () => {
    const { pool } = poolUnderTest({ maxConnections: 10 });
    await fill(pool, 10);
    pool.resize({ maxConnections: 3 });
    expect(pool.statistics()).toMatchObject({ idle: 3, closing: 7, maxConnections: 3 });
    const ids = (await lent(pool, 3)).map(({ id }) => id);
    expect(ids).toEqual([10, 9, 8]);
    await settled();
    expect(pool.statistics().closedBy.resized).toBe(7);
  });

  test('down closes what is lent at its release, until few enough are left', async () => {
    const { pool } = poolUnderTest({ maxConnections: 5 });
    const leases = await lent(pool, 5);
    pool.resize({ maxConnections: 2 });
    expect(leases.every(({ active }) => active)).toBe(true);
    for (const lease of leases) lease.release();
    await settled();
    expect(pool.statistics()).toMatchObject({ total: 2, idle: 2, closedBy: { resized: 3 } });
  });

  test('down closes what was being opened, probed or reset, when that ends', async () => {
    const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 3 });
    const [first, second] = await lent(pool, 2);
    resources.behave = behaving({ open: 'slow', probe: 'slow', reset: 'slow' });
    if (first !== undefined) first.resource.dirty = true;
    first?.release();
    second?.release();
    const waiters = Array.from({ length: 3 }, () => watch(pool.acquire()));
    await settled();
    expect(pool.statistics()).toMatchObject({ opening: 1, validating: 1, resetting: 1 });
    pool.resize({ maxConnections: 1 });
    resources.behave = behaving({});
    for (const step of ['open', 'probe', 'reset'] as const) {
      resources.finish(step);
      await settled();
    }
    expect(pool.statistics()).toMatchObject({ total: 1, leased: 1, waiting: 2, closedBy: { resized: 2 } });
    expect(waiters[0]?.state).toBe('fulfilled');
  });

  test('up opens for those who wait, at once', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const waiters = Array.from({ length: 4 }, () => watch(pool.acquire()));
    await settled();
    pool.resize({ maxConnections: 4 });
    await settled();
    expect(waiters.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'pending']);
    lease.release();
  });

  test('from ten to two to ten under load: never more than allowed, and everybody is served', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 10 });
    const callers = Array.from({ length: 200 }, async () => {
      const lease = await pool.acquire();
      await new Promise<void>((resolve) => clock.timer(10, true, resolve));
      lease.release();
    });
    await clock.advance(15);
    pool.resize({ maxConnections: 2 });
    await clock.advance(15);
    expect(pool.statistics().total).toBe(2);
    await clock.advance(100);
    expect(pool.statistics().total).toBe(2);
    pool.resize({ maxConnections: 10 });
    await clock.advance(5);
    expect(pool.statistics().leased).toBe(10);
    await clock.advance(500);
    await Promise.all(callers);
    expect(pool.statistics()).toMatchObject({ served: 200, leased: 0, timedOut: 0 });
  });

  test('of the minimum is filled up when connections are kept warm', async () => {
    const { pool } = poolUnderTest({ maxConnections: 5, warmConnections: true });
    await pool.start(0);
    pool.resize({ minConnections: 4 });
    await settled();
    expect(pool.statistics()).toMatchObject({ idle: 4, minConnections: 4, maxConnections: 5 });
  });

  test('below the minimum takes the minimum with it', () => {
    const { pool } = poolUnderTest({ minConnections: 4, maxConnections: 5 });
    pool.resize({ maxConnections: 2 });
    expect(pool.statistics()).toMatchObject({ minConnections: 2, maxConnections: 2 });
  });

  test.each([
    [{ maxConnections: 0 }, 'maxConnections: given 0, allowed: a whole number, 1 or more'],
    [{ maxConnections: 1.5 }, 'maxConnections: given 1.5'],
    [{ maxConnections: Number.POSITIVE_INFINITY }, 'maxConnections: given Infinity'],
    [{ minConnections: -1 }, 'minConnections: given -1, allowed: a whole number from 0 to maxConnections (5)'],
    [{ minConnections: 6 }, 'minConnections: given 6'],
    [
      { minConnections: 3, maxConnections: 2 },
      'minConnections: given 3, allowed: a whole number from 0 to maxConnections (2)',
    ],
  ])('to %o is refused and changes nothing', (bounds, message) => {
    const { pool } = poolUnderTest({ minConnections: 1, maxConnections: 5 });
    const told = listen(pool);
    expect(() => pool.resize(bounds)).toThrow(UsageError);
    expect(() => pool.resize(bounds)).toThrow(message);
    expect(pool.statistics()).toMatchObject({ minConnections: 1, maxConnections: 5 });
    expect(told).toEqual([]);
  });
});

describe('recycleAll()', () => {
  test('closes what is idle now, and what is lent at its release', async () => {
    const { pool } = poolUnderTest({ maxConnections: 3 });
    const [first, second, third] = await lent(pool, 3);
    third?.release();
    pool.recycleAll();
    expect(pool.statistics()).toMatchObject({ idle: 0, leased: 2, closing: 1 });
    first?.release();
    second?.release();
    await settled();
    expect(pool.statistics()).toMatchObject({ total: 0, closedBy: { recycled: 3 } });
    expect((await pool.acquire()).id).toBe(4);
  });

  test('spares what was opened afterwards', async () => {
    const { pool } = poolUnderTest({ maxConnections: 2 });
    const old = await pool.acquire();
    pool.recycleAll();
    const young = await pool.acquire();
    old.release();
    young.release();
    await settled();
    expect(pool.statistics()).toMatchObject({ idle: 1, closedBy: { recycled: 1 } });
    expect((await pool.acquire()).id).toBe(young.id);
  });

  test('reaches a connection that was being opened, and its caller gets a new one', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 1 });
    resources.behave = behaving({ open: 'slow' });
    const caller = watch(pool.acquire());
    await settled();
    pool.recycleAll();
    resources.behave = behaving({});
    resources.finish('open');
    await settled();
    expect(leaseOf(caller).id).toBe(2);
    expect(resources.all).toMatchObject([
      { id: 1, closed: true },
      { id: 2, closed: false },
    ]);
  });

  test('reaches connections that are being probed or reset', async () => {
    const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 2 });
    const [first, second] = await lent(pool, 2);
    resources.behave = behaving({ probe: 'slow', reset: 'slow' });
    if (first !== undefined) first.resource.dirty = true;
    first?.release();
    second?.release();
    const caller = watch(pool.acquire());
    await settled();
    pool.recycleAll();
    resources.behave = behaving({});
    resources.finish('probe');
    resources.finish('reset');
    await settled();
    expect(leaseOf(caller).id).toBeGreaterThan(2);
    expect(pool.statistics().closedBy.recycled).toBe(2);
  });

  test('keeps the minimum: it is opened anew', async () => {
    const { pool } = poolUnderTest({ minConnections: 2, maxConnections: 3, warmConnections: true });
    await pool.start(0);
    await settled();
    pool.recycleAll();
    await settled();
    expect(pool.statistics()).toMatchObject({ idle: 2, opened: 4, closedBy: { recycled: 2 } });
  });

  test('five times under load: nobody sees an error', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 3 });
    const callers = Array.from({ length: 60 }, async () => {
      const lease = await pool.acquire();
      await new Promise<void>((resolve) => clock.timer(5, true, resolve));
      lease.release();
    });
    for (let round = 0; round < 5; round++) {
      await clock.advance(12);
      pool.recycleAll();
    }
    await clock.advance(200);
    await Promise.all(callers);
    expect(pool.statistics()).toMatchObject({ served: 60, closedBy: { recycled: 15 } });
  });
});

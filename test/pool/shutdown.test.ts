import { describe, expect, test } from 'vitest';
import { PoolShutdownError } from '../../src/errors/acquire.js';
import { alwaysProbed, behaving, fill, lent, listen, poolUnderTest, watch } from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

describe('a shutdown', () => {
  test('refuses at once who waits and who comes, and says so', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const waiters = [watch(pool.acquire({ timeout: 0 })), watch(pool.acquire())];
    void pool.shutdown(1000);
    const late = watch(pool.acquire());
    await settled();
    for (const { error } of [...waiters, late]) expect(error).toBeInstanceOf(PoolShutdownError);
    expect(pool.statistics()).toMatchObject({ state: 'draining', refused: 3, refusedShutdown: 3, waiting: 0 });
    lease.release();
  });

  test('lets leases finish within the grace period, and closes each at its release', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 3 });
    const [first, second, third] = await lent(pool, 3);
    third?.release();
    const shutdown = watch(pool.shutdown(1000));
    await clock.advance(400);
    expect(first?.active).toBe(true);
    expect(pool.statistics()).toMatchObject({ leased: 2, idle: 0, closed: 1 });
    first?.release();
    await clock.advance(100);
    expect(shutdown.state).toBe('pending');
    second?.release();
    await settled();
    expect(shutdown.value).toEqual({ duration: 500, refused: 0, drained: 2, aborted: [], closed: 3 });
    expect(pool.state).toBe('closed');
  });

  test('aborts what is held longer, and names it', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 2 });
    await fill(pool, 1);
    const [first, second] = await lent(pool, 2);
    await clock.advance(200);
    const shutdown = watch(pool.shutdown(1000));
    await clock.advance(300);
    second?.release();
    await clock.advance(699);
    expect(first?.active).toBe(true);
    await clock.advance(1);
    expect(first?.active).toBe(false);
    expect(shutdown.value).toEqual({
      duration: 1000,
      refused: 0,
      drained: 1,
      aborted: [{ connection: 1, held: 1200, uses: 2 }],
      closed: 2,
    });
    expect(() => first?.resource).toThrow('was aborted: the pool shut down and its grace period is over');
  });

  test('without grace aborts at once', async () => {
    const { pool } = poolUnderTest({ maxConnections: 2 });
    const leases = await lent(pool, 2);
    const shutdown = watch(pool.shutdown(0));
    expect(leases.map(({ active }) => active)).toEqual([false, false]);
    await settled();
    expect(shutdown.value).toMatchObject({ duration: 0, drained: 0, closed: 2 });
    expect(shutdown.value?.aborted.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  test('leaves no timer, whatever was armed', async () => {
    const { pool, clock, resources } = poolUnderTest({ minConnections: 1, warmConnections: true, maxConnections: 4 });
    await pool.start(1);
    resources.behave = behaving({ open: 'fail' });
    const lease = await pool.acquire();
    for (let count = 0; count < 10; count++) pool.acquire({ timeout: 5000 + count }).catch(() => {});
    await settled();
    void pool.shutdown(60_000);
    lease.release();
    await settled();
    expect(pool.state).toBe('closed');
    expect(clock.pending).toBe(0);
  });

  test('waits no longer than a close may take', async () => {
    const { pool, clock, resources } = poolUnderTest({ closeTimeout: 300, maxConnections: 3 });
    await fill(pool, 3);
    resources.behave = behaving({ close: 'never' });
    const shutdown = watch(pool.shutdown(5000));
    await clock.advance(299);
    expect(shutdown.state).toBe('pending');
    await clock.advance(1);
    expect(shutdown.value).toMatchObject({ duration: 300, closed: 3 });
  });
});

describe('a shutdown at any moment', () => {
  test('before anything was opened ends at once', async () => {
    const { pool } = poolUnderTest();
    expect(await pool.shutdown(5000)).toEqual({ duration: 0, refused: 0, drained: 0, aborted: [], closed: 0 });
  });

  test('while connections open gives them up, and closes those that arrive', async () => {
    const { pool, clock, resources } = poolUnderTest({ closeTimeout: 300, maxConnections: 2 });
    resources.behave = behaving({ open: 'slow' });
    const callers = [watch(pool.acquire()), watch(pool.acquire())];
    await settled();
    const shutdown = watch(pool.shutdown(5000));
    expect(resources.begun.every(({ signal }) => signal.aborted)).toBe(true);
    expect(pool.statistics()).toMatchObject({ opening: 0, closing: 2 });
    await clock.advance(100);
    resources.behave = behaving({});
    resources.finish('open');
    resources.finish('open', false);
    await settled();
    expect(resources.all).toMatchObject([{ closed: true }]);
    expect(shutdown.value).toMatchObject({ duration: 100, refused: 2 });
    expect(callers.map(({ error }) => error instanceof PoolShutdownError)).toEqual([true, true]);
  });

  test('while a connection opens for ever ends all the same', async () => {
    const { pool, clock, resources } = poolUnderTest({ closeTimeout: 300 });
    resources.behave = behaving({ open: 'never' });
    pool.acquire().catch(() => {});
    await settled();
    const shutdown = watch(pool.shutdown(5000));
    await clock.advance(300);
    expect(shutdown.value).toMatchObject({ duration: 300 });
  });

  test('during the pause between two attempts opens nothing more', async () => {
    const { pool, clock, resources } = poolUnderTest({ minConnections: 1, warmConnections: true });
    resources.behave = behaving({ open: 'fail' });
    void pool.start(0);
    await clock.advance(50);
    await pool.shutdown(0);
    expect(clock.pending).toBe(0);
    expect(resources.opensStarted).toBe(1);
  });

  test('while a probe runs gives it up', async () => {
    const { pool, resources } = poolUnderTest(alwaysProbed);
    await fill(pool, 1);
    resources.behave = behaving({ probe: 'never' });
    const caller = watch(pool.acquire());
    await settled();
    const shutdown = watch(pool.shutdown(5000));
    await settled();
    expect(caller.error).toBeInstanceOf(PoolShutdownError);
    expect(shutdown.value).toMatchObject({ duration: 0, refused: 1, closed: 1 });
    expect(resources.begun.find(({ step }) => step === 'probe')?.signal.aborted).toBe(true);
  });

  test('while a reset runs lets it end within the grace period', async () => {
    const { pool, clock, resources } = poolUnderTest({ resetTimeout: 10_000 });
    resources.behave = behaving({ reset: 'slow' });
    const lease = await pool.acquire();
    lease.resource.dirty = true;
    lease.release();
    await settled();
    const shutdown = watch(pool.shutdown(5000));
    await clock.advance(1000);
    expect(resources.begun.at(-1)).toMatchObject({ step: 'reset', signal: { aborted: false } });
    resources.finish('reset');
    await settled();
    expect(shutdown.value).toMatchObject({ duration: 1000, closed: 1, aborted: [] });
  });

  test('while a reset runs that does not end gives it up with the grace period', async () => {
    const { pool, clock, resources } = poolUnderTest({ resetTimeout: 10_000 });
    resources.behave = behaving({ reset: 'never' });
    const lease = await pool.acquire();
    lease.resource.dirty = true;
    lease.release();
    const shutdown = watch(pool.shutdown(1000));
    await clock.advance(1000);
    expect(shutdown.value).toMatchObject({ duration: 1000, closed: 1, aborted: [] });
  });

  test('while paused refuses who waits', async () => {
    const { pool } = poolUnderTest();
    await fill(pool, 1);
    pool.pause();
    const waiter = watch(pool.acquire({ timeout: 0 }));
    expect(await pool.shutdown(1000)).toMatchObject({ refused: 1, closed: 1 });
    expect(waiter.error).toBeInstanceOf(PoolShutdownError);
  });

  test('while a connection closes waits for it', async () => {
    const { pool, clock, resources } = poolUnderTest();
    resources.behave = behaving({ close: 'slow' });
    await fill(pool, 1);
    pool.recycleAll();
    await settled();
    const shutdown = watch(pool.shutdown(0));
    await clock.advance(10);
    expect(shutdown.state).toBe('pending');
    resources.finish('close');
    await settled();
    expect(shutdown.value).toMatchObject({ duration: 10 });
  });

  test('with a lease whose connection is dead already counts it like any other', async () => {
    const { pool, resources } = poolUnderTest();
    const lease = await pool.acquire();
    resources.all[0]?.die(new Error('gone'));
    const shutdown = watch(pool.shutdown(1000));
    lease.release();
    await settled();
    expect(shutdown.value).toMatchObject({ drained: 1, aborted: [], closed: 1 });
  });
});

describe('a second shutdown', () => {
  test('gets the same report, during the first and after it, whatever grace it asks for', async () => {
    const { pool } = poolUnderTest();
    const lease = await pool.acquire();
    const told = listen(pool);
    const first = pool.shutdown(1000);
    const second = pool.shutdown(0);
    expect(lease.active).toBe(true);
    lease.release();
    expect(await second).toBe(await first);
    expect(await pool.shutdown(0)).toBe(await first);
    expect(told.filter(({ name }) => name.startsWith('shutdown')).map(({ name }) => name)).toEqual([
      'shutdownStarted',
      'shutdownFinished',
    ]);
  });
});

describe('after a shutdown', () => {
  test('a lease that was aborted may be released as usual: nothing happens', async () => {
    const { pool } = poolUnderTest();
    const lease = await pool.acquire();
    await pool.shutdown(0);
    expect(() => lease.release()).not.toThrow();
    expect(pool.statistics()).toMatchObject({ total: 0, closed: 1 });
  });

  // Its user did nothing wrong: the lease was taken away before it could be given back.
  test('the release of an aborted lease is not called a second one', async () => {
    const { pool } = poolUnderTest();
    const lease = await pool.acquire();
    await pool.shutdown(0);
    lease.release();
    expect(pool.statistics().releasedTwice).toBe(0);
  });

  test('no other call opens, lends or breaks anything', async () => {
    const { pool, clock, resources } = poolUnderTest({ minConnections: 2, warmConnections: true });
    await pool.start(1);
    await settled();
    await pool.shutdown(0);
    const before = resources.begun.length;
    pool.pause();
    pool.resume();
    pool.resize({ maxConnections: 10, minConnections: 5 });
    pool.recycleAll();
    await expect(pool.start(0)).rejects.toThrow(PoolShutdownError);
    await clock.advance(60_000);
    expect(resources.begun.length).toBe(before);
    expect(pool.state).toBe('closed');
    expect(clock.pending).toBe(0);
  });
});

import { describe, expect, test, vi } from 'vitest';
import { AcquireFailedError, AcquireTimeoutError } from '../../src/errors/acquire.js';
import { DeadlineError } from '../../src/errors/connect.js';
import { FatalError } from '../support/fake-resources.js';
import { behaving, fill, leaseOf, listen, poolUnderTest, watch } from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

describe('how many are opened', () => {
  test('an open outlives the caller it was begun for, and serves the next one', async () => {
    const { pool, resources } = poolUnderTest();
    resources.behave = behaving({ open: 'slow' });
    const abort = new AbortController();
    pool.acquire({ signal: abort.signal }).catch(() => {});
    await settled();
    abort.abort();
    const next = watch(pool.acquire());
    await settled();
    expect(resources.opensStarted).toBe(1);
    resources.finish('open');
    await settled();
    expect(leaseOf(next).id).toBe(1);
  });

  test('an open that nobody waits for any more leaves an idle connection', async () => {
    const { pool, clock, resources } = poolUnderTest({ openTimeout: 500 });
    resources.behave = behaving({ open: 'slow' });
    const caller = watch(pool.acquire({ timeout: 100 }));
    await clock.advance(100);
    expect(caller.error).toBeInstanceOf(AcquireTimeoutError);
    resources.finish('open');
    await settled();
    expect(pool.statistics()).toMatchObject({ idle: 1, opened: 1, closed: 0 });
  });

  test('callers who come and go while it opens do not make the pool open more', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 10 });
    resources.behave = behaving({ open: 'slow' });
    for (let round = 0; round < 50; round++) {
      const abort = new AbortController();
      pool.acquire({ signal: abort.signal }).catch(() => {});
      await settled();
      abort.abort();
    }
    expect(resources.opensStarted).toBe(1);
  });

  test('no more are opened at the same time than maxConnecting says', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 10, maxConnecting: 3 });
    resources.behave = behaving({ open: 'slow' });
    const callers = Array.from({ length: 10 }, () => watch(pool.acquire()));
    await settled();
    expect(resources.opensRunning).toBe(3);
    for (let opened = 0; opened < 10; opened++) {
      resources.finish('open');
      await settled();
    }
    expect(resources.mostOpensRunning).toBe(3);
    expect(callers.every(({ state }) => state === 'fulfilled')).toBe(true);
  });

  test('a spike is served by what comes back: fifty short jobs behind slow opens make the pool grow by less than two', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 50, maxConnecting: 1 });
    await fill(pool, 5);
    resources.behave = behaving({ open: 'slow' });
    const job = async (): Promise<void> => {
      const lease = await pool.acquire();
      await new Promise<void>((resolve) => clock.timer(2, true, resolve));
      lease.release();
    };
    const jobs = Promise.all(Array.from({ length: 50 }, job));
    clock.timer(150, true, () => {
      resources.behave = behaving({});
      resources.finish('open');
    });
    await clock.advance(150);
    await jobs;
    expect(pool.statistics().total).toBeLessThan(7);
  });

  test('an open that hangs does not stop the others', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 3, maxConnecting: 2 });
    resources.behave = behaving({ open: 'never' });
    const callers = [watch(pool.acquire()), watch(pool.acquire())];
    resources.behave = behaving({ open: 'slow' });
    await settled();
    resources.finish('open');
    await settled();
    expect(callers.map(({ state }) => state)).toContain('fulfilled');
  });

  test('never more than the maximum, although every open takes its time', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 3, maxConnecting: 8 });
    resources.behave = behaving({ open: 'slow' });
    for (let count = 0; count < 30; count++) pool.acquire().catch(() => {});
    await settled();
    expect(pool.statistics()).toMatchObject({ opening: 3, total: 3, waiting: 30 });
  });
});

describe('when it cannot be opened', () => {
  test('attempts keep the distance that the backoff says, and heal without a new acquire', async () => {
    const { pool, clock, resources } = poolUnderTest({}, { backoff: (failures) => 100 * 2 ** (failures - 1) });
    const attempts: number[] = [];
    resources.behave = (step) => {
      if (step !== 'open') return 'ok';
      attempts.push(clock.now());
      return clock.now() < 1000 ? 'fail' : 'ok';
    };
    const caller = watch(pool.acquire());
    await clock.advance(1499);
    expect(attempts).toEqual([0, 100, 300, 700]);
    expect(caller.state).toBe('pending');
    await clock.advance(1);
    expect(leaseOf(caller).id).toBe(5);
  });

  test('a new acquire does not shorten the pause', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 5 }, { backoff: () => 1000 });
    resources.behave = behaving({ open: 'fail' });
    for (let count = 0; count < 20; count++) {
      pool.acquire({ timeout: 900 }).catch(() => {});
      await clock.advance(10);
    }
    // The first caller's attempt: all others fall into its pause.
    expect(resources.opensStarted).toBe(1);
  });

  test('resume() does', async () => {
    const { pool, clock, resources } = poolUnderTest({}, { backoff: () => 60_000 });
    resources.behave = behaving({ open: 'fail' });
    const caller = watch(pool.acquire());
    await clock.advance(10);
    resources.behave = behaving({});
    pool.resume();
    await settled();
    expect(leaseOf(caller).active).toBe(true);
  });

  test('attempts that ran side by side and failed together count as one failure', async () => {
    const backoff = vi.fn((failures: number) => 100 * failures);
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 5 }, { backoff });
    resources.behave = behaving({ open: 'slow' });
    for (let count = 0; count < 5; count++) pool.acquire().catch(() => {});
    await settled();
    for (let count = 0; count < 5; count++) {
      resources.finish('open', false);
      await clock.advance(1);
    }
    expect(backoff.mock.calls.map(([failures]) => failures)).toEqual([1, 1, 1, 1, 1]);
  });

  test('a success ends the pause; one that has lasted ends the count: the next failure waits as short as the first', async () => {
    const backoff = vi.fn(() => 100);
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 2 }, { backoff });
    resources.behave = behaving({ open: 'fail' });
    const first = watch(pool.acquire());
    await clock.advance(250);
    resources.behave = behaving({});
    await clock.advance(100);
    expect(leaseOf(first).active).toBe(true);
    resources.behave = behaving({ open: 'fail' });
    pool.acquire().catch(() => {});
    await clock.advance(100);
    expect(backoff.mock.calls).toEqual([[1], [2], [3], [4]]);
    resources.behave = behaving({});
    await clock.advance(3000);
    resources.behave = behaving({ open: 'fail' });
    pool.resize({ maxConnections: 3 });
    pool.acquire().catch(() => {});
    await settled();
    expect(backoff.mock.calls.at(-1)).toEqual([1]);
  });

  test('a failure wakes the others: two wait, the first attempt fails, both are served by the next ones', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 2, maxConnecting: 1 });
    resources.behave = behaving({ open: 'slow' });
    const callers = [watch(pool.acquire()), watch(pool.acquire())];
    await settled();
    resources.behave = behaving({});
    resources.finish('open', false);
    await clock.advance(100);
    expect(callers.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled']);
  });
});

describe('when it can never be opened', () => {
  test('all who wait fail at once, with the cause', async () => {
    const { pool, resources } = poolUnderTest();
    resources.behave = behaving({ open: 'fatal' });
    const callers = Array.from({ length: 5 }, () => watch(pool.acquire({ timeout: 0 })));
    await settled();
    for (const { error } of callers) {
      expect(error).toBeInstanceOf(AcquireFailedError);
      expect(error).toMatchObject({ cause: expect.any(FatalError), retryable: false });
    }
    expect(pool.statistics()).toMatchObject({ failed: 5, waiting: 0 });
  });

  test('opening stops, for the minimum too', async () => {
    const { pool, clock, resources } = poolUnderTest({ minConnections: 2, maxConnecting: 1, warmConnections: true });
    resources.behave = behaving({ open: 'fatal' });
    void pool.start(0);
    await clock.advance(3_600_000);
    expect(resources.opensStarted).toBe(1);
  });

  test('opening stops, although another attempt that ran beside fails for a passing cause afterwards', async () => {
    const { pool, clock, resources } = poolUnderTest({ minConnections: 2, maxConnecting: 2, warmConnections: true });
    const behaviours = ['fatal', 'slow'] as const;
    resources.behave = () => behaviours[resources.opensStarted - 1] ?? 'fatal';
    void pool.start(0);
    await settled();
    resources.finish('open', false);
    await clock.advance(3_600_000);
    expect(resources.opensStarted).toBe(2);
  });

  test('the next acquire tries again, at once', async () => {
    const { pool, resources } = poolUnderTest();
    resources.behave = behaving({ open: 'fatal' });
    await expect(pool.acquire()).rejects.toThrow(AcquireFailedError);
    resources.behave = behaving({});
    const lease = await pool.acquire();
    expect(lease.active).toBe(true);
  });

  test('resume() tries again for the minimum', async () => {
    const { pool, resources } = poolUnderTest({ minConnections: 1, warmConnections: true });
    resources.behave = behaving({ open: 'fatal' });
    void pool.start(0);
    await settled();
    resources.behave = behaving({});
    pool.resume();
    await settled();
    expect(pool.statistics().idle).toBe(1);
  });

  test('leases that are out stay out', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 2 });
    const lease = await pool.acquire();
    resources.behave = behaving({ open: 'fatal' });
    await expect(pool.acquire()).rejects.toThrow('connections cannot be opened: open failed for good');
    expect(lease.active).toBe(true);
    lease.release();
    expect((await pool.acquire()).id).toBe(1);
  });
});

describe('the deadline of an open', () => {
  test('ends the attempt, tells the factory, and lets the pool try again', async () => {
    const { pool, clock, resources } = poolUnderTest({ openTimeout: 500, maxConnections: 1 });
    resources.behave = behaving({ open: 'never' });
    const told = listen(pool);
    const caller = watch(pool.acquire());
    await clock.advance(499);
    expect(resources.begun[0]?.signal.aborted).toBe(false);
    resources.behave = behaving({});
    await clock.advance(1);
    const [begun] = resources.begun;
    expect(begun?.signal.reason).toBeInstanceOf(DeadlineError);
    expect(told.find(({ name }) => name === 'openFailed')?.event).toMatchObject({
      connection: 1,
      duration: 500,
      error: { step: 'opening a connection', timeout: 500 },
      retryIn: 0,
    });
    // The attempt given up goes on in the background: its end is waited for as long as a close may take.
    await clock.advance(300);
    expect(leaseOf(caller).id).toBe(2);
  });

  test('what arrives after it is closed, and is never lent', async () => {
    const { pool, clock, resources } = poolUnderTest({ openTimeout: 500, closeTimeout: 300, maxConnections: 2 });
    resources.behave = behaving({ open: 'slow' });
    const caller = watch(pool.acquire());
    await clock.advance(499);
    resources.behave = behaving({});
    await clock.advance(1);
    resources.finish('open');
    await clock.advance(100);
    expect(resources.all.map(({ id, closed }) => ({ id, closed }))).toEqual([
      { id: 2, closed: false },
      { id: 1, closed: true },
    ]);
    expect(leaseOf(caller).id).toBe(2);
  });

  test('what arrives long after it, when nobody counts it any more, is closed too', async () => {
    const { pool, clock, resources } = poolUnderTest({ openTimeout: 500, closeTimeout: 300, maxConnections: 1 });
    resources.behave = behaving({ open: 'slow' });
    pool.acquire({ timeout: 500 }).catch(() => {});
    await clock.advance(799);
    expect(pool.statistics()).toMatchObject({ total: 0, closing: 1 });
    await clock.advance(1);
    expect(pool.statistics()).toMatchObject({ total: 0, closing: 0 });
    resources.finish('open');
    await settled();
    expect(resources.all).toMatchObject([{ closed: true }]);
    // Its place is long taken: by then it must close by force.
    expect(resources.begun.at(-1)).toMatchObject({ step: 'close', signal: { aborted: true } });
  });

  test('attempts given up that go on count as closing, and there is never more than one above the maximum of them', async () => {
    const { pool, clock, resources } = poolUnderTest(
      { openTimeout: 500, closeTimeout: 10_000, maxConnections: 2, maxConnecting: 2 },
      { backoff: () => 10 },
    );
    resources.behave = behaving({ open: 'never' });
    for (let count = 0; count < 5; count++) pool.acquire({ timeout: 0 }).catch(() => {});
    await clock.advance(5000);
    expect(pool.statistics()).toMatchObject({ total: 0, closing: 3, waiting: 5 });
    expect(resources.opensStarted).toBe(3);
  });
});

describe('a connection that dies while it opens', () => {
  test('fails its attempt at once instead of at its deadline', async () => {
    const { pool, clock, resources } = poolUnderTest({ openTimeout: 500, maxConnections: 2 });
    const open = vi.spyOn(resources, 'open');
    resources.behave = behaving({ open: 'slow' });
    const told = listen(pool);
    pool.acquire().catch(() => {});
    await settled();
    open.mock.calls[0]?.[0].died(new Error('the server hung up'));
    await settled();
    expect(told.find(({ name }) => name === 'openFailed')?.event).toMatchObject({
      error: { message: 'the server hung up' },
    });
    resources.behave = behaving({});
    await clock.advance(100);
    expect(pool.statistics()).toMatchObject({ leased: 1, opening: 0 });
    resources.finish('open');
    await settled();
    expect(resources.all.find(({ id }) => id === 1)?.closed).toBe(true);
  });
});

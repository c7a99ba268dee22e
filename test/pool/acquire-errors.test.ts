import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  AcquireAbortedError,
  AcquireError,
  AcquireTimeoutError,
  PoolShutdownError,
  QueueFullError,
} from '../../src/errors/acquire.js';
import { LeaseReleasedError } from '../../src/errors/call.js';
import { DeadlineError } from '../../src/errors/connect.js';
import { PoolError } from '../../src/errors/pool-error.js';
import { alwaysProbed, behaving, fill, lent, poolUnderTest, type Watched, watch } from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

describe('an acquire that timed out tells', () => {
  test('that the pool is busy, with a snapshot, how long it waited, and no cause', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 2 });
    await lent(pool, 2);
    pool.acquire().catch(() => {});
    const caller = watch(pool.acquire({ timeout: 250 }));
    await clock.advance(250);
    expect(caller.error).toMatchObject({
      name: 'AcquireTimeoutError',
      code: 'ERR_POOL_ACQUIRE_TIMEOUT',
      retryable: true,
      waited: 250,
      message:
        'no connection within 250 ms: the pool is busy: 2 of at most 2 connections are leased, 2 callers wait; ' +
        'raise maxConnections, or find who holds connections for long',
      snapshot: { state: 'running', leased: 2, maxConnections: 2, waiting: 2 },
    });
  });

  test('that the server is down, with the last cause', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 2 });
    resources.behave = behaving({ open: 'fail' });
    const caller = watch(pool.acquire({ timeout: 250 }));
    await clock.advance(250);
    expect(caller.error).toMatchObject({
      cause: { message: 'open failed' },
      message:
        'no connection within 250 ms: no connection could be opened (open failed); ' +
        '0 of at most 2 connections are leased, 1 caller waits',
      snapshot: { lastOpenError: 'open failed', leased: 0 },
    });
  });

  test('that the pool is busy although the server was down a moment ago too, when every connection is leased', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 3 });
    await lent(pool, 2);
    resources.behave = behaving({ open: 'fail' });
    const caller = watch(pool.acquire({ timeout: 250 }));
    await clock.advance(10);
    pool.resize({ maxConnections: 2 });
    await clock.advance(240);
    expect(String(caller.error)).toContain('the pool is busy: 2 of at most 2');
    expect(caller.error).toMatchObject({ cause: { message: 'open failed' } });
  });

  test('what its connection was doing: opening, being probed, being reset', async () => {
    const { pool, clock, resources } = poolUnderTest({
      ...alwaysProbed,
      maxConnections: 3,
      openTimeout: 1000,
      probeTimeout: 1000,
      resetTimeout: 1000,
    });
    const [first, second] = await lent(pool, 2);
    resources.behave = behaving({ open: 'never', probe: 'never', reset: 'never' });
    if (first !== undefined) first.resource.dirty = true;
    first?.release();
    second?.release();
    const callers = Array.from({ length: 3 }, () => watch(pool.acquire({ timeout: 100 })));
    await clock.advance(100);
    expect(callers[0]?.error).toMatchObject({
      message:
        'no connection within 100 ms: 0 of at most 3 connections are leased, ' +
        '1 opening, 1 being probed, 1 being reset, 3 callers wait',
    });
  });

  test('that closing is stuck', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 2, closeTimeout: 10_000 });
    await fill(pool, 2);
    resources.behave = behaving({ close: 'never' });
    pool.recycleAll();
    await fill(pool, 1);
    pool.recycleAll();
    const caller = watch(pool.acquire({ timeout: 100 }));
    await clock.advance(100);
    expect(String(caller.error)).toContain(
      'closing connections is stuck: 0 of at most 2 connections are leased, 3 closing',
    );
  });

  test('that an open hangs: its deadline is the cause', async () => {
    const { pool, clock, resources } = poolUnderTest({ openTimeout: 100 });
    resources.behave = behaving({ open: 'never' });
    const caller = watch(pool.acquire({ timeout: 150 }));
    await clock.advance(150);
    expect((caller.error as Error).cause).toBeInstanceOf(DeadlineError);
  });
});

async function everyRefusal(): Promise<Watched<unknown>[]> {
  const { pool, clock, resources } = poolUnderTest({ maxConnections: 1, maxWaiters: 2 });
  resources.behave = behaving({ open: 'fatal' });
  const failed = watch(pool.acquire());
  await settled();
  resources.behave = behaving({});
  const lease = await pool.acquire();
  const aborted = watch(pool.acquire({ signal: AbortSignal.abort() }));
  const timedOut = watch(pool.acquire({ timeout: 10 }));
  pool.acquire({ timeout: 10 }).catch(() => {});
  const full = watch(pool.acquire());
  await clock.advance(10);
  void pool.shutdown(0);
  const refused = watch(pool.acquire());
  await settled();
  const late = watch(Promise.resolve().then(() => lease.resource));
  await settled();
  return [failed, aborted, timedOut, full, refused, late];
}

test('every error of the pool has its own code and name, and says whether the same may be tried again', async () => {
  const errors = (await everyRefusal()).map(({ error }) => error as PoolError);
  expect(errors.map(({ code, name, retryable }) => ({ code, name, retryable }))).toEqual([
    { code: 'ERR_POOL_ACQUIRE_FAILED', name: 'AcquireFailedError', retryable: false },
    { code: 'ERR_POOL_ACQUIRE_ABORTED', name: 'AcquireAbortedError', retryable: false },
    { code: 'ERR_POOL_ACQUIRE_TIMEOUT', name: 'AcquireTimeoutError', retryable: true },
    { code: 'ERR_POOL_QUEUE_FULL', name: 'QueueFullError', retryable: true },
    { code: 'ERR_POOL_SHUTDOWN', name: 'PoolShutdownError', retryable: false },
    { code: 'ERR_POOL_LEASE_RELEASED', name: 'LeaseReleasedError', retryable: false },
  ]);
});

describe('instanceof', () => {
  afterEach(() => {
    vi.resetModules();
  });

  test('knows the errors of the pool by their kind', async () => {
    const [failed, aborted, timedOut, full, refused, late] = (await everyRefusal()).map(({ error }) => error);
    for (const error of [failed, aborted, timedOut, full, refused]) expect(error).toBeInstanceOf(AcquireError);
    expect(late).not.toBeInstanceOf(AcquireError);
    expect(late).toBeInstanceOf(LeaseReleasedError);
    expect(timedOut).toBeInstanceOf(AcquireTimeoutError);
    expect(timedOut).not.toBeInstanceOf(QueueFullError);
    expect(full).toBeInstanceOf(QueueFullError);
    expect(full).not.toBeInstanceOf(PoolShutdownError);
    expect(aborted).toBeInstanceOf(AcquireAbortedError);
  });

  test('holds across two installed copies of the package, in both directions', async () => {
    const [, , timedOut] = (await everyRefusal()).map(({ error }) => error);
    vi.resetModules();
    const copy = await import('../../src/index.js');
    expect(copy.AcquireTimeoutError).not.toBe(AcquireTimeoutError);
    expect(timedOut).toBeInstanceOf(copy.AcquireTimeoutError);
    expect(timedOut).toBeInstanceOf(copy.AcquireError);
    expect(timedOut).toBeInstanceOf(copy.PoolError);
    expect(timedOut).not.toBeInstanceOf(copy.QueueFullError);
    const foreign = new copy.DeadlineError('opening a connection', 100);
    expect(foreign).toBeInstanceOf(DeadlineError);
    expect(foreign).toBeInstanceOf(PoolError);
    expect(foreign).toBeInstanceOf(Error);
    expect(foreign).not.toBeInstanceOf(AcquireError);
  });

  test('is not fooled by something that only has the code', () => {
    const pretender = Object.assign(new Error('no'), { code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
    expect(pretender).not.toBeInstanceOf(AcquireTimeoutError);
    expect(pretender).not.toBeInstanceOf(PoolError);
    for (const nothing of [null, undefined, 5, 'ERR_POOL', {}]) expect(nothing).not.toBeInstanceOf(PoolError);
  });

  test("knows a subclass of one's own, and does not take its parent for it", () => {
    class OwnError extends PoolError {}
    const own = new OwnError('mine');
    expect(own).toBeInstanceOf(OwnError);
    expect(own).toBeInstanceOf(PoolError);
    expect(new DeadlineError('opening a connection', 1)).not.toBeInstanceOf(OwnError);
  });
});

test('an abort for a reason that cannot be made into a string ends the wait like any other', async () => {
  const { pool } = poolUnderTest({ maxConnections: 1 });
  const caller = watch(pool.acquire({ signal: AbortSignal.abort(Object.create(null)) }));
  await settled();
  expect(caller.error).toBeInstanceOf(AcquireAbortedError);
});

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AcquireAbortedError, AcquireTimeoutError, PoolShutdownError } from '../../src/errors.js';
import { alwaysProbed, behaving, fill, leaseOf, lent, listen, poolUnderTest, watch } from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

// Listeners are called in the middle of things. Whatever they ask of the pool from there must leave it whole.

beforeEach(() => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => {
  // A listener in these tests never throws: a warning would be a failure inside the pool, hidden by the emitter.
  expect(vi.mocked(process.emitWarning)).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

describe('shutdown() from inside an event', () => {
  test.fails.each([
    'shutdownStarted',
    'acquireRefused',
    'closing',
    'shutdownFinished',
  ] as const)('%s, which the shutdown itself tells, gets the same report as from outside', async (name) => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    await fill(pool, 1);
    const lease = name === 'acquireRefused' ? await pool.acquire() : undefined;
    if (lease !== undefined) pool.acquire().catch(() => {});
    let started = 0;
    pool.events.subscribe('shutdownStarted', () => started++);
    const inner: Promise<unknown>[] = [];
    // Once only: a listener that shuts down each time it is told of a shutdown would otherwise never end.
    const end = pool.events.subscribe(name, () => {
      end();
      inner.push(pool.shutdown(0));
    });
    const outer = watch(pool.shutdown(0));
    await settled();
    const [report] = inner.map((promise) => watch(promise));
    await settled();
    expect(started).toBe(1);
    expect(report?.state).toBe('fulfilled');
    expect(report?.value).toBe(outer.value);
  });

  test.fails('gap, which an acquire tells, refuses that acquire too', async () => {
    const { pool, clock } = poolUnderTest();
    await fill(pool, 1);
    pool.events.subscribe('gap', () => void pool.shutdown(0));
    let caller = watch(Promise.resolve());
    clock.timer(0, true, () => {
      caller = watch(pool.acquire({ timeout: 0 }).then(() => {}));
    });
    await clock.leap(600_000);
    expect(caller.error).toBeInstanceOf(PoolShutdownError);
  });

  test.fails('opening stops the opening, of this one and of those that were to follow', async () => {
    const { pool, clock, resources } = poolUnderTest({
      minConnections: 3,
      maxConnections: 3,
      warmConnections: true,
      openTimeout: 60_000,
      closeTimeout: 300,
    });
    resources.behave = behaving({ open: 'never' });
    let shutdown = watch(Promise.resolve({}));
    pool.events.subscribe('opening', () => {
      shutdown = watch(pool.shutdown(0));
    });
    pool.start(0).catch(() => {});
    await clock.advance(300);
    expect(resources.opensStarted).toBeLessThanOrEqual(1);
    expect(shutdown.state).toBe('fulfilled');
  });

  test.fails('acquireTimedOut, told when a connection just opened came too late, ends', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 1 });
    resources.behave = behaving({ open: 'slow' });
    let shutdown = watch(Promise.resolve({}));
    pool.events.subscribe('acquireTimedOut', () => {
      shutdown = watch(pool.shutdown(0));
    });
    // Armed first, so it fires before the timer of the pool in the same moment.
    clock.timer(100, true, () => resources.finish('open'));
    pool.acquire({ timeout: 100 }).catch(() => {});
    const timer = clock.timer.bind(clock);
    // The timer of the waiter is late: what the loop does first is to look at the connection.
    void timer;
    await settled();
    resources.finish('open');
    await clock.leap(100);
    await clock.advance(10_000);
    expect(shutdown.state).toBe('fulfilled');
  });

  test('acquired takes back the lease that was just given, and ends', async () => {
    const { pool } = poolUnderTest();
    let shutdown = watch(Promise.resolve({}));
    pool.events.subscribe('acquired', () => {
      shutdown = watch(pool.shutdown(0));
    });
    const lease = await pool.acquire();
    expect(lease.active).toBe(false);
    await settled();
    expect(shutdown.value).toMatchObject({ aborted: [{ connection: 1 }] });
  });
});

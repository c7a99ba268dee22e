import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AcquireTimeoutError, QueueFullError } from '../../src/errors/acquire.js';
import { UsageError } from '../../src/errors/configuration.js';
import {
  behaving,
  fill,
  leaseOf,
  lent,
  listen,
  microtasks,
  poolUnderTest,
  type Watched,
  watch,
} from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

/** What the pool asks the clock to do is armed anew at each sweep: so much is pending while nobody waits. */
const sweepOnly = 1;

describe('an acquire that finds something idle', () => {
  test('is served at once, and arms no timer', async () => {
    const { pool, clock } = poolUnderTest();
    await fill(pool, 2);
    const lease = watch(pool.acquire());
    expect(clock.pending).toBe(sweepOnly);
    await microtasks(1);
    expect(leaseOf(lease).active).toBe(true);
    expect(pool.statistics()).toMatchObject({ waiting: 0, leased: 1 });
  });

  test('asks its signal for nothing', async () => {
    const { pool } = poolUnderTest();
    await fill(pool, 1);
    const { signal } = new AbortController();
    await pool.acquire({ signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('gets the connection that was used last', async () => {
    const { pool } = poolUnderTest({ maxConnections: 3 });
    const leases = await lent(pool, 3);
    for (const index of [1, 0, 2]) leases[index]?.release();
    const ids = (await lent(pool, 3)).map(({ id }) => id);
    expect(ids).toEqual([3, 1, 2]);
  });

  test('does not overtake those who wait', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const waiter = watch(pool.acquire());
    lease.release();
    // In the same task: the connection is the waiter's already, although its promise was not looked at yet.
    const late = watch(pool.acquire());
    await settled();
    expect([waiter.state, late.state]).toEqual(['fulfilled', 'pending']);
    leaseOf(waiter).release();
    await settled();
    expect(late.state).toBe('fulfilled');
  });
});

describe('those who wait', () => {
  test('are served in the order they came', async () => {
    const { pool } = poolUnderTest({ maxConnections: 2 });
    const leases = await lent(pool, 2);
    const order: number[] = [];
    const waiters = Array.from({ length: 20 }, async (_, index) => {
      const lease = await pool.acquire();
      order.push(index);
      lease.release();
    });
    for (const lease of leases) lease.release();
    await Promise.all(waiters);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  test('are served in the order they came, whoever of them gave up', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const order: number[] = [];
    const aborts = Array.from({ length: 9 }, () => new AbortController());
    const waiters = aborts.map(async ({ signal }, index) => {
      const next = await pool.acquire({ signal }).catch(() => undefined);
      if (next !== undefined) order.push(index);
      next?.release();
    });
    for (const index of [0, 4, 5, 8]) aborts[index]?.abort();
    lease.release();
    await Promise.all(waiters);
    expect(order).toEqual([1, 2, 3, 6, 7]);
  });

  test('share one timer, be they ten thousand', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const waiters = Array.from({ length: 10_000 }, (_, index) => watch(pool.acquire({ timeout: 1000 + (index % 5) })));
    expect(clock.pending).toBe(sweepOnly + 1);
    expect(pool.statistics().waiting).toBe(10_000);
    await clock.advance(1004);
    expect(waiters.every(({ error }) => error instanceof AcquireTimeoutError)).toBe(true);
    expect(clock.pending).toBe(sweepOnly);
    lease.release();
  });

  test('time out each at its own moment and in the order of their deadlines, whatever their timeouts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 40 }),
        async (timeouts) => {
          const { pool, clock } = poolUnderTest({ maxConnections: 1 });
          const lease = await pool.acquire();
          const ends: { timeout: number; at: number }[] = [];
          for (const timeout of timeouts) {
            pool.acquire({ timeout }).catch(() => ends.push({ timeout, at: clock.now() }));
          }
          await clock.advance(500);
          const sorted = timeouts.toSorted((one, other) => one - other);
          expect(ends).toEqual(sorted.map((timeout) => ({ timeout, at: timeout })));
          lease.release();
        },
      ),
      { numRuns: 30 },
    );
  });

  test('for ever, with a timeout of 0, have no timer and are served in the end', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const waiter = watch(pool.acquire({ timeout: 0 }));
    expect(clock.pending).toBe(sweepOnly);
    await clock.advance(3_600_000);
    expect(waiter.state).toBe('pending');
    lease.release();
    await settled();
    expect(leaseOf(waiter).active).toBe(true);
  });

  test("wait no longer than the pool's own timeout when they name none", async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 1, connectionTimeout: 700 });
    const lease = await pool.acquire();
    const waiter = watch(pool.acquire());
    await clock.advance(699);
    expect(waiter.state).toBe('pending');
    await clock.advance(1);
    expect(waiter.error).toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT', waited: 700 });
    lease.release();
  });

  test('past their deadline are served all the same, when a connection comes before they are told', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    // Armed before the pool's timer for the same moment, so it fires first.
    clock.timer(100, true, () => lease.release());
    const late = watch(pool.acquire({ timeout: 100 }));
    const next = watch(pool.acquire({ timeout: 200 }));
    await clock.advance(100);
    expect([leaseOf(late).active, next.state]).toEqual([true, 'pending']);
    leaseOf(late).release();
    await settled();
    expect(leaseOf(next).active).toBe(true);
    expect(pool.statistics().timedOut).toBe(0);
  });
});

describe('a signal', () => {
  test('ends the wait in the same task in which it is aborted', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const abort = new AbortController();
    const waiter = watch(pool.acquire({ signal: abort.signal }));
    abort.abort(new Error('the user left'));
    expect(pool.statistics().waiting).toBe(0);
    await microtasks(1);
    expect(waiter.error).toMatchObject({ cause: { message: 'the user left' } });
    lease.release();
  });

  async function ends(how: string, signal: AbortSignal, abort: () => void): Promise<Watched<unknown>> {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 1 });
    if (how === 'failed') resources.behave = behaving({ open: 'fatal' });
    const holder = how === 'failed' ? undefined : await pool.acquire();
    const waiter = watch(pool.acquire({ signal, timeout: 100 }));
    expect(getEventListeners(signal, 'abort').length).toBe(1);
    if (how === 'served') holder?.release();
    if (how === 'timed out') await clock.advance(100);
    if (how === 'aborted') abort();
    if (how === 'refused') void pool.shutdown(0);
    await settled();
    if (how === 'served') leaseOf(waiter).release();
    else if (how !== 'refused') holder?.release();
    return waiter;
  }

  test.each(['served', 'timed out', 'aborted', 'refused', 'failed'])(
    'is let go of by a wait that is %s',
    async (how) => {
      const abort = new AbortController();
      const waiter = await ends(how, abort.signal, () => abort.abort());
      expect(waiter.state).toBe(how === 'served' ? 'fulfilled' : 'rejected');
      expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    },
  );

  test('shared by a thousand acquires, one after the other, gathers no listeners', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const { signal } = new AbortController();
    for (let round = 0; round < 1000; round++) {
      const lease = await pool.acquire({ signal });
      const waiter = watch(pool.acquire({ signal }));
      lease.release();
      await microtasks(1);
      leaseOf(waiter).release();
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('aborted while the waiter is being served: whoever was first decides, and nothing is lost', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const abort = new AbortController();
    // Runs before the pool's own listener: at the abort the connection is given to the very waiter that gives up.
    abort.signal.addEventListener('abort', () => lease.release());
    const waiter = watch(pool.acquire({ signal: abort.signal }));
    abort.abort();
    await settled();
    expect(leaseOf(waiter).active).toBe(true);
    expect(pool.statistics()).toMatchObject({ served: 2, aborted: 0, leased: 1 });
  });
});

describe('maxWaiters', () => {
  test('0 refuses at once whoever would have to wait for somebody else', async () => {
    const { pool } = poolUnderTest({ maxConnections: 2, maxWaiters: 0 });
    const leases = await lent(pool, 2);
    const refused = watch(pool.acquire());
    await microtasks(1);
    expect(refused.error).toBeInstanceOf(QueueFullError);
    expect(refused.error).toMatchObject({ retryable: true, snapshot: { leased: 2, waiting: 0 } });
    for (const lease of leases) lease.release();
    (await pool.acquire()).release();
  });

  test('0 lets wait whoever has a connection coming: being opened, probed or reset', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 2, maxWaiters: 0 });
    resources.behave = behaving({ open: 'slow' });
    const callers = Array.from({ length: 3 }, () => watch(pool.acquire()));
    await microtasks(1);
    expect(callers.map(({ state }) => state)).toEqual(['pending', 'pending', 'rejected']);
    await settled();
    resources.finish('open');
    resources.finish('open');
    await settled();
    const [first] = callers.map(({ value }) => value);
    resources.behave = behaving({ reset: 'slow' });
    if (first !== undefined) first.resource.dirty = true;
    first?.release();
    const waiter = watch(pool.acquire());
    await settled();
    expect(waiter.state).toBe('pending');
    resources.finish('reset');
    await settled();
    expect(waiter.state).toBe('fulfilled');
  });

  test('n lets n wait although every connection is leased, and refuses the next', async () => {
    const { pool } = poolUnderTest({ maxConnections: 2, maxWaiters: 3 });
    const leases = await lent(pool, 2);
    const callers = Array.from({ length: 5 }, () => watch(pool.acquire()));
    await microtasks(1);
    expect(callers.map(({ state }) => state)).toEqual(['pending', 'pending', 'pending', 'rejected', 'rejected']);
    expect(pool.statistics()).toMatchObject({ waiting: 3, refused: 2, refusedQueueFull: 2 });
    for (const lease of leases) lease.release();
  });

  test('makes room again when somebody gives up', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1, maxWaiters: 1 });
    const lease = await pool.acquire();
    const abort = new AbortController();
    const first = watch(pool.acquire({ signal: abort.signal }));
    abort.abort();
    const second = watch(pool.acquire());
    await settled();
    expect([first.state, second.state]).toEqual(['rejected', 'pending']);
    lease.release();
  });

  test('holds while the pool is paused too', async () => {
    const { pool } = poolUnderTest({ maxConnections: 2, maxWaiters: 1 });
    pool.pause();
    const callers = Array.from({ length: 4 }, () => watch(pool.acquire()));
    await microtasks(1);
    expect(callers.filter(({ state }) => state === 'pending').length).toBe(3);
  });
});

test.each([-1, Number.NaN])(
  'a timeout of %d is refused as a mistake of the caller, and is no acquire',
  async (timeout) => {
    const { pool } = poolUnderTest();
    const told = listen(pool);
    await expect(pool.acquire({ timeout })).rejects.toThrow(UsageError);
    expect(told).toEqual([]);
    expect(pool.statistics().started).toBe(0);
  },
);

test('twenty callers and four connections: never more than four leases at once, and everybody is served', async () => {
  const { pool, clock } = poolUnderTest({ maxConnections: 4 });
  let running = 0;
  let most = 0;
  const callers = Array.from({ length: 20 }, async () => {
    const lease = await pool.acquire();
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => clock.timer(10, true, resolve));
    running--;
    lease.release();
  });
  await clock.advance(50);
  await Promise.all(callers);
  expect(most).toBe(4);
  expect(pool.statistics()).toMatchObject({ served: 20, idle: 4, opened: 4 });
});

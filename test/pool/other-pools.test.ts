import { describe, expect, test } from 'vitest';
import { AcquireAbortedError, AcquireTimeoutError, PoolShutdownError } from '../../src/errors/acquire.js';
import {
  alwaysProbed,
  behaving,
  fill,
  leaseOf,
  lent,
  listen,
  microtasks,
  poolUnderTest,
  watch,
} from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

// Bugs that other pools have or had, each played against this one; what happens there stands above each test.

/** Every distance, in microtasks, at which a caller may give up after a step of work ended. */
const distances = Array.from({ length: 11 }, (_, count) => count);

describe('tarn', () => {
  // The connection becomes free and nobody looks who waits: the next in line times out beside it.
  test.each(distances)(
    'a caller gives up %i microtasks after its probe passed while another waits: the other is served',
    async (distance) => {
      const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 1 });
      await fill(pool, 1);
      resources.behave = behaving({ probe: 'slow' });
      const abort = new AbortController();
      const first = watch(pool.acquire({ signal: abort.signal }));
      const second = watch(pool.acquire());
      await settled();

      resources.finish('probe');
      await microtasks(distance);
      abort.abort();
      await settled();

      resources.behave = behaving({});
      if (first.state === 'fulfilled') leaseOf(first).release();
      else expect(first.error).toBeInstanceOf(AcquireAbortedError);
      await settled();
      leaseOf(second).release();
      expect(pool.statistics()).toMatchObject({ opened: 1, closed: 0, idle: 1, leased: 0, waiting: 0 });
    },
  );

  // The caller is told no, and the connection stays lent to nobody for ever.
  test.each(distances)(
    'a caller gives up %i microtasks after its probe passed while nobody waits: the connection is lent again',
    async (distance) => {
      const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 1 });
      await fill(pool, 1);
      resources.behave = behaving({ probe: 'slow' });
      const abort = new AbortController();
      const first = watch(pool.acquire({ signal: abort.signal }));
      await settled();

      resources.finish('probe');
      await microtasks(distance);
      abort.abort();
      await settled();

      resources.behave = behaving({});
      expect(first.state).not.toBe('pending');
      if (first.state === 'fulfilled') leaseOf(first).release();
      (await pool.acquire()).release();
      expect(pool.statistics()).toMatchObject({ opened: 1, closed: 0, idle: 1, leased: 0 });
    },
  );

  // A healthy connection is destroyed, and another one opened in its place.
  test('a caller gives up during a slow probe: the healthy connection is kept and lent to the next', async () => {
    const { pool, clock, resources } = poolUnderTest({ validateOnCheckout: true, validationInterval: 50 });
    await fill(pool, 1);
    await clock.advance(50);
    resources.behave = behaving({ probe: 'slow' });
    const abort = new AbortController();
    const caller = watch(pool.acquire({ signal: abort.signal }));
    await settled();
    abort.abort();
    await settled();
    expect(caller.error).toBeInstanceOf(AcquireAbortedError);

    resources.finish('probe');
    await settled();
    (await pool.acquire()).release();
    expect(pool.statistics()).toMatchObject({ opened: 1, closed: 0, probesPassed: 1, idle: 1 });
  });
});

describe('generic-pool', () => {
  // An unhandled rejection, and the slot is gone for ever: size 1, available 0, borrowed 0.
  test('a probe that rejects costs one connection and no slot: the caller gets a new one', async () => {
    const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 1 });
    await fill(pool, 1);
    for (const resource of resources.all) resource.dead = true;
    const lease = await pool.acquire();
    expect(lease.id).toBe(2);
    await settled();
    expect(pool.statistics()).toMatchObject({ total: 1, leased: 1, probesFailed: 1, closedBy: { 'probe-failed': 1 } });
  });

  // 200 000 attempts in two seconds, in a loop so tight that not even the timer of the acquire can fire.
  test('an open that always fails is tried again with a pause, and leaves time to the timers', async () => {
    const { pool, clock, resources } = poolUnderTest({}, { backoff: () => 100 });
    resources.behave = behaving({ open: 'fail' });
    const caller = watch(pool.acquire({ timeout: 1000 }));
    await clock.advance(1000);
    expect(caller.error).toBeInstanceOf(AcquireTimeoutError);
    expect(resources.opensStarted).toBeLessThanOrEqual(11);
  });

  // The cause of the failure never reaches the one who waits.
  test('why nothing could be opened reaches the caller', async () => {
    const { pool, clock, resources } = poolUnderTest();
    resources.behave = behaving({ open: 'fail' });
    const caller = watch(pool.acquire({ timeout: 1000 }));
    await clock.advance(1000);
    expect(caller.error).toMatchObject({ cause: { message: 'open failed' } });
    expect(String(caller.error)).toContain('no connection could be opened (open failed)');
  });

  // Opening goes on after drain().
  test('nothing is opened any more after a shutdown', async () => {
    const { pool, clock, resources } = poolUnderTest({ minConnections: 2, warmConnections: true });
    resources.behave = behaving({ open: 'fail' });
    void pool.start(0);
    await clock.advance(250);
    const before = resources.opensStarted;
    await pool.shutdown(0);
    await clock.advance(60_000);
    expect(before).toBeGreaterThan(0);
    expect(resources.opensStarted).toBe(before);
  });
});

describe('pg-pool', () => {
  // end() that never calls back starves those who wait, with totalCount 0.
  test('a connection whose close never ends gives up its place at once', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 2 });
    resources.behave = behaving({ close: 'never' });
    const [lease] = await lent(pool, 2);
    const next = watch(pool.acquire({ timeout: 0 }));
    lease?.markForRecycling();
    lease?.release();
    await settled();
    expect(leaseOf(next).id).toBe(3);
    expect(pool.statistics()).toMatchObject({ leased: 2, closing: 1 });
  });

  // A hung onConnect hook, which no timeout covers: the caller waits for ever.
  test('an open that hangs in its last step ends by its deadline, and the caller by its own', async () => {
    const { pool, clock, resources } = poolUnderTest({ openTimeout: 500, maxConnections: 1 });
    resources.behave = behaving({ open: 'never' });
    const caller = watch(pool.acquire({ timeout: 800 }));
    await clock.advance(800);
    expect(caller.error).toMatchObject({ cause: { message: 'opening a connection did not finish within 500 ms' } });
    expect(resources.begun[0]?.signal.aborted).toBe(true);
  });

  // end() resolves, and whoever waits without a timeout waits for ever.
  test('who waits without a timeout is refused by a shutdown', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const waiter = watch(pool.acquire({ timeout: 0 }));
    void pool.shutdown(1000);
    await settled();
    expect(waiter.error).toBeInstanceOf(PoolShutdownError);
    lease.release();
  });

  // A connection that arrives after its deadline is kept although nobody knows of it: a leak, later a hang.
  test('a connection that arrives after its deadline is closed', async () => {
    const { pool, clock, resources } = poolUnderTest({ openTimeout: 500, closeTimeout: 300, maxConnections: 1 });
    resources.behave = behaving({ open: 'slow' });
    const caller = watch(pool.acquire({ timeout: 600 }));
    await clock.advance(600);
    expect(caller.error).toBeInstanceOf(AcquireTimeoutError);
    resources.finish('open');
    await settled();
    expect(resources.all).toMatchObject([{ closed: true }]);
    expect(pool.statistics()).toMatchObject({ idle: 0, opened: 0 });
  });

  // A caller who started an open is bound to it: served at 403 ms although something came back at 20 ms.
  test('a connection that comes back goes to the caller who waits for a slow open', async () => {
    const { pool, clock, resources } = poolUnderTest();
    const lease = await pool.acquire();
    resources.behave = behaving({ open: 'slow' });
    const caller = watch(pool.acquire());
    await clock.advance(20);
    lease.release();
    await settled();
    expect(leaseOf(caller).id).toBe(lease.id);
  });
});

describe('porsager/postgres', () => {
  // #1195: a reserve() in the queue is taken off it for a connection that then dies: stranded for ever.
  test('a caller whose connection dies on its way to it keeps its place in the queue', async () => {
    const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 1 });
    await fill(pool, 1);
    resources.behave = behaving({ probe: 'slow' });
    const first = watch(pool.acquire({ timeout: 0 }));
    const second = watch(pool.acquire({ timeout: 0 }));
    await settled();
    resources.all[0]?.die(new Error('the server closed the socket'));
    resources.behave = behaving({});
    await settled();
    expect(leaseOf(first).id).toBe(2);
    leaseOf(first).release();
    await settled();
    leaseOf(second).release();
  });

  test('a connection that dies while it is lent is not given to who waits for it', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const waiter = watch(pool.acquire({ timeout: 0 }));
    resources.all[0]?.die(new Error('the server closed the socket'));
    lease.release();
    await settled();
    expect(leaseOf(waiter).id).toBe(2);
  });
});

describe('undici', () => {
  // #5144: a client past its time to live counts against the limit while it closes: the request hangs.
  async function whileClosingForItsAge(maxConnections: number): Promise<void> {
    const { pool, clock, resources } = poolUnderTest({ maxConnections, maxLifetime: 1000 });
    resources.behave = behaving({ close: 'slow' });
    const [lease] = await lent(pool, maxConnections);
    const waiter = watch(pool.acquire({ timeout: 0 }));
    await clock.advance(2000);
    lease?.release();
    await settled();
    expect(leaseOf(waiter).id).toBe(maxConnections + 1);
    expect(pool.statistics()).toMatchObject({ total: maxConnections, closing: 1 });
  }

  test('a connection that closes for its age does not count against the maximum', () => whileClosingForItsAge(2));

  test('nor does it when there is room for one connection only', () => whileClosingForItsAge(1));
});

describe('mongodb', () => {
  // A signal that is aborted already is not looked at: the caller waits.
  test('a signal that is aborted already rejects at once, even when a connection is idle', async () => {
    const { pool } = poolUnderTest();
    await fill(pool, 1);
    const caller = watch(pool.acquire({ signal: AbortSignal.abort(new Error('too late')) }));
    await microtasks(1);
    expect(caller.error).toMatchObject({ code: 'ERR_POOL_ACQUIRE_ABORTED', cause: { message: 'too late' }, waited: 0 });
    expect(pool.statistics()).toMatchObject({ idle: 1, aborted: 1 });
  });

  // No event tells of an aborted checkout: started and ended never balance.
  test('an abort is told like every other end', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const told = listen(pool);
    const abort = new AbortController();
    pool.acquire({ signal: abort.signal }).catch(() => {});
    pool.acquire({ signal: AbortSignal.abort() }).catch(() => {});
    abort.abort();
    await settled();
    expect(told.map(({ name }) => name)).toEqual([
      'acquireStarted',
      'acquireStarted',
      'acquireAborted',
      'acquireAborted',
    ]);
    lease.release();
  });

  // 1000 callers that gave up stay in the queue until it is their turn: waitQueueSize 1000.
  test('callers that gave up leave the queue at once', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const abort = new AbortController();
    const { signal } = abort;
    for (let count = 0; count < 1000; count++) pool.acquire({ signal }).catch(() => {});
    expect(pool.statistics().waiting).toBe(1000);
    abort.abort();
    expect(pool.statistics()).toMatchObject({ waiting: 0, aborted: 1000, oldestWaiter: 0 });
    lease.release();
  });
});

describe("n8n's node for SurrealDB", () => {
  // The check before lending throws after the entry was marked as in use, and nobody unmarks it.
  test('checks that fail ten times over leave no slot marked as lent', async () => {
    const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 2 });
    for (let round = 0; round < 10; round++) {
      await fill(pool, 2);
      for (const resource of resources.all) resource.dead = true;
      for (const lease of await lent(pool, 2)) lease.release();
    }
    await settled();
    expect(pool.statistics()).toMatchObject({ leased: 0, total: 2, idle: 2, closing: 0 });
  });

  // The poll of a caller who timed out goes on, and takes the next free connection for somebody who is gone.
  test('a connection that comes back after a caller timed out is not taken for that caller', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const gone = watch(pool.acquire({ timeout: 100 }));
    await clock.advance(100);
    expect(gone.state).toBe('rejected');
    lease.release();
    await clock.advance(10_000);
    expect(pool.statistics()).toMatchObject({ idle: 1, leased: 0 });
    (await pool.acquire()).release();
  });

  // An entry that failed a health check is lent to nobody, yet counts against the maximum until two more checks failed.
  test('a connection found dead makes room at once', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 1 });
    await fill(pool, 1);
    resources.all[0]?.die(new Error('gone'));
    expect(pool.statistics()).toMatchObject({ total: 0, idle: 0 });
    expect((await pool.acquire()).id).toBe(2);
  });

  // The limit is looked at before an open that takes its time, and not again after: a burst opens as many as it likes.
  test('a burst of callers never opens more than the maximum', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 3 });
    resources.behave = behaving({ open: 'slow' });
    const callers = Array.from({ length: 20 }, () => watch(pool.acquire()));
    for (let served = 0; served < 20; served++) {
      await settled();
      expect(pool.statistics().total).toBeLessThanOrEqual(3);
      resources.finish('open');
      await settled();
      for (const caller of callers) if (caller.value?.active === true) caller.value.release();
    }
    await settled();
    expect(resources.opensStarted).toBe(3);
    expect(callers.every(({ state }) => state === 'fulfilled')).toBe(true);
  });

  // An open that ends after close() is put into a list nobody looks at any more: an open socket for ever.
  test('a connection that arrives after the shutdown is closed', async () => {
    const { pool, clock, resources } = poolUnderTest();
    resources.behave = behaving({ open: 'slow' });
    const caller = watch(pool.acquire());
    await settled();
    void pool.shutdown(0);
    await clock.advance(10_000);
    expect(pool.state).toBe('closed');
    resources.finish('open');
    await settled();
    expect(caller.error).toBeInstanceOf(PoolShutdownError);
    expect(resources.all).toMatchObject([{ closed: true }]);
  });

  // Every check leaves its timer running, and the timers of the health checks keep the process alive.
  test('every timer of a step that ended is cleared', async () => {
    const { pool, clock, resources } = poolUnderTest({ ...alwaysProbed });
    const before = clock.pending;
    for (let round = 0; round < 20; round++) {
      const lease = await pool.acquire();
      lease.resource.dirty = true;
      lease.release();
      await settled();
    }
    expect(resources.count('probe')).toBe(19);
    expect(clock.pending).toBe(before);
    await pool.shutdown(0);
    expect(clock.pending).toBe(0);
  });
});

describe('knex over tarn', () => {
  // The deadline runs outside the pool: the pool goes on and gives a connection to nobody.
  test.each(distances)(
    'a deadline and a free connection %i microtasks apart: the caller gets one answer, and the slot is not lost',
    async (distance) => {
      const { pool, clock, resources } = poolUnderTest({ maxConnections: 1 });
      resources.behave = behaving({ open: 'slow' });
      const caller = watch(pool.acquire({ timeout: 100 }));
      await clock.advance(99);
      // Fires just before the pool's own timer, in the same moment.
      resources.finish('open');
      await microtasks(distance);
      await clock.leap(1);
      expect(caller.state).not.toBe('pending');
      if (caller.state === 'fulfilled') leaseOf(caller).release();
      resources.behave = behaving({});
      (await pool.acquire()).release();
      expect(pool.statistics()).toMatchObject({ total: 1, idle: 1, opened: 1 });
    },
  );
});

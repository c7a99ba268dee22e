import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PoolShutdownError } from '../../src/errors/acquire.js';
import type { ShutdownReport } from '../../src/pool/shutdown-report.js';
import {
  alwaysProbed,
  behaving,
  fill,
  leaseOf,
  lent,
  poolUnderTest,
  type Watched,
  watch,
} from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

// Whatever listeners ask of the pool must leave it whole; they are called when what they hear of has come to its end.

beforeEach(() => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => {
  // No listener here throws by itself: a warning would be a failure inside the pool that the emitter swallowed.
  expect(vi.mocked(process.emitWarning)).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

const never = (): Watched<ShutdownReport> => watch(new Promise<ShutdownReport>(() => {}));

describe('shutdown() from inside an event', () => {
  test.each(['shutdownStarted', 'acquireRefused', 'closing'] as const)(
    'that the shutdown itself tells (%s) gets the report of that one shutdown',
    async (name) => {
      const { pool } = poolUnderTest({ maxConnections: 1 });
      const lease = await pool.acquire();
      pool.acquire().catch(() => {});
      let started = 0;
      let inner = never();
      pool.events.subscribe('shutdownStarted', () => started++);
      // Once only: each further shutdown would be told of as well, and answered by one more.
      const end = pool.events.subscribe(name, () => {
        end();
        inner = watch(pool.shutdown(0));
      });
      const outer = watch(pool.shutdown(0));
      await settled();
      expect(lease.active).toBe(false);
      expect(outer.state).toBe('fulfilled');
      expect(started).toBe(1);
      expect(inner.value).toBe(outer.value);
    },
  );

  test('that an empty pool tells at its end (shutdownFinished) gets that report too', async () => {
    const { pool } = poolUnderTest();
    let inner = never();
    let finished = 0;
    const end = pool.events.subscribe('shutdownFinished', () => {
      finished++;
      if (finished === 2) end();
      inner = watch(pool.shutdown(0));
    });
    const outer = await pool.shutdown(0);
    await settled();
    expect(finished).toBe(1);
    expect(inner.value).toBe(outer);
  });

  test('that an acquire tells (gap) refuses that acquire too', async () => {
    const { pool, clock } = poolUnderTest();
    await fill(pool, 1);
    pool.events.subscribe('gap', () => void pool.shutdown(0));
    let caller: Watched<unknown> = never();
    clock.timer(0, true, () => {
      caller = watch(pool.acquire({ timeout: 0 }));
    });
    await clock.leap(600_000);
    expect(caller.error).toBeInstanceOf(PoolShutdownError);
  });

  test('that tells of an opening gives up those that were begun', async () => {
    const { pool, clock, resources } = poolUnderTest({
      minConnections: 3,
      maxConnections: 3,
      warmConnections: true,
      openTimeout: 60_000,
      closeTimeout: 300,
    });
    resources.behave = behaving({ open: 'never' });
    let shutdown = never();
    pool.events.subscribe('opening', () => {
      shutdown = watch(pool.shutdown(0));
    });
    pool.start(0).catch(() => {});
    await clock.advance(300);
    expect(pool.statistics()).toMatchObject({ total: 0, closing: 0, opened: 0 });
    expect(shutdown.state).toBe('fulfilled');
  });

  test('that tells of the new lease takes it back, and ends', async () => {
    const { pool } = poolUnderTest();
    let shutdown = never();
    pool.events.subscribe('acquired', () => {
      shutdown = watch(pool.shutdown(0));
    });
    const lease = await pool.acquire();
    expect(lease.active).toBe(false);
    await settled();
    expect(shutdown.value).toMatchObject({ aborted: [{ connection: 1 }], closed: 1 });
  });

  test('that tells of the connection just opened takes it back from whoever got it, and ends', async () => {
    const { pool } = poolUnderTest();
    let shutdown = never();
    pool.events.subscribe('opened', () => {
      shutdown = watch(pool.shutdown(0));
    });
    const lease = await pool.acquire();
    await settled();
    expect(lease.active).toBe(false);
    expect(shutdown.value).toMatchObject({ closed: 1, aborted: [{ connection: 1 }] });
  });
});

describe('when a connection comes to a caller in the very moment its time is over, whoever is told of that may', () => {
  /** `finish` is called at the moment of the deadline, after the pool's own timer: the caller was told just now. */
  function atTheDeadline(world: ReturnType<typeof poolUnderTest>, finish: () => void): void {
    world.pool.acquire({ timeout: 100 }).catch(() => {});
    world.clock.timer(100, true, finish);
  }

  test('shut the pool down: a connection just opened is closed, and the shutdown ends', async () => {
    const world = poolUnderTest({ maxConnections: 1 });
    const { pool, clock, resources } = world;
    resources.behave = behaving({ open: 'slow' });
    let shutdown = never();
    pool.events.subscribe('acquireTimedOut', () => {
      shutdown = watch(pool.shutdown(0));
    });
    atTheDeadline(world, () => resources.finish('open'));
    await clock.advance(10_000);
    expect(pool.statistics().timedOut).toBe(1);
    expect(shutdown.state).toBe('fulfilled');
    expect(resources.all).toMatchObject([{ closeCalls: 1 }]);
  });

  test.each(['released', 'probed'])('shut the pool down: a connection just %s stays closed', async (how) => {
    const world = poolUnderTest({ ...(how === 'probed' ? alwaysProbed : {}), maxConnections: 1 });
    const { pool, clock, resources } = world;
    const lease = await pool.acquire();
    if (how === 'probed') lease.release();
    resources.behave = behaving({ probe: 'slow' });
    pool.events.subscribe('acquireTimedOut', () => void pool.shutdown(0));
    atTheDeadline(world, () => (how === 'probed' ? resources.finish('probe') : lease.release()));
    await clock.advance(1000);
    expect(pool.state).toBe('closed');
    // Asks again for whatever the pool believes to be idle.
    pool.recycleAll();
    await settled();
    expect(resources.all).toMatchObject([{ closeCalls: 1 }]);
    expect(pool.statistics()).toMatchObject({ closed: 1, idle: 0, closing: 0 });
  });

  test('acquire again: it is served after those who came before', async () => {
    const world = poolUnderTest({ maxConnections: 1 });
    const { pool, clock } = world;
    const lease = await pool.acquire();
    let again: Watched<unknown> = never();
    pool.events.subscribe('acquireTimedOut', () => {
      again = watch(pool.acquire({ timeout: 5000 }));
    });
    atTheDeadline(world, () => lease.release());
    const next = watch(pool.acquire({ timeout: 5000 }));
    await clock.advance(1000);
    expect([next.state, again.state]).toEqual(['fulfilled', 'pending']);
    leaseOf(next).release();
    await settled();
    expect(again.state).toBe('fulfilled');
  });
});

describe('a listener that', () => {
  test('acquires again whenever an acquire failed for good does not have the new one fail of the old cause', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 1 });
    resources.behave = behaving({ open: 'fatal' });
    let again = 0;
    pool.events.subscribe('acquireFailed', () => {
      // A thousand is an end where there would be none.
      if (again++ < 1000) pool.acquire().catch(() => {});
      else pool.pause();
      if (again === 5) resources.behave = behaving({});
    });
    const first = watch(pool.acquire());
    await settled();
    expect(first.state).toBe('rejected');
    expect(again).toBe(5);
    expect(pool.statistics()).toMatchObject({ failed: 5, served: 1, openFailed: 5 });
  });

  test('releases its lease when it hears that the connection died does not hand the dead one on', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const waiter = watch(pool.acquire());
    pool.events.subscribe('died', () => lease.release());
    resources.all[0]?.die(new Error('gone'));
    await settled();
    expect(leaseOf(waiter).id).toBe(2);
  });

  test('recycles all when it hears that an idle connection died does not cut its closing short', async () => {
    const { pool, clock, resources } = poolUnderTest({ closeTimeout: 300 });
    await fill(pool, 1);
    resources.behave = behaving({ close: 'slow' });
    pool.events.subscribe('died', () => pool.recycleAll());
    resources.all[0]?.die(new Error('gone'));
    await clock.advance(100);
    expect(pool.statistics()).toMatchObject({ closing: 1, closed: 0 });
    expect(resources.begun.at(-1)).toMatchObject({ step: 'close', signal: { aborted: false } });
  });

  test('acquires when it hears of a release gets the connection that was given back', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    let heir: Watched<unknown> = never();
    const lease = await pool.acquire();
    const end = pool.events.subscribe('released', () => {
      heir = watch(pool.acquire());
    });
    lease.release();
    await settled();
    end();
    await settled();
    expect(heir.state).toBe('fulfilled');
    expect(pool.statistics()).toMatchObject({ leased: 1, opened: 1 });
  });

  test('releases another lease when it hears of a lease serves the next in line with it', async () => {
    const { pool } = poolUnderTest({ maxConnections: 2 });
    const [first, second] = await lent(pool, 2);
    const callers = [watch(pool.acquire()), watch(pool.acquire())];
    pool.events.subscribe('acquired', () => {
      if (second?.active === true) second.release();
    });
    first?.release();
    await settled();
    expect(callers.map((caller) => leaseOf(caller).id)).toEqual([1, 2]);
  });

  test('resizes the pool when it hears of a closing is heard at once', async () => {
    const { pool } = poolUnderTest({ maxConnections: 4 });
    await fill(pool, 4);
    pool.events.subscribe('closing', () => {
      if (pool.statistics().maxConnections === 3) pool.resize({ maxConnections: 1 });
    });
    pool.resize({ maxConnections: 3 });
    await settled();
    expect(pool.statistics()).toMatchObject({ maxConnections: 1, total: 1 });
  });
});

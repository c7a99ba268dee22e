import { describe, expect, test } from 'vitest';
import { AcquireTimeoutError } from '../../src/errors/acquire.js';
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

describe('before a connection is lent', () => {
  test('it is probed when it was idle for the validation interval or longer', async () => {
    const { pool, clock, resources } = poolUnderTest({ validateOnCheckout: true, validationInterval: 500 });
    await fill(pool, 1);
    await clock.advance(499);
    await fill(pool, 1);
    expect(resources.count('probe')).toBe(0);
    await clock.advance(500);
    await fill(pool, 1);
    expect(resources.count('probe')).toBe(1);
  });

  test('it is probed each time when the interval is 0', async () => {
    const { pool, resources } = poolUnderTest(alwaysProbed);
    for (let round = 0; round < 5; round++) await fill(pool, 1);
    // Not the first time: it had just been opened.
    expect(resources.count('probe')).toBe(4);
  });

  test('it is probed, whatever the settings, when the proof of what it is has ended, and lent if it passes', async () => {
    const { pool, clock, resources } = poolUnderTest({ validateOnCheckout: false });
    await fill(pool, 1);
    const [resource] = resources.all;
    if (resource === undefined) return expect.unreachable();
    resource.lendableUntil = clock.now() + 100;
    await clock.advance(99);
    await fill(pool, 1);
    expect(resources.count('probe')).toBe(0);
    await clock.advance(1);
    await fill(pool, 1);
    expect([resources.count('probe'), resources.all.length]).toEqual([1, 1]);
  });

  test('and what it is cannot be proven for good, its waiters are told, and it is closed', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 1, validateOnCheckout: false });
    await fill(pool, 1);
    const [resource] = resources.all;
    if (resource === undefined) return expect.unreachable();
    resource.lendableUntil = clock.now();
    resources.behave = (step) => (step === 'probe' ? 'fatal' : 'ok');
    const told = pool.acquire();
    await expect(told).rejects.toMatchObject({ code: 'ERR_POOL_ACQUIRE_FAILED' });
    await settled();
    expect(pool.statistics()).toMatchObject({ failed: 1, opened: 1, closedBy: { 'signed-out': 1 } });
  });

  test('it is not probed when that is turned off, however old', async () => {
    const { pool, clock, resources } = poolUnderTest({ validateOnCheckout: false, validationInterval: 0 });
    await fill(pool, 1);
    await clock.advance(86_400_000);
    await fill(pool, 1);
    expect(resources.count('probe')).toBe(0);
  });

  test('who waits for a connection that comes back gets it without a probe: it has just shown that it works', async () => {
    const { pool, clock, resources } = poolUnderTest({
      validateOnCheckout: true,
      validationInterval: 50,
      maxConnections: 1,
    });
    const lease = await pool.acquire();
    const waiter = watch(pool.acquire());
    await clock.advance(5000);
    lease.release();
    await settled();
    expect(leaseOf(waiter).active).toBe(true);
    expect(resources.count('probe')).toBe(0);
  });

  test('no more are probed than callers wait', async () => {
    const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 5 });
    await fill(pool, 5);
    resources.behave = behaving({ probe: 'slow' });
    for (let count = 0; count < 2; count++) pool.acquire().catch(() => {});
    await settled();
    expect(pool.statistics()).toMatchObject({ validating: 2, idle: 3, opening: 0 });
  });
});

describe('while a probe runs', () => {
  test('the caller keeps its place and gets the first connection that works, which may be another', async () => {
    const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 2 });
    const [first, second] = await lent(pool, 2);
    first?.release();
    resources.behave = behaving({ probe: 'slow' });
    const caller = watch(pool.acquire());
    await settled();
    second?.release();
    await settled();
    expect(resources.slow.length).toBe(1);
    resources.behave = behaving({});
    resources.finish('probe');
    await settled();
    expect(leaseOf(caller).id).toBe(1);
    expect(pool.statistics()).toMatchObject({ leased: 1, idle: 1 });
  });

  test('time runs for the caller too', async () => {
    const { pool, clock, resources } = poolUnderTest({ ...alwaysProbed, probeTimeout: 1000 });
    await fill(pool, 1);
    resources.behave = behaving({ probe: 'slow' });
    const caller = watch(pool.acquire({ timeout: 200 }));
    await clock.advance(200);
    expect(caller.error).toBeInstanceOf(AcquireTimeoutError);
    resources.finish('probe');
    await settled();
    expect(pool.statistics()).toMatchObject({ idle: 1, leased: 0, probesPassed: 1 });
  });

  test('a connection that dies is closed at once and never lent', async () => {
    const { pool, clock, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 1 });
    await fill(pool, 1);
    await clock.advance(1000);
    resources.behave = behaving({ probe: 'slow' });
    const caller = watch(pool.acquire());
    await settled();
    resources.all[0]?.die(new Error('gone'));
    await settled();
    expect(leaseOf(caller).id).toBe(2);
    resources.finish('probe');
    await settled();
    expect(pool.statistics()).toMatchObject({ total: 1, leased: 1, closed: 1 });
  });
});

describe('a probe that fails', () => {
  test('costs the connection, not the caller: the next one is tried, then a new one opened', async () => {
    const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 3 });
    await fill(pool, 3);
    // Dead without a word: only a probe can tell. The new one is probed too, since something is wrong.
    for (const resource of resources.all) resource.dead = true;
    const lease = await pool.acquire();
    expect(lease.id).toBe(4);
    expect(resources.count('probe')).toBe(4);
    await settled();
    expect(pool.statistics()).toMatchObject({ probesFailed: 3, closedBy: { 'probe-failed': 3 } });
  });

  test('all connections dead at once: exactly so many probes fail, and no caller sees an error', async () => {
    const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 5 });
    await fill(pool, 5);
    // Dead without a word: only a probe can tell.
    for (const resource of resources.all) resource.dead = true;
    const callers = Array.from({ length: 5 }, () => watch(pool.acquire()));
    await settled();
    expect(callers.every(({ state }) => state === 'fulfilled')).toBe(true);
    expect(pool.statistics()).toMatchObject({ probesFailed: 5, total: 5, opened: 10 });
  });

  test('by never ending is given up at its deadline', async () => {
    const { pool, clock, resources } = poolUnderTest({ ...alwaysProbed, probeTimeout: 100, maxConnections: 1 });
    await fill(pool, 1);
    // The second probe is that of the connection opened instead.
    resources.behave = (step) => (step === 'probe' && resources.count('probe') === 1 ? 'never' : 'ok');
    const told = listen(pool);
    const caller = watch(pool.acquire());
    await clock.advance(99);
    expect(caller.state).toBe('pending');
    await clock.advance(1);
    expect(leaseOf(caller).id).toBe(2);
    expect(resources.begun.find(({ step }) => step === 'probe')?.signal.aborted).toBe(true);
    expect(told.find(({ name }) => name === 'validationFailed')?.event).toMatchObject({
      connection: 1,
      endpoint: '',
      duration: 100,
      error: { step: 'probing a connection', timeout: 100 },
    });
  });
});

describe('after the process stood still', () => {
  test('everything idle is probed before it is lent, each connection once, although that is turned off', async () => {
    const { pool, clock, resources } = poolUnderTest({ validateOnCheckout: false, maxConnections: 3 });
    await fill(pool, 3);
    const told = listen(pool);
    await clock.leap(600_000);
    expect(told).toEqual([{ name: 'gap', event: { duration: 600_000 } }]);
    expect(resources.count('probe')).toBe(0);
    for (let round = 0; round < 2; round++) for (const lease of await lent(pool, 3)) lease.release();
    expect(resources.count('probe')).toBe(3);
    expect(pool.statistics()).toMatchObject({ opened: 3, closed: 0 });
  });

  test('an acquire that comes before the late sweep sees the gap itself', async () => {
    const { pool, clock, resources } = poolUnderTest();
    await fill(pool, 1);
    const told = listen(pool);
    // Armed before the sweep for the same moment: what runs first after a suspend need not be the pool.
    clock.timer(0, true, () => void pool.acquire());
    await clock.leap(600_000);
    expect(told.filter(({ name }) => name === 'gap').length).toBe(1);
    expect(resources.count('probe')).toBe(1);
  });

  test('costs no more than the one idle connection that every idle window may close', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 5, idleTimeout: 60_000 });
    await fill(pool, 5);
    await clock.leap(600_000);
    expect(pool.statistics()).toMatchObject({ total: 4, opened: 5, closedBy: { idle: 1 } });
  });

  test('a sweep that is only a little late is no gap', async () => {
    const { pool, clock, resources } = poolUnderTest();
    await fill(pool, 1);
    const told = listen(pool);
    await clock.leap(3000);
    expect(told).toEqual([]);
    await fill(pool, 1);
    expect(resources.count('probe')).toBe(0);
  });

  test('a clock that runs evenly is no gap, however long nobody asks', async () => {
    const { pool, clock } = poolUnderTest();
    const told = listen(pool);
    await clock.advance(3_600_000);
    expect(told).toEqual([]);
  });
});

describe('a caller that asks for a fresh connection', () => {
  test('is given one that is opened for it, though others are idle and the pool is full', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 3 });
    await fill(pool, 3);
    await clock.advance(1);
    const lease = await pool.acquire({ fresh: true });
    expect(lease.id).toBe(4);
    lease.release();
    expect(pool.statistics()).toMatchObject({ total: 3, opened: 4 });
  });

  test('waits for room while all are lent: what is given back makes room for it, since it came first', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 1 });
    const [held] = await lent(pool, 1);
    const fresh = watch(pool.acquire({ fresh: true }));
    const other = watch(pool.acquire());
    await clock.advance(1);
    held?.release();
    await settled();
    expect([leaseOf(fresh).id, other.state]).toEqual([2, 'pending']);
    leaseOf(fresh).release();
    await settled();
    expect(leaseOf(other).id).toBe(2);
    leaseOf(other).release();
  });

  test('costs one connection and no more, while others are given back before it is there', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 3 });
    const leases = await lent(pool, 3);
    resources.behave = behaving({ open: 'slow' });
    const fresh = watch(pool.acquire({ fresh: true }));
    for (const lease of leases) {
      lease.release();
      await settled();
    }
    expect(pool.statistics()).toMatchObject({ idle: 2, opening: 1, closed: 1 });
    const other = await pool.acquire();
    expect(other.id).toBe(3);
    resources.finish('open');
    await settled();
    expect(leaseOf(fresh).id).toBe(4);
    leaseOf(fresh).release();
    other.release();
  });

  test('is not given one that was probed for another caller', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 2, ...alwaysProbed });
    await fill(pool, 1);
    await clock.advance(1);
    resources.behave = behaving({ probe: 'slow', open: 'slow' });
    const controller = new AbortController();
    const other = watch(pool.acquire({ signal: controller.signal }));
    const fresh = watch(pool.acquire({ fresh: true }));
    await settled();
    controller.abort();
    expect(resources.finish('probe')).toBe(true);
    await settled();
    expect([other.state, fresh.state]).toEqual(['rejected', 'pending']);
    resources.finish('open');
    await settled();
    expect(leaseOf(fresh).id).toBe(2);
    leaseOf(fresh).release();
  });
});

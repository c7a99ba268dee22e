import { describe, expect, test, vi } from 'vitest';
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

/** Numbers from 0 to 1, evenly spread and always the same. */
function evenly(count: number): () => number {
  let drawn = 0;
  return () => (drawn++ % count) / (count - 1);
}

describe('the idle timeout', () => {
  test('closes nothing before its time', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 8, idleTimeout: 60_000 });
    await fill(pool, 8);
    await clock.advance(59_999);
    expect(pool.statistics().idle).toBe(8);
  });

  test('closes one connection per quiet window, down to the minimum and never below it', async () => {
    const { pool, clock } = poolUnderTest({ minConnections: 2, maxConnections: 8, idleTimeout: 60_000 });
    await fill(pool, 8);
    const closings: number[] = [];
    pool.events.subscribe('closing', () => closings.push(clock.now()));
    await clock.advance(3_600_000);
    expect(pool.statistics()).toMatchObject({ idle: 2, closedBy: { idle: 6 } });
    expect(closings.length).toBe(6);
    const distances = closings.slice(1).map((at, index) => at - (closings[index] ?? 0));
    expect(Math.min(...distances)).toBeGreaterThanOrEqual(10_000);
    // The surplus of a burst is gone within one more timeout, not at the pace of one per timeout.
    expect(closings.at(-1)).toBeLessThanOrEqual(130_000);
  });

  test('spares the one that is used now and then: it is lent first each time, so that the others grow old', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 5, idleTimeout: 60_000 });
    await fill(pool, 5);
    const used = new Set<number>();
    for (let round = 0; round < 60; round++) {
      const lease = await pool.acquire();
      used.add(lease.id);
      lease.release();
      await clock.advance(5000);
    }
    expect(used).toEqual(new Set([5]));
    expect(pool.statistics()).toMatchObject({ idle: 1, closedBy: { idle: 4 } });
  });

  test('of 0 closes nothing ever', async () => {
    const { pool, clock } = poolUnderTest({ idleTimeout: 0 });
    await fill(pool, 2);
    await clock.advance(7 * 3_600_000);
    expect(pool.statistics().idle).toBe(2);
  });

  test('counts leased connections for the minimum', async () => {
    const { pool, clock } = poolUnderTest({ minConnections: 1, maxConnections: 2, idleTimeout: 10_000 });
    const [first, second] = await lent(pool, 2);
    second?.release();
    await clock.advance(60_000);
    expect(pool.statistics()).toMatchObject({ leased: 1, idle: 0, closedBy: { idle: 1 } });
    first?.release();
    await clock.advance(60_000);
    expect(pool.statistics()).toMatchObject({ idle: 1 });
  });
});

describe('the lifetime', () => {
  test('of connections born together spreads over a tenth in both directions', async () => {
    const { pool, clock } = poolUnderTest(
      { maxConnections: 101, maxConnecting: 101, maxLifetime: 1_000_000 },
      { random: evenly(101) },
    );
    const ages: number[] = [];
    pool.events.subscribe('closing', ({ age }) => ages.push(age));
    await fill(pool, 101);
    await clock.advance(1_200_000);
    expect(ages.length).toBe(101);
    expect(Math.min(...ages)).toBeLessThanOrEqual(901_000);
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(900_000);
    expect(Math.max(...ages)).toBeGreaterThanOrEqual(1_099_000);
    expect(Math.max(...ages)).toBeLessThanOrEqual(1_101_000);
  });

  test('is drawn once, at birth', async () => {
    const random = vi.fn(() => 0.5);
    const { pool, clock } = poolUnderTest({ maxLifetime: 60_000, validateOnCheckout: true }, { random });
    const before = random.mock.calls.length;
    for (let round = 0; round < 20; round++) {
      await fill(pool, 2);
      await clock.advance(1000);
    }
    expect(random.mock.calls.length - before).toBe(2);
  });

  test('has its full resolution below a second: an expired connection is not lent, although no sweep came by', async () => {
    const { pool, clock } = poolUnderTest({ maxLifetime: 200 }, { random: () => 0 });
    await fill(pool, 1);
    await clock.advance(179);
    expect((await lent(pool, 1)).map((lease) => lease.id)).toEqual([1]);
  });

  test('ends to the millisecond for whoever asks', async () => {
    const { pool, clock } = poolUnderTest({ maxLifetime: 200, maxConnections: 1 }, { random: () => 0 });
    await fill(pool, 1);
    await clock.advance(180);
    expect((await pool.acquire()).id).toBe(2);
    await settled();
    expect(pool.statistics().closedBy.lifetime).toBe(1);
  });

  test('closes an idle connection within a second of its end, although nobody asks', async () => {
    const { pool, clock } = poolUnderTest({ maxLifetime: 10_000 });
    await fill(pool, 2);
    await clock.advance(9999);
    expect(pool.statistics().idle).toBe(2);
    await clock.advance(1001);
    expect(pool.statistics()).toMatchObject({ idle: 0, closedBy: { lifetime: 2 } });
  });

  test('that ends during a lease waits for the release, and the next caller gets a new connection', async () => {
    const { pool, clock } = poolUnderTest({ maxLifetime: 10_000, maxConnections: 2 });
    const lease = await pool.acquire();
    await clock.advance(60_000);
    expect(lease.active).toBe(true);
    lease.release();
    expect(pool.statistics()).toMatchObject({ idle: 0, closing: 1 });
    expect((await pool.acquire()).id).toBe(2);
  });

  test('that ends during a probe: the caller gets a new connection', async () => {
    const { pool, clock, resources } = poolUnderTest({ ...alwaysProbed, maxLifetime: 1000, probeTimeout: 500 });
    await fill(pool, 1);
    await clock.advance(900);
    resources.behave = behaving({ probe: 'slow' });
    const caller = watch(pool.acquire());
    await clock.advance(200);
    resources.finish('probe');
    await settled();
    expect(leaseOf(caller).id).toBe(2);
    expect(pool.statistics().closedBy.lifetime).toBe(1);
  });

  test('that ends during a reset: the connection is closed', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxLifetime: 1000, resetTimeout: 500 });
    const lease = await pool.acquire();
    await clock.advance(900);
    resources.behave = behaving({ reset: 'slow' });
    lease.resource.dirty = true;
    lease.release();
    await clock.advance(200);
    resources.finish('reset');
    await settled();
    expect(pool.statistics()).toMatchObject({ idle: 0, closedBy: { lifetime: 1 } });
  });

  test('of 0 is none', async () => {
    const { pool, clock } = poolUnderTest({ maxLifetime: 0 });
    await fill(pool, 1);
    await clock.advance(30 * 86_400);
    expect((await pool.acquire()).id).toBe(1);
  });

  test('is not shortened by a leap in which the process stood still, and not lengthened either', async () => {
    const { pool, clock } = poolUnderTest({ maxLifetime: 10_000, maxConnections: 3 });
    await fill(pool, 3);
    await clock.leap(9000);
    expect(pool.statistics().total).toBe(3);
    await clock.leap(3_600_000);
    expect(pool.statistics()).toMatchObject({ total: 0, closedBy: { lifetime: 3 } });
  });
});

describe('recycleAfterUses', () => {
  test('closes a connection after so many leases, and the next caller gets a new one', async () => {
    const { pool } = poolUnderTest({ recycleAfterUses: 3, maxConnections: 1 });
    const ids: number[] = [];
    for (let round = 0; round < 7; round++) {
      const lease = await pool.acquire();
      ids.push(lease.id);
      lease.release();
      await settled();
    }
    expect(ids).toEqual([1, 1, 1, 2, 2, 2, 3]);
    expect(pool.statistics().closedBy.uses).toBe(2);
  });

  test('of 0 counts nothing', async () => {
    const { pool } = poolUnderTest({ recycleAfterUses: 0 });
    for (let round = 0; round < 500; round++) await fill(pool, 1);
    expect(pool.statistics()).toMatchObject({ opened: 1, closed: 0 });
  });
});

describe('a connection that dies', () => {
  test('while idle is closed at that moment, not at the sweep', async () => {
    const { pool, clock, resources } = poolUnderTest();
    await fill(pool, 1);
    await clock.advance(1000);
    const told = listen(pool);
    resources.all[0]?.die(new Error('the socket was closed'));
    expect(pool.statistics()).toMatchObject({ idle: 0, total: 0, closing: 1 });
    await settled();
    expect(told.map(({ name }) => name)).toEqual(['died', 'closing', 'closed']);
    expect(told[0]?.event).toMatchObject({ connection: 1, error: { message: 'the socket was closed' } });
    expect(pool.statistics().closedBy.died).toBe(1);
  });

  test('while lent stays with its user until the release, and then goes', async () => {
    const { pool, resources } = poolUnderTest();
    const lease = await pool.acquire();
    resources.all[0]?.die(new Error('the socket was closed'));
    expect(lease.active).toBe(true);
    expect(lease.markedForRecycling).toBe(true);
    expect(pool.statistics().leased).toBe(1);
    lease.release();
    await settled();
    expect(pool.statistics()).toMatchObject({ total: 0, closedBy: { died: 1 } });
  });

  test('while it is reset ends the reset at once', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    resources.behave = behaving({ reset: 'slow' });
    lease.resource.dirty = true;
    lease.release();
    await settled();
    const waiter = watch(pool.acquire());
    resources.all[0]?.die(new Error('the socket was closed'));
    await settled();
    expect(leaseOf(waiter).id).toBe(2);
    expect(resources.begun.find(({ step }) => step === 'reset')?.signal.aborted).toBe(true);
  });

  test('while it is closed, or after, is no news', async () => {
    const { pool, resources } = poolUnderTest();
    resources.behave = behaving({ close: 'slow' });
    await fill(pool, 1);
    pool.recycleAll();
    await settled();
    const told = listen(pool);
    resources.all[0]?.die(new Error('the socket was closed'));
    expect(told).toEqual([]);
    resources.finish('close');
    await settled();
    resources.all[0]?.die(new Error('the socket was closed'));
    expect(told.map(({ name }) => name)).toEqual(['closed']);
    expect(pool.statistics().closedBy).toMatchObject({ recycled: 1, died: 0 });
  });
});

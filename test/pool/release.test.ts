import { describe, expect, test, vi } from 'vitest';
import { LeaseReleasedError } from '../../src/errors/call.js';
import { behaving, fill, leaseOf, lent, listen, microtasks, poolUnderTest, watch } from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

describe('a clean release', () => {
  test('is over when it returns: the connection is idle already', async () => {
    const { pool, resources } = poolUnderTest();
    const lease = await pool.acquire();
    lease.release();
    expect(pool.statistics()).toMatchObject({ leased: 0, idle: 1 });
    expect(resources.count('reset')).toBe(0);
  });

  test('serves the next in line before it returns', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    const waiter = watch(pool.acquire());
    lease.release();
    expect(pool.statistics()).toMatchObject({ leased: 1, waiting: 0 });
    await microtasks(1);
    expect(leaseOf(waiter).id).toBe(1);
  });
});

describe('a release of a connection that was changed', () => {
  test('resets it before anybody else gets it', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 1 });
    resources.behave = behaving({ reset: 'slow' });
    const lease = await pool.acquire();
    const { resource } = lease;
    resource.dirty = true;
    const waiter = watch(pool.acquire());
    lease.release();
    await settled();
    expect(pool.statistics()).toMatchObject({ resetting: 1, leased: 0, total: 1 });
    expect(waiter.state).toBe('pending');
    resources.finish('reset');
    await settled();
    expect(leaseOf(waiter).resource).toBe(resource);
    expect(resource.dirty).toBe(false);
    expect(pool.statistics()).toMatchObject({ resets: 1, opened: 1 });
  });

  test('closes it when it cannot be reset, and the next in line gets a new one', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 1 });
    resources.behave = behaving({ reset: 'fail' });
    const lease = await pool.acquire();
    lease.resource.dirty = true;
    const waiter = watch(pool.acquire());
    lease.release();
    await settled();
    expect(leaseOf(waiter).id).toBe(2);
    expect(pool.statistics()).toMatchObject({ resetsFailed: 1, closedBy: { 'reset-failed': 1 } });
  });

  test('closes it when the reset does not end within its deadline', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 1, resetTimeout: 200 });
    resources.behave = behaving({ reset: 'never' });
    const told = listen(pool);
    const lease = await pool.acquire();
    lease.resource.dirty = true;
    const waiter = watch(pool.acquire());
    lease.release();
    await clock.advance(199);
    expect(waiter.state).toBe('pending');
    await clock.advance(1);
    expect(leaseOf(waiter).id).toBe(2);
    expect(resources.begun.find(({ step }) => step === 'reset')?.signal.aborted).toBe(true);
    expect(told.find(({ name }) => name === 'resetFailed')?.event).toMatchObject({
      connection: 1,
      duration: 200,
      error: { step: 'resetting a connection', timeout: 200 },
    });
  });

  test('does not reset it when it is to be closed anyway', async () => {
    const { pool, resources } = poolUnderTest();
    const lease = await pool.acquire();
    lease.resource.dirty = true;
    lease.markForRecycling();
    lease.release();
    await settled();
    expect(resources.count('reset')).toBe(0);
    expect(pool.statistics().closedBy.recycled).toBe(1);
  });

  test('five times in a row with ten callers waiting starves none of them', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 2 });
    resources.behave = behaving({ reset: 'fail' });
    const leases = await lent(pool, 2);
    let broken = 0;
    const callers = Array.from({ length: 10 }, async () => {
      const lease = await pool.acquire();
      lease.resource.dirty = ++broken <= 5;
      lease.release();
    });
    for (const lease of leases) lease.release();
    await Promise.all(callers);
    await settled();
    expect(pool.statistics()).toMatchObject({ served: 12, resetsFailed: 5, leased: 0, waiting: 0 });
  });

  test('is no danger to the slot when the look at the connection itself goes wrong', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    vi.spyOn(resources, 'isClean').mockImplementationOnce(() => {
      throw new Error('cannot tell');
    });
    expect(() => lease.release()).not.toThrow();
    await settled();
    expect(pool.statistics().leased).toBe(0);
  });
});

describe('a second release', () => {
  test('changes nothing, is told each time, and takes the connection from nobody', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const told = listen(pool);
    const lease = await pool.acquire();
    lease.release();
    const other = await pool.acquire();
    await settled();
    told.length = 0;
    lease.release();
    lease.release();
    await settled();
    expect(told).toEqual([
      { name: 'releasedTwice', event: { connection: 1 } },
      { name: 'releasedTwice', event: { connection: 1 } },
    ]);
    expect(other.active).toBe(true);
    expect(pool.statistics()).toMatchObject({ releasedTwice: 2, leased: 1, idle: 0 });
  });

  test('while the connection is reset, closed, or long gone is harmless too', async () => {
    const { pool, resources } = poolUnderTest();
    resources.behave = behaving({ reset: 'slow' });
    const lease = await pool.acquire();
    lease.resource.dirty = true;
    lease.release();
    lease.release();
    await settled();
    resources.finish('reset', false);
    lease.release();
    await settled();
    lease.release();
    expect(pool.statistics()).toMatchObject({ releasedTwice: 3, resetsFailed: 1, total: 0 });
  });

  test('after the shutdown does nothing', async () => {
    const { pool } = poolUnderTest();
    const lease = await pool.acquire();
    lease.release();
    await pool.shutdown(0);
    lease.release();
    expect(pool.statistics()).toMatchObject({ state: 'closed', total: 0 });
  });
});

describe('a lease that ended', () => {
  test('gives nothing away any more, and says what to do', async () => {
    const { pool } = poolUnderTest();
    const lease = await pool.acquire();
    lease.release();
    expect(lease.active).toBe(false);
    expect(() => lease.resource).toThrow(LeaseReleasedError);
    expect(() => lease.resource).toThrow('the lease of connection 1 was released: acquire a new one');
  });

  test('cannot have the connection recycled under the next user', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    lease.release();
    const next = await pool.acquire();
    lease.markForRecycling();
    expect(next.markedForRecycling).toBe(false);
    next.release();
    expect(pool.statistics()).toMatchObject({ idle: 1, closed: 0 });
  });

  test('goes on to tell of its own loan, not of the next one', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    lease.release();
    const next = await pool.acquire();
    next.markForRecycling();
    expect({ uses: lease.uses, marked: lease.markedForRecycling }).toEqual({ uses: 1, marked: false });
  });
});

describe('markForRecycling()', () => {
  test('closes the connection at the release instead of lending it again', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const lease = await pool.acquire();
    lease.markForRecycling();
    expect(lease.markedForRecycling).toBe(true);
    expect(lease.active).toBe(true);
    lease.release();
    expect((await pool.acquire()).id).toBe(2);
  });

  test('called twice is called once', async () => {
    const { pool } = poolUnderTest();
    const lease = await pool.acquire();
    lease.markForRecycling();
    lease.markForRecycling();
    lease.release();
    await settled();
    expect(pool.statistics().closedBy.recycled).toBe(1);
  });
});

test('how long a lease was held and how often its connection was lent is told at its release', async () => {
  const { pool, clock } = poolUnderTest({ maxConnections: 1 });
  await fill(pool, 1);
  const told = listen(pool);
  const lease = await pool.acquire();
  expect(lease.uses).toBe(2);
  await clock.advance(250);
  lease.release();
  await settled();
  expect(told.at(-1)).toEqual({ name: 'released', event: { connection: 1, held: 250, uses: 2 } });
});

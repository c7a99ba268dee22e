import { describe, expect, test } from 'vitest';
import { AcquireFailedError } from '../../src/errors/acquire.js';
import type { Lease } from '../../src/pool/lease.js';
import {
  alwaysProbed,
  behaving,
  type FakeResource,
  fill,
  leaseOf,
  lent,
  listen,
  poolUnderTest,
  settled,
  watch,
} from '../support/pool-under-test.js';

const guest = { identity: { key: 'guest' } };
const visitor = { identity: { key: 'visitor' } };
const identityOf = (lease: Lease<FakeResource>): string => lease.resource.identity;

describe('a caller who asks for another identity', () => {
  test('gets a connection of it, opened for that when nothing is idle', async () => {
    const { pool, resources } = poolUnderTest();
    expect(identityOf(await pool.acquire(guest))).toBe('guest');
    expect(resources.count('change')).toBe(0);
    expect(pool.statistics()).toMatchObject({ opened: 1, reused: 0 });
  });

  test('gets the one it had before, as it is', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 3 });
    await fill(pool, 1);
    const mine = await pool.acquire(guest);
    await fill(pool, 1);
    mine.release();
    await fill(pool, 1);
    const again = await pool.acquire(guest);
    expect([again.id, identityOf(again)]).toEqual([mine.id, 'guest']);
    expect(resources.count('change'), 'only the first time').toBe(1);
  });

  test('gets the idle one that was used longest ago, made into one of its own, before another is opened', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 4 });
    const [oldest, newest] = await lent(pool, 2);
    oldest?.release();
    newest?.release();
    const lease = await pool.acquire(guest);
    expect([lease.id, identityOf(lease)]).toEqual([oldest?.id, 'guest']);
    expect(pool.statistics()).toMatchObject({ opened: 2, reused: 1, changes: 1, total: 2 });
    expect(resources.count('reset')).toBe(0);
  });

  test('waits in the same line as all others: the first to come is served first, of whatever identity', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    const [held] = await lent(pool, 1);
    const order: string[] = [];
    const served = (lease: Lease<FakeResource>): void => {
      order.push(identityOf(lease));
      lease.release();
    };
    const waiting = [guest, {}, visitor, guest, {}].map((options) => pool.acquire(options).then(served));
    held?.release();
    await Promise.all(waiting);
    expect(order).toEqual(['guest', 'home', 'visitor', 'guest', 'home']);
  });

  test('keeps its own place while it is served from several sides at once', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 3 });
    // Until an identity was had once, its connections are made one at a time.
    await pool.acquire(guest);
    const [one, two] = await lent(pool, 2);
    resources.behave = behaving({ change: 'slow' });
    const first = watch(pool.acquire(guest));
    const second = watch(pool.acquire(guest));
    const third = watch(pool.acquire());
    one?.release();
    expect(resources.count('change'), 'for the first').toBe(0);
    await settled();
    two?.release();
    await settled();
    expect([resources.count('change'), third.state]).toEqual([2, 'pending']);
    resources.finishAt(1, true);
    await settled();
    expect([first.state, second.state]).toEqual(['fulfilled', 'pending']);
    resources.finish('change');
    await settled();
    expect([second.state, third.state]).toEqual(['fulfilled', 'pending']);
    leaseOf(second).release();
    await settled();
    resources.finish('change');
    await settled();
    expect(identityOf(leaseOf(third))).toBe('home');
  });

  test('and gives up meanwhile leaves a good connection behind, which the next caller gets', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 1 });
    await fill(pool, 1);
    resources.behave = behaving({ change: 'slow' });
    const gone = watch(pool.acquire({ ...guest, timeout: 50 }));
    await clock.advance(50);
    expect(gone.state).toBe('rejected');
    resources.finish('change');
    resources.behave = behaving({});
    await settled();
    expect(identityOf(await pool.acquire(guest))).toBe('guest');
    expect(resources.count('change')).toBe(1);
  });
});

describe('an identity that is refused', () => {
  test('fails the callers who wait for it and no others, and costs no connection', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 1 });
    const told = listen(pool);
    const [held] = await lent(pool, 1);
    const refused = [watch(pool.acquire(guest)), watch(pool.acquire(guest))];
    const other = watch(pool.acquire());
    resources.behave = behaving({ change: 'fatal' });
    held?.release();
    await settled();
    for (const acquire of refused) expect(acquire.error).toBeInstanceOf(AcquireFailedError);
    expect(identityOf(leaseOf(other))).toBe('home');
    expect(pool.statistics()).toMatchObject({ opened: 1, closed: 0, failed: 2, changes: 0, changesFailed: 1 });
    expect(told.map(({ name }) => name)).toContain('changeFailed');
    expect(pool.snapshot().lastOpenError, 'others are not told of it').toBeUndefined();
  });

  test('while it is being opened fails the callers who wait for it and no others', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 2, maxConnecting: 1 });
    resources.behave = behaving({ open: 'slow' });
    const refused = watch(pool.acquire(guest));
    const other = watch(pool.acquire());
    await settled();
    resources.behave = behaving({ open: 'fatal' });
    // The slow opening is the guest's.
    resources.finish('open', false);
    await settled();
    expect([refused.state, other.state]).toEqual(['pending', 'pending']);
  });

  test('does not keep the pool from its minimum, nor from the next caller', async () => {
    const { pool, clock, resources } = poolUnderTest({ minConnections: 1, warmConnections: true });
    resources.behave = behaving({ open: 'fatal' });
    await expect(pool.acquire(guest)).rejects.toThrow(AcquireFailedError);
    resources.behave = behaving({});
    await pool.start(0);
    await clock.advance(1);
    expect(pool.statistics()).toMatchObject({ idle: 1, openFailed: 1 });
    expect(identityOf(await pool.acquire(guest))).toBe('guest');
  });
});

describe('a change that fails', () => {
  test('closes the connection, and the caller gets another', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 2 });
    await fill(pool, 1);
    resources.behave = behaving({ change: 'fail' });
    const lease = await pool.acquire(guest);
    expect([lease.id, identityOf(lease)]).toEqual([2, 'guest']);
    expect(pool.statistics().closedBy['reset-failed']).toBe(1);
  });

  test('by never ending is given up at its deadline', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 2, resetTimeout: 200 });
    await fill(pool, 1);
    resources.behave = behaving({ change: 'never' });
    const acquire = watch(pool.acquire(guest));
    await clock.advance(200);
    expect(acquire.state, 'an identity that was silent has a pause').toBe('pending');
    await clock.advance(1000);
    expect(identityOf(leaseOf(acquire))).toBe('guest');
    expect(pool.statistics()).toMatchObject({ changesFailed: 1, closedBy: { 'reset-failed': 1 } });
  });

  test('under a shutdown is given up at once', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 1 });
    await fill(pool, 1);
    resources.behave = behaving({ change: 'never' });
    const acquire = watch(pool.acquire(guest));
    await settled();
    const report = await pool.shutdown(30_000);
    expect([acquire.state, report.closed]).toEqual(['rejected', 1]);
  });
});

test('connections of all identities grow old together: the one used longest ago goes first, of whatever identity', async () => {
  const { pool, clock } = poolUnderTest({ maxConnections: 3, idleTimeout: 3000 });
  const leases = [await pool.acquire(), await pool.acquire(guest), await pool.acquire(visitor)];
  for (const lease of leases) {
    lease.release();
    await clock.advance(10);
  }
  const closing: number[] = [];
  pool.events.subscribe('closing', ({ connection }) => closing.push(connection));
  await clock.advance(10_000);
  expect(closing).toEqual(leases.map(({ id }) => id));
});

test('an idle connection is probed for its own identity, but made into another without a probe', async () => {
  const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 1 });
  await fill(pool, 1);
  (await pool.acquire(guest)).release();
  expect([resources.count('probe'), resources.count('change')]).toEqual([0, 1]);
  (await pool.acquire(guest)).release();
  expect([resources.count('probe'), resources.count('change')]).toEqual([1, 1]);
});

test('a thousand identities, one after the other, leave nothing of themselves behind', async () => {
  const { pool } = poolUnderTest({ maxConnections: 2 });
  for (let number = 0; number < 1000; number++) {
    const lease = await pool.acquire({ identity: { key: `tenant ${number}` } });
    expect(identityOf(lease)).toBe(`tenant ${number}`);
    lease.release();
  }
  expect(pool.statistics()).toMatchObject({ total: 1, changes: 999, identities: 1 });
  pool.recycleAll();
  expect(pool.statistics()).toMatchObject({ total: 0, identities: 0 });
});

describe('a connection that was switched', () => {
  /** A pool of one whose changes take 10 ms, with a waiter of another identity in the line. */
  async function switched() {
    const world = poolUnderTest({ maxConnections: 1, connectionTimeout: 0 });
    const { pool, clock, resources } = world;
    resources.behave = behaving({ change: 'slow' });
    const [home] = await lent(pool, 1);
    const guest = watch(pool.acquire({ identity: { key: 'guest' } }));
    home?.release();
    await clock.advance(10);
    resources.finishAt(0, true);
    await settled();
    const other = watch(pool.acquire({ identity: { key: 'other' } }));
    return { ...world, guest: leaseOf(guest), other };
  }

  test('stays with its identity for twice as long, for callers who come back at once', async () => {
    const { pool, clock, guest, other } = await switched();
    // The answer reaches its caller only after the connection was given back.
    guest.release();
    await Promise.resolve();
    const again = watch(pool.acquire({ identity: { key: 'guest' } }));
    await settled();
    expect([again.value?.active, other.value]).toEqual([true, undefined]);
    const third = watch(pool.acquire({ identity: { key: 'guest' } }));
    await clock.advance(19);
    leaseOf(again).release();
    await settled();
    expect([third.value?.active, other.value]).toEqual([true, undefined]);
    const fourth = watch(pool.acquire({ identity: { key: 'guest' } }));
    await clock.advance(1);
    leaseOf(third).release();
    await settled();
    expect([fourth.value, pool.statistics().resetting]).toEqual([undefined, 1]);
  });

  test('goes on to the next identity in the same turn when none of its callers comes back', async () => {
    const { pool, resources, guest, other } = await switched();
    guest.release();
    await settled();
    expect(pool.statistics()).toMatchObject({ resetting: 1, idle: 0 });
    resources.finishAt(0, true);
    await settled();
    expect(other.value?.active).toBe(true);
  });

  test('goes to a tenant below its reserve at once', async () => {
    const { pool, clock, guest, other } = await switched();
    const reserved = pool.addTenant('reserved', { reserve: 1 });
    const first = watch(pool.acquire({ identity: { key: 'owed' }, tenant: reserved }));
    const again = watch(pool.acquire({ identity: { key: 'guest' } }));
    guest.release();
    await settled();
    await clock.advance(1);
    expect([again.value, other.value, pool.statistics().resetting]).toEqual([undefined, undefined, 1]);
    expect(first.error).toBeUndefined();
  });
});

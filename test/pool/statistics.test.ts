import { describe, expect, test } from 'vitest';
import {
  alwaysProbed,
  behaving,
  expectBalance,
  fill,
  leaseOf,
  lent,
  poolUnderTest,
  watch,
} from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

test('a new pool is all zeros, and nothing in its statistics is NaN', () => {
  const { pool } = poolUnderTest({ minConnections: 1, maxConnections: 4 });
  const zero = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
  const none = { ...zero, lastMinute: zero };
  const { state, minConnections, maxConnections, closedBy, waitTime, leaseTime, openTime, ...counts } =
    pool.statistics();
  expect({ state, minConnections, maxConnections }).toEqual({ state: 'running', minConnections: 1, maxConnections: 4 });
  expect([waitTime, leaseTime, openTime]).toEqual([none, none, none]);
  expect(new Set([...Object.values(counts), ...Object.values(closedBy)])).toEqual(new Set([0]));
});

test('the parts are the whole in every state a connection can be in', async () => {
  const { pool, resources } = poolUnderTest({ ...alwaysProbed, maxConnections: 5 });
  const [first, second, third, fourth] = await lent(pool, 4);
  resources.behave = behaving({ open: 'slow', probe: 'slow', reset: 'slow', close: 'slow' });
  if (first !== undefined) first.resource.dirty = true;
  first?.release();
  second?.markForRecycling();
  second?.release();
  third?.release();
  for (let count = 0; count < 4; count++) pool.acquire().catch(() => {});
  await settled();
  expect(pool.statistics()).toMatchObject({
    total: 5,
    leased: 1,
    resetting: 1,
    closing: 1,
    validating: 1,
    opening: 2,
    idle: 0,
    waiting: 4,
  });
  expectBalance(pool);
  expect(fourth?.active).toBe(true);
});

test('every acquire that was started is accounted for: served, ended otherwise, or still waiting', async () => {
  const { pool, clock, resources } = poolUnderTest({ maxConnections: 1, maxWaiters: 3 });
  const abort = new AbortController();
  const lease = await pool.acquire();
  const outcomes = [
    watch(pool.acquire({ timeout: 10 })),
    watch(pool.acquire({ signal: abort.signal })),
    watch(pool.acquire()),
    watch(pool.acquire()),
  ];
  abort.abort();
  await clock.advance(10);
  expectBalance(pool);
  expect(pool.statistics()).toMatchObject({
    started: 5,
    served: 1,
    timedOut: 1,
    aborted: 1,
    refused: 1,
    refusedQueueFull: 1,
    refusedShutdown: 0,
    waiting: 1,
  });
  resources.behave = behaving({ open: 'fatal' });
  lease.markForRecycling();
  lease.release();
  await settled();
  await pool.shutdown(0);
  pool.acquire().catch(() => {});
  expectBalance(pool);
  expect(pool.statistics()).toMatchObject({ started: 6, failed: 1, refused: 2, refusedShutdown: 1, waiting: 0 });
  expect(outcomes.map(({ state }) => state)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
});

test('reused counts those who got a connection that was there before them', async () => {
  const { pool } = poolUnderTest({ maxConnections: 1 });
  const first = await pool.acquire();
  const waiter = pool.acquire();
  first.release();
  (await waiter).release();
  await fill(pool, 1);
  expect(pool.statistics()).toMatchObject({ served: 3, reused: 2 });
});

describe('the histograms', () => {
  test('hold how long callers waited who were served, and 0 for those served at once', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 1 });
    resources.behave = behaving({ open: 'slow' });
    const acquire = pool.acquire();
    await clock.advance(40);
    resources.finish('open');
    (await acquire).release();
    (await pool.acquire()).release();
    const { waitTime, openTime } = pool.statistics();
    expect(waitTime).toMatchObject({ count: 2, mean: 20, p50: 0, max: 40 });
    expect(openTime).toMatchObject({ count: 1, mean: 40, p99: 40, max: 40 });
  });

  test('hold how long callers waited who timed out, were aborted, refused or failed', async () => {
    const { pool, clock, resources } = poolUnderTest({ maxConnections: 1, maxWaiters: 4 });
    const lease = await pool.acquire();
    const abort = new AbortController();
    const failed = { key: 'refused by the server' };
    const waiting = [
      watch(pool.acquire({ timeout: 1000 })),
      watch(pool.acquire({ signal: abort.signal })),
      watch(pool.acquire({ identity: failed })),
      watch(pool.acquire()),
    ];
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    await clock.advance(1000);
    await clock.advance(1000);
    abort.abort();
    resources.behave = behaving({ change: 'fatal' });
    lease.release();
    await clock.advance(1000);
    void pool.shutdown(0);
    await settled();
    expect(waiting.map(({ state }) => state)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
    const { waitTime, started } = pool.statistics();
    // The lease and the refused caller did not wait; the others did, for 1, 2, 2 and 2 seconds.
    expect(waitTime).toMatchObject({ count: started, mean: 7000 / 6, max: 2000 });
  });

  test('of the last minute show an incident that the quiet day before it hides in the total', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 1 });
    for (let acquire = 0; acquire < 10_000; acquire++) (await pool.acquire()).release();
    await clock.advance(60 * 60_000);
    const lease = await pool.acquire();
    const callers = Array.from({ length: 40 }, () => watch(pool.acquire({ timeout: 3000 })));
    await clock.advance(3000);
    expect(callers.every(({ state }) => state === 'rejected')).toBe(true);
    lease.release();
    const { waitTime } = pool.statistics();
    expect(waitTime.p99).toBe(0);
    expect(waitTime.lastMinute).toMatchObject({ count: 41, p50: 3000, p90: 3000, p99: 3000 });
    await clock.advance(70_000);
    expect(pool.statistics().waitTime).toMatchObject({ count: 10_041, max: 3000, lastMinute: { count: 0, max: 0 } });
  });

  test('hold how long connections were held', async () => {
    const { pool, clock } = poolUnderTest();
    for (const held of [10, 30]) {
      const lease = await pool.acquire();
      await clock.advance(held);
      lease.release();
    }
    expect(pool.statistics().leaseTime).toMatchObject({ count: 2, mean: 20, max: 30 });
  });

  test('leave out the attempts to open that failed', async () => {
    const { pool, resources } = poolUnderTest();
    resources.behave = behaving({ open: 'fatal' });
    await pool.acquire().catch(() => {});
    expect(pool.statistics()).toMatchObject({ openFailed: 1, opened: 0, openTime: { count: 0 } });
  });
});

test('the oldest waiter is the one at the head of the queue', async () => {
  const { pool, clock } = poolUnderTest({ maxConnections: 1 });
  const lease = await pool.acquire();
  const abort = new AbortController();
  pool.acquire({ signal: abort.signal }).catch(() => {});
  await clock.advance(100);
  pool.acquire().catch(() => {});
  await clock.advance(20);
  expect(pool.statistics()).toMatchObject({ waiting: 2, oldestWaiter: 120 });
  abort.abort();
  expect(pool.statistics()).toMatchObject({ waiting: 1, oldestWaiter: 20 });
  lease.release();
});

test('closed is the sum of its reasons', async () => {
  const { pool, resources } = poolUnderTest({ maxConnections: 4 });
  const [first, second, third] = await lent(pool, 4);
  first?.markForRecycling();
  first?.release();
  resources.all.find(({ id }) => id === second?.id)?.die(new Error('gone'));
  second?.release();
  third?.release();
  pool.resize({ maxConnections: 1 });
  await pool.shutdown(0);
  expect(pool.statistics()).toMatchObject({
    closed: 4,
    closedBy: { recycled: 1, died: 1, resized: 1, aborted: 1, idle: 0, lifetime: 0 },
  });
});

test('statistics once read do not change any more', async () => {
  const { pool } = poolUnderTest();
  const before = pool.statistics();
  const copy = structuredClone(before);
  await fill(pool, 2);
  await pool.shutdown(0);
  expect(before).toEqual(copy);
});

test('the snapshot shows the same numbers in short, and why nothing can be opened while that is so', async () => {
  const { pool, clock, resources } = poolUnderTest({ maxConnections: 2 });
  const lease = await pool.acquire();
  expect(pool.snapshot()).toEqual({
    pool: 'test',
    state: 'running',
    maxConnections: 2,
    idle: 0,
    leased: 1,
    opening: 0,
    validating: 0,
    resetting: 0,
    closing: 0,
    waiting: 0,
  });
  resources.behave = behaving({ open: 'fail' });
  const waiter = watch(pool.acquire());
  await settled();
  expect(pool.snapshot()).toMatchObject({ leased: 1, waiting: 1, lastOpenError: 'open failed' });
  resources.behave = behaving({});
  await clock.advance(100);
  // An opening proves little: the first answered call does.
  leaseOf(waiter).release();
  expect(pool.snapshot()).not.toHaveProperty('lastOpenError');
  lease.release();
});

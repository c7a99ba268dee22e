import { expect, test, vi } from 'vitest';
import { createPool, PoolShutdownError } from '../../src/index.js';
import { behaving, watch } from '../support/pool-under-test.js';
import { asked, place, surroundings } from '../support/surroundings.js';
import { settled } from '../support/virtual-clock.js';
import { endsWell, expectNoMoreThan, held, scenario } from './ending.js';

const own = surroundings();

test('scenario 20: a shutdown closes what is idle and refuses who waits at once, lets what is in use finish until its deadline, aborts and names the rest, and is one however often it is asked for', async () => {
  const front = await own.listen();
  const before = held();
  const pool = await own.connect(front, { minConnections: 3, maxConnections: 3 });
  await vi.waitFor(() => expect(pool.poolStats().idle).toBe(3));
  const [quick, slow] = [await pool.acquire(), await pool.acquire()];
  front.onRequest = ({ params }) => (params[0] === 'RETURN "stuck"' ? 'swallow' : 'pass');
  const stuck = slow.query('RETURN "stuck"').collect();
  stuck.catch(() => {});
  await vi.waitFor(() => expect(asked(front, 'query')).toBe(1));

  const report = pool.shutdown({ gracePeriod: 300 });
  const again = pool.shutdown({ gracePeriod: 0 });
  await expect(pool.acquire()).rejects.toThrow(PoolShutdownError);
  await vi.waitFor(() => expect(front.connections, 'the idle one is gone').toBe(2));
  expect(await quick.query('RETURN "still at work"')).toEqual(['still at work']);
  quick.release();
  expect(await report).toMatchObject({
    refused: 0,
    drained: 1,
    aborted: [{ connection: slow.id, uses: 1 }],
    closed: 3,
  });
  expect(await again).toBe(await report);
  await expect(stuck).rejects.toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' });
  await vi.waitFor(() => expect(front.connections).toBe(0));
  await endsWell(pool, before);
});

test('scenario 20: a shutdown refuses whoever waits in the moment it is asked for', async () => {
  const front = await own.listen();
  const before = held();
  const pool = await own.connect(front, { maxConnections: 1, connectionTimeout: null });
  const lease = await pool.acquire();
  const waiters = [pool.acquire(), pool.acquire(), pool.query('RETURN 1').collect()];
  const outcomes = Promise.allSettled(waiters);
  await vi.waitFor(() => expect(pool.poolStats().waiting).toBe(3));
  const report = pool.shutdown();
  expect(pool.poolStats().waiting).toBe(0);
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_POOL_SHUTDOWN' } });
  }
  expect(await lease.query('RETURN 1'), 'who works works on').toEqual([1]);
  lease.release();
  expect(await report).toMatchObject({ refused: 3, drained: 1, aborted: [] });
  await endsWell(pool, before);
});

test('scenario 20: a shutdown with a connect in flight that is never answered gives it up', async () => {
  const front = await own.listen();
  const before = held();
  const pool = await own.connect(front, { maxConnections: 2, openTimeout: '60s', closeTimeout: '60s' });
  const lease = await pool.acquire();
  front.blackHole = true;
  const waiter = pool.acquire();
  waiter.catch(() => {});
  await vi.waitFor(() => expect(pool.poolStats().opening).toBe(1));
  const report = pool.shutdown();
  await expect(waiter).rejects.toThrow(PoolShutdownError);
  lease.release();
  expect(await report).toMatchObject({ refused: 1, drained: 1, closed: 1 });
  await endsWell(pool, before);
});

test('scenario 20: a shutdown during the start ends the start with its reason, and closes what still arrives', async () => {
  const { pool, clock, resources } = scenario({ minConnections: 3, warmConnections: true, maxConnections: 3 });
  resources.behave = behaving({ open: 'slow' });
  const start = watch(pool.start(3));
  const waiter = watch(pool.acquire());
  await settled();
  expect(pool.statistics().opening).toBe(3);
  const report = watch(pool.shutdown(1000));
  await settled();
  expect([start, waiter].map(({ error }) => error)).toEqual([
    expect.any(PoolShutdownError),
    expect.any(PoolShutdownError),
  ]);
  while (resources.finish('open')) await settled();
  await clock.advance(0);
  expect(report.value).toMatchObject({ refused: 1, drained: 0, aborted: [] });
  expect(resources.all.map(({ closeCalls }) => closeCalls)).toEqual([1, 1, 1]);
});

test('scenario 20: a start that fails leaves no socket and no timer', async () => {
  const front = await own.listen();
  const before = held();
  front.refuse = true;
  const start = createPool(front.url, { ...place, retryPolicy: { maxAttempts: 2, initialBackoff: 1 } });
  await expect(start).rejects.toMatchObject({ code: 'ERR_POOL_CONNECT' });
  await expectNoMoreThan(before);
});

import { describe, expect, test } from 'vitest';
import { LeaseReleasedError } from '../../src/errors/call.js';
import type { Behaviour } from '../support/fake-resources.js';
import { alwaysProbed, behaving, leaseOf, lent, microtasks, watch } from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';
import { scenario } from './ending.js';

const behaviours: readonly Behaviour[] = ['ok', 'fail', 'slow', 'never'];
const steps = ['open', 'probe', 'reset', 'close'] as const;

describe('scenario 4: callers who give up at every point of the wait cost no slot', () => {
  const cases = steps.flatMap((step) => behaviours.map((behaviour) => [step, behaviour] as const));

  test.each(cases)('while a connection that has to %s answers with %s', async (step, behaviour) => {
    const { pool, clock, resources } = scenario({ ...alwaysProbed, maxConnections: 2 });
    (await pool.acquire()).release();
    resources.behave = behaving({ [step]: behaviour });
    // Each gives up some turns of the microtask queue after it came; `settled` is past them all.
    for (const turns of [0, 1, 2, 3, 4, 5, 6, 8, 12, 'settled'] as const) {
      const abort = new AbortController();
      const acquire = pool.acquire({ signal: abort.signal, timeout: 700 });
      const caller = watch(acquire);
      await (turns === 'settled' ? settled() : microtasks(turns));
      abort.abort();
      await settled();
      expect(caller.state).not.toBe('pending');
      if (caller.value === undefined) continue;
      caller.value.resource.dirty = true;
      caller.value.release();
      await settled();
      resources.finish(step, turns !== 2);
    }
    resources.behave = behaving({});
    while (resources.finishAt(0, true)) await settled();
    await clock.advance(1000);
    for (const lease of await lent(pool, 2)) lease.release();
  });
});

describe('scenario 5: a waiter times out in the very tick in which a connection comes back', () => {
  test('before its timer fires: it is served, and nobody has two', async () => {
    const { pool, clock } = scenario({ maxConnections: 1 });
    const lease = await pool.acquire();
    clock.timer(100, true, () => lease.release());
    const first = watch(pool.acquire({ timeout: 100 }));
    const second = watch(pool.acquire());
    await clock.advance(100);
    expect([first.state, second.state]).toEqual(['fulfilled', 'pending']);
    leaseOf(first).release();
    await settled();
    leaseOf(second).release();
  });

  test('after its timer fired: the next waiter gets the connection', async () => {
    const { pool, clock } = scenario({ maxConnections: 1 });
    const lease = await pool.acquire();
    const first = watch(pool.acquire({ timeout: 100 }));
    clock.timer(100, true, () => lease.release());
    const second = watch(pool.acquire());
    await clock.advance(100);
    expect([first.state, second.state]).toEqual(['rejected', 'fulfilled']);
    leaseOf(second).release();
  });

  test('and no other caller waits: the connection is idle', async () => {
    const { pool, clock } = scenario({ maxConnections: 1 });
    const lease = await pool.acquire();
    const waiter = watch(pool.acquire({ timeout: 100 }));
    clock.timer(100, true, () => lease.release());
    await clock.advance(100);
    expect(waiter.state).toBe('rejected');
    expect(pool.statistics()).toMatchObject({ idle: 1, waiting: 0, timedOut: 1 });
  });
});

test.each([
  [1_000, 'fulfilled'],
  [700, 'rejected'],
  [1, 'rejected'],
] as const)(
  'scenario 5: a waiter of %i ms behind a loop that was blocked for 1.5 s is %s: it is served late, but not twice its time',
  async (timeout, state) => {
    const { pool, clock } = scenario({ maxConnections: 1 });
    const lease = await pool.acquire();
    clock.timer(0, true, () => lease.release());
    const waiter = watch(pool.acquire({ timeout }));
    const patient = watch(pool.acquire());
    await clock.leap(1_500);
    expect([waiter.state, patient.state]).toEqual([state, state === 'fulfilled' ? 'pending' : 'fulfilled']);
    waiter.value?.release();
    await settled();
    leaseOf(patient).release();
  },
);

test.each<[what: string, breakIt: (lease: { resource: { die(error: unknown): void; dirty: boolean } }) => void]>([
  ['died in use', ({ resource }) => resource.die(new Error('gone'))],
  [
    'cannot be reset',
    ({ resource }) => {
      resource.dirty = true;
    },
  ],
])(
  'scenario 13: five connections in a row that %s come back while ten wait: nobody starves, and all are served in their order',
  async (_what, breakIt) => {
    const { pool, resources } = scenario({ maxConnections: 5, maxConnecting: 1 });
    const leases = await lent(pool, 5);
    const order: number[] = [];
    const waiters = Array.from({ length: 10 }, async (_, index) => {
      const lease = await pool.acquire();
      order.push(index);
      await settled();
      lease.release();
    });
    resources.behave = behaving({ reset: 'fail' });
    for (const lease of leases) {
      breakIt(lease);
      lease.release();
    }
    await Promise.all(waiters);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(pool.statistics()).toMatchObject({ opened: 10, closed: 5, timedOut: 0, failed: 0 });
  },
);

test('scenario 19: a second release, one beside another pool, one after the shutdown and a use after the release are no-ops or typed errors, and move no count', async () => {
  const { pool } = scenario();
  const other = scenario();
  const lease = await pool.acquire();
  const next = watch(pool.acquire());
  const third = watch(pool.acquire());
  const foreign = await other.pool.acquire();
  await settled();

  lease.release();
  await settled();
  expect(third.state).toBe('fulfilled');
  const { releasedTwice: _, ...before } = pool.statistics();
  lease.release();
  lease.markForRecycling();
  expect(() => lease.resource).toThrow(LeaseReleasedError);
  await settled();
  expect(pool.statistics(), 'who has the connection now keeps it').toMatchObject({ ...before, releasedTwice: 1 });
  expect(leaseOf(third).active).toBe(true);
  // A lease knows its own pool: the numbers of connections may be the same, the release is not.
  expect(foreign.id).toBe(leaseOf(third).id);
  foreign.release();
  expect(pool.statistics()).toMatchObject(before);
  expect(other.pool.statistics()).toMatchObject({ idle: 1, leased: 0 });

  leaseOf(next).release();
  const shutdown = watch(pool.shutdown(0));
  await settled();
  expect(shutdown.value?.aborted).toHaveLength(1);
  const closed = pool.statistics();
  leaseOf(third).release();
  leaseOf(third).release();
  expect(() => leaseOf(third).resource).toThrow(LeaseReleasedError);
  await settled();
  expect(pool.statistics()).toEqual(closed);
});

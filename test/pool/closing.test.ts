import { describe, expect, test } from 'vitest';
import { behaving, fill, leaseOf, lent, listen, poolUnderTest, watch } from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

describe('closing', () => {
  test('does not keep the place of a connection, but is capped: with more closing than there may be, opening waits', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 3 });
    resources.behave = behaving({ close: 'slow' });
    for (const closing of [3, 6]) {
      const leases = await lent(pool, 3);
      for (const lease of leases) lease.markForRecycling();
      for (const lease of leases) lease.release();
      expect(pool.statistics()).toMatchObject({ total: 0, closing });
    }
    const callers = Array.from({ length: 3 }, () => watch(pool.acquire()));
    await settled();
    expect(pool.statistics()).toMatchObject({ total: 0, closing: 6, waiting: 3 });
    for (let count = 0; count < 3; count++) resources.finish('close');
    await settled();
    expect(callers.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect(pool.statistics()).toMatchObject({ total: 3, closing: 3 });
  });

  test('of a connection never keeps a caller waiting while there is room for another', async () => {
    const { pool, resources } = poolUnderTest({ maxConnections: 2 });
    resources.behave = behaving({ close: 'never' });
    await fill(pool, 1);
    pool.recycleAll();
    const caller = watch(pool.acquire());
    await settled();
    expect(leaseOf(caller).id).toBe(2);
    expect(pool.statistics().closing).toBe(1);
  });

  test('that never ends is given up at its deadline, said, and told to use force', async () => {
    const { pool, clock, resources } = poolUnderTest({ closeTimeout: 300 });
    resources.behave = behaving({ close: 'never' });
    await fill(pool, 1);
    const told = listen(pool);
    pool.recycleAll();
    await clock.advance(299);
    expect(pool.statistics()).toMatchObject({ closing: 1, closed: 0 });
    await clock.advance(1);
    expect(pool.statistics()).toMatchObject({ closing: 0, closed: 1 });
    expect(resources.begun.at(-1)).toMatchObject({ step: 'close', signal: { aborted: true } });
    expect(told.at(-1)).toMatchObject({
      name: 'closed',
      event: { connection: 1, duration: 300, error: { step: 'closing a connection', timeout: 300 } },
    });
  });

  test('that fails is said, and the connection is gone all the same', async () => {
    const { pool, resources } = poolUnderTest();
    resources.behave = behaving({ close: 'fail' });
    await fill(pool, 1);
    const told = listen(pool);
    pool.recycleAll();
    await settled();
    expect(told.at(-1)).toMatchObject({ name: 'closed', event: { error: { message: 'close failed' } } });
    expect(pool.statistics()).toMatchObject({ closing: 0, total: 0, closed: 1 });
  });
});

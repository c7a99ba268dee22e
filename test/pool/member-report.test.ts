import { expect, test } from 'vitest';
import { poolUnderTest } from '../support/pool-under-test.js';

test('a connection that goes from caller to caller without a pause is held for as long as its last lease', async () => {
  const { pool, clock } = poolUnderTest({ maxConnections: 1 });
  const first = pool.acquire();
  await clock.advance(10);
  const second = pool.acquire();
  await clock.advance(1_000);
  expect(pool.members()).toMatchObject([{ state: 'leased', stateFor: expect.closeTo(1_010, -2) }]);
  (await first).release();
  await second;
  await clock.advance(30);
  expect(pool.members()).toMatchObject([{ state: 'leased', stateFor: 30 }]);
  (await second).release();
  await clock.advance(5);
  expect(pool.members()).toMatchObject([{ state: 'idle', stateFor: 5 }]);
});

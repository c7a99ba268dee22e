import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { wrongCredentials } from '../support/rpc-errors.js';
import { asked, surroundings } from '../support/surroundings.js';

const own = surroundings();
const credentials = { username: 'root', password: 'secret' };

test('what one server says of the credentials is not held against another that waits for the token', async () => {
  const [refusing, serving] = [await own.listen({ auth: true }), await own.listen({ auth: true })];
  // One sign-in is for all: the second connection waits for the first one's.
  refusing.onRequest = async ({ method }) => {
    if (method !== 'signin') return 'pass';
    await vi.waitFor(() => expect(asked(serving, 'attach')).toBeGreaterThan(0), 10_000);
    await sleep(100);
    return { error: wrongCredentials };
  };
  serving.onRequest = async ({ method }): Promise<'pass'> => {
    if (method === 'attach') await vi.waitFor(() => expect(asked(refusing, 'signin')).toBeGreaterThan(0), 10_000);
    return 'pass';
  };
  const pool = await own.pool([refusing.url, serving.url], {
    ...{ credentials, failFast: false, minConnections: 2, maxConnections: 2 },
  });
  const callers = Array.from({ length: 4 }, () => pool.query('RETURN 1').collect());
  expect(await Promise.allSettled(callers)).toEqual(callers.map(() => ({ status: 'fulfilled', value: [1] })));
  expect(pool.endpoints().map(({ connections }) => connections)).toEqual([0, expect.any(Number)]);
});

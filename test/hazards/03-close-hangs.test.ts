import { expect, test, vi } from 'vitest';
import { bareSdk } from '../support/bare.js';
import type { Front } from '../support/front.js';
import { isPending } from '../support/pending.js';
import { asked, place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const bare = bareSdk();

async function frontThatAnswersNoQuery(): Promise<Front> {
  const front = await own.listen();
  front.onRequest = ({ method }) => (method === 'query' ? 'swallow' : 'pass');
  return front;
}

test('close() of the SDK by itself leaves a call in flight pending', async ({ skip }) => {
  const front = await frontThatAnswersNoQuery();
  const client = await bare.connect(front.url, { ...place, reconnect: false });
  const call = client.query('RETURN 1').collect();
  call.catch(() => {});
  await vi.waitFor(() => expect(asked(front, 'query')).toBe(1));
  await client.close();
  expect(client.status).toBe('disconnected');
  skip(!(await isPending(call)), 'the SDK no longer leaves calls in flight open when it closes');
});

test('a shutdown of the pool settles every call in flight and every caller that waits', async () => {
  const front = await frontThatAnswersNoQuery();
  // One call at a time, so that the second has to wait on every server.
  const pool = await own.connect(front, { maxConnections: 1, pipelining: 1 });
  const call = pool.query('RETURN 1').collect();
  const waiting = pool.query('RETURN 2').collect();
  const outcomes = Promise.allSettled([call, waiting]);
  await vi.waitFor(() => expect(asked(front, 'query')).toBe(1));
  await pool.shutdown({ gracePeriod: 0 });

  expect(await outcomes).toMatchObject([
    { status: 'rejected', reason: { code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' } },
    { status: 'rejected', reason: { code: 'ERR_POOL_SHUTDOWN' } },
  ]);
});

test('a pool with a queryTimeout settles a call that is never answered, and goes on', async () => {
  const front = await frontThatAnswersNoQuery();
  const pool = await own.connect(front, { maxConnections: 1, queryTimeout: 100 });
  await expect(pool.query('RETURN 1').collect()).rejects.toMatchObject({
    code: 'ERR_POOL_QUERY_TIMEOUT',
    outcome: 'unknown',
  });
  front.onRequest = () => 'pass';
  expect(await pool.query('RETURN 1')).toEqual([1]);
});

import { expect, test } from 'vitest';
import { bareSdk } from '../support/bare.js';
import type { Front } from '../support/front.js';
import { asked, place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const bare = bareSdk();

/** The first query is executed and its reply is lost with the socket; all goes well afterwards. */
async function frontThatLosesOneReply(): Promise<Front> {
  const front = await own.listen();
  front.onRequest = ({ method }) => (method === 'query' && asked(front, 'query') === 1 ? 'drop' : 'pass');
  return front;
}

async function countThings(): Promise<unknown> {
  const [count] = await own.engine.query('RETURN count(SELECT * FROM thing)', place);
  return count;
}

test('the SDK by itself sends a call again after its reply was lost, so that one CREATE makes two records', async ({
  skip,
}) => {
  const front = await frontThatLosesOneReply();
  // Its default but for the pause, which would be two seconds.
  const client = await bare.connect(front.url, { ...place, reconnect: { enabled: true, retryDelay: 10 } });
  const [outcome] = await Promise.allSettled([client.query('CREATE thing').collect()]);
  if ((await countThings()) === 1) skip('the SDK no longer sends a call again whose reply was lost');

  expect(outcome).toMatchObject({ status: 'fulfilled' });
  expect(asked(front, 'query')).toBe(2);
  expect(await countThings()).toBe(2);
});

test('the pool never sends a call twice: it fails the call, says that it may have been executed, and goes on', async () => {
  const front = await frontThatLosesOneReply();
  const pool = await own.connect(front);
  await expect(pool.query('CREATE thing').collect()).rejects.toMatchObject({
    code: 'ERR_POOL_CONNECTION_LOST',
    outcome: 'unknown',
  });
  // The connection that replaces the lost one brings nothing along.
  expect(await pool.query('RETURN 1')).toEqual([1]);
  expect(asked(front, 'query')).toBe(2);
  expect(await countThings()).toBe(1);
});

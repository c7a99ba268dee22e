import { StringRecordId } from 'surrealdb';
import { describe, expect, inject, test } from 'vitest';
import { UsageError } from '../../src/index.js';
import { bareSdk } from '../support/bare.js';
import type { Front, RequestHook } from '../support/front.js';
import { isPending } from '../support/pending.js';
import { place, surroundings } from '../support/surroundings.js';

// A server that cannot read a message says so without the number of the call, which is in the message. It cannot read one
// with a StringRecordId that is no record id.

const own = surroundings();
const bare = bareSdk();

const text = 'RETURN $id';
const bindings = { id: new StringRecordId('a:`') };

// The engine behind a front is given the values themselves, and has nothing to read.
const asServer: RequestHook = ({ method, params }) =>
  inject('server') === undefined && method === 'query' && params[0] === text ? 'unread' : 'pass';

async function listen(): Promise<Front> {
  const front = await own.listen();
  front.onRequest = asServer;
  return front;
}

test('with the SDK by itself its caller waits for ever', async ({ skip }) => {
  const client = await bare.connect((await listen()).url, { ...place, reconnect: false });
  const asked = client.query(text, bindings).collect();
  asked.catch(() => {});
  expect(await client.query('RETURN 1')).toEqual([1]);
  skip(!(await isPending(asked)), 'the SDK tells its caller by now');
});

describe('with the pool', () => {
  test('its caller is told, and the connection is kept', async () => {
    const pool = await own.connect(await listen(), { maxConnections: 1 });
    const failure = await pool.query(text, bindings).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure).toMatchObject({
      outcome: 'not-sent',
      message: expect.stringMatching(/^"query" was not executed: .* cannot read its message/),
    });
    expect(await pool.query('RETURN 1')).toEqual([1]);
    expect(pool.poolStats()).toMatchObject({ opened: 1, closed: 0 });
  });

  test('neither is another call of the same socket mixed up with it, nor does it wait for later ones', async () => {
    const pool = await own.connect(await listen(), { maxConnections: 4, minConnections: 4, sessionsPerTransport: 4 });
    const leases = await Promise.all(Array.from({ length: 4 }, () => pool.acquire()));
    const [one, two, three, four] = leases;
    const order: string[] = [];
    const note = (work: PromiseLike<unknown> | undefined, name: string): Promise<unknown> =>
      Promise.resolve(work).then(
        (value) => order.push(`${name}: ${value}`),
        (error: unknown) => order.push(`${name}: ${(error as Error).constructor.name}`),
      );
    await Promise.all([
      note(one?.query('RETURN { SLEEP 300ms; 1 }').collect(), 'slow'),
      note(two?.query(text, bindings).collect(), 'first'),
      note(three?.query(text, bindings).collect(), 'second'),
    ]);
    order.sort();
    await note(four?.query('RETURN 2').collect(), 'next');
    expect(order).toEqual(['first: UsageError', 'second: UsageError', 'slow: 1', 'next: 2']);
    for (const lease of leases) lease.release();
    expect(pool.poolStats()).toMatchObject({ closed: 0 });
  });
});

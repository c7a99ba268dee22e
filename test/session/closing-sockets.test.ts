import { RecordId } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import { isIllness } from '../../src/errors/server-errors.js';
import { type ConnectionManager, outcomeOf, UsageError } from '../../src/index.js';
import { Forwarder } from '../support/forwarder.js';
import type { Front } from '../support/front.js';
import { asked, surroundings } from '../support/surroundings.js';

const own = surroundings();

/** The next death of a connection that the pool is told of. */
function death(pool: ConnectionManager): Promise<unknown> {
  return new Promise((tell) => {
    pool.subscribe('died', ({ error }) => tell(error));
  });
}

/** A pool with one idle connection. */
async function idlePool(front: Front): Promise<ConnectionManager> {
  const pool = await own.connect(front, { maxConnections: 2 });
  await pool.query('RETURN 1');
  expect(pool.poolStats().idle).toBe(1);
  return pool;
}

describe('a socket that the server begins to close', () => {
  test.each([
    [1001, ''],
    [1012, 'restart'],
    [1000, ''],
    [1013, 'The server is gracefully shutting down'],
    [1005, ''],
  ])('is not lent from its close frame on (%i %s), though its connection never ends', async (code, reason) => {
    const front = await own.listen();
    const pool = await idlePool(front);
    const died = death(pool);
    const [socket] = front.sockets;
    if (code === 1005) socket?.closeAndStay(undefined);
    else socket?.closeAndStay(code, reason);
    expect(String(await died)).toContain(code === 1005 ? 'without a code' : `with code ${code}`);
    expect(pool.poolStats().idle).toBe(0);
    expect(await pool.query('RETURN 2')).toEqual([2]);
    expect(pool.poolStats()).toMatchObject({ opened: 2, closedBy: { died: 1 } });
  });

  test('fails the call under way at once, as one that may have been executed', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    front.onRequest = ({ method }) => (method === 'query' ? 'swallow' : 'pass');
    const call = pool.create(new RecordId('thing', 1)).content({}).then();
    await vi.waitFor(() => expect(asked(front, 'query')).toBe(1));
    front.sockets[0]?.closeAndStay(1012, 'restart');
    await expect(call).rejects.toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' });
    await expect(call).rejects.toThrow(/with code 1012 \(restart\)/);
    // After half a minute `ws` gives up a socket that is closing: a call that waits for that has waited for nothing.
  }, 20_000);

  test('takes the answers that came before the close frame', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    front.onRequest = ({ method }, socket) => {
      if (method !== 'query') return 'pass';
      const replyAndClose = (reply: Uint8Array): Uint8Array[] => {
        // The reply is sent when this returns: the close frame goes right behind it.
        queueMicrotask(() => socket.close(1001));
        return [reply];
      };
      return { instead: replyAndClose };
    };
    expect(await pool.query('RETURN 1')).toEqual([1]);
    front.onRequest = () => 'pass';
    expect(await pool.query('RETURN 2')).toEqual([2]);
  });

  test('ends a live query, a call that comes later is not sent', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    const died = death(pool);
    front.sockets[0]?.closeAndStay(1001);
    await died;
    const before = asked(front, 'query');
    await expect(connection.query('RETURN 1').collect()).rejects.toMatchObject({ outcome: 'not-sent' });
    expect(asked(front, 'query')).toBe(before);
    connection.release();
  });
});

test('a connection whose other half ended is not lent, though the other side still reads', async () => {
  const front = await own.listen();
  const forwarder = await Forwarder.listen(front.port);
  try {
    const pool = await own.pool(forwarder.url, { maxConnections: 1 });
    await pool.query('RETURN 1');
    const died = death(pool);
    forwarder.endTowardsClient();
    expect(String(await died)).toContain('the other side ended the connection');
    expect(await pool.query('RETURN 2')).toEqual([2]);
  } finally {
    await forwarder.close();
  }
});

describe('what a close tells of the endpoint', () => {
  test.each([
    [1013, 'The server is unable to handle the request', true],
    [1013, 'Notifications were produced faster than this connection read them', false],
    [1001, '', true],
    [1009, '', false],
  ])('%i %s: an illness: %s', async (code, reason, ill) => {
    const front = await own.listen();
    const pool = await idlePool(front);
    const died = death(pool);
    front.sockets[0]?.close(code, reason);
    expect(isIllness(await died)).toBe(ill);
  });

  test('a connection that ends without a close is one', async () => {
    const front = await own.listen();
    const pool = await idlePool(front);
    const died = death(pool);
    front.dropAll();
    expect(isIllness(await died)).toBe(true);
  });
});

describe('a message that the server finds too large (1009)', () => {
  /** Makes `count` calls of these sizes on one connection, which the server does not answer, and then closes it. */
  async function failures(sizes: readonly number[]): Promise<unknown[]> {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    front.onRequest = ({ method }) => (method === 'query' ? 'swallow' : 'pass');
    const calls = sizes.map((size) =>
      connection.query('RETURN $text', { text: 'x'.repeat(size) }).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    await vi.waitFor(() => expect(asked(front, 'query')).toBe(sizes.length));
    front.sockets[0]?.close(1009);
    const errors = await Promise.all(calls);
    connection.release();
    return errors;
  }

  test('was not executed, and its call says how large it was', async () => {
    const [error] = await failures([3 * 2 ** 20]);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toMatch(/"query" was not executed: its message of 3\.0 MiB is larger than ws:.* takes/);
    expect(outcomeOf(error)).toBe('not-sent');
    expect(error).toMatchObject({ retryable: false });
  });

  test('is the largest of those without an answer; what was sent after it was not read, what was sent before may have been', async () => {
    const errors = await failures([100, 5_000, 2_000]);
    expect(errors.map(outcomeOf)).toEqual(['unknown', 'not-sent', 'not-sent']);
    expect(errors.map((error) => error instanceof UsageError)).toEqual([false, true, false]);
    expect(errors[2]).toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', retryable: true });
  });

  test.each([
    ['large', 2 * 2 ** 20, /Its message had 2\.0 MiB.*SURREAL_WEBSOCKET_MAX_MESSAGE_SIZE/],
    ['small', 2, /may have been executed$/],
  ])('by a server that ends the connection without a word: a %s one', async (_which, size, words) => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    front.onRequest = ({ method }) => (method === 'query' ? 'kill' : 'pass');
    const call = pool.query('CREATE thing SET text = $text', { text: 'x'.repeat(size) }).then();
    await expect(call).rejects.toMatchObject({ outcome: 'unknown' });
    await expect(call).rejects.toThrow(words);
  });
});

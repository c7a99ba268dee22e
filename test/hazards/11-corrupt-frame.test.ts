import { describe, expect, test, vi } from 'vitest';
import type { ConnectionManager, PooledConnection } from '../../src/index.js';
import { PoolError } from '../../src/index.js';
import { runChild } from '../support/child.js';
import type { Front, FrontConnection } from '../support/front.js';
import { isPending } from '../support/pending.js';
import { asked, surroundings } from '../support/surroundings.js';

const own = surroundings();

/** The largest message that `ws` takes, and one byte. */
const tooLarge = 100 * 1024 * 1024 + 1;

const script = `
  import { setTimeout as sleep } from 'node:timers/promises';
  import { Surreal } from 'surrealdb';
  import { WebSocket } from 'ws';
  const client = new Surreal({ websocketImpl: WebSocket });
  await client.connect(process.argv[1], { reconnect: false });
  const call = client.query('RETURN 1').collect().then(() => 'answered', () => 'rejected');
  console.log(await Promise.race([call, sleep(10_000, 'open')]));
  process.exit();
`;

/** Every query gets this instead of its reply. */
async function frontThatAnswers(spoil: (connection: FrontConnection) => void): Promise<Front> {
  const front = await own.listen();
  front.onRequest = ({ method }, connection) => {
    if (method !== 'query') return 'pass';
    spoil(connection);
    return 'swallow';
  };
  return front;
}

/** A lease whose query is under way at a server that does not answer. */
async function callInFlight(): Promise<{
  front: Front;
  socket: FrontConnection;
  pool: ConnectionManager;
  connection: PooledConnection;
  call: Promise<unknown>;
}> {
  const front = await frontThatAnswers(() => {});
  const pool = await own.connect(front, { maxConnections: 1 });
  const connection = await pool.acquire();
  const call = connection.query('RETURN 1').collect();
  call.catch(() => {});
  await vi.waitFor(() => expect(asked(front, 'query')).toBe(1));
  const [socket] = front.sockets;
  if (socket === undefined) throw new Error('the socket is gone');
  return { front, socket, pool, connection, call };
}

test('a frame that cannot be read ends the process of the SDK by itself', async ({ skip }) => {
  const { url } = await frontThatAnswers((connection) => connection.corrupt());
  const { code, hung, stdout, stderr } = await runChild(script, [url]);
  expect(hung).toBe(false);
  skip(stdout === 'rejected\n', 'the SDK now fails the call when it gets a frame that it cannot read');
  expect(stderr).toContain('dispatchEvent is not a function');
  expect(code).toBe(1);
});

describe('the pool fails the call at once, replaces the connection and goes on', () => {
  test.each<[what: string, spoil: (connection: FrontConnection) => void]>([
    ['a frame that cannot be read', (connection) => connection.corrupt()],
    ['a text frame', (connection) => connection.text()],
    ['a frame larger than any it takes', (connection) => connection.oversize(tooLarge)],
    ['more pings than it can answer', (connection) => connection.floodPings(100_000)],
  ])('after %s', async (_what, spoil) => {
    const { front, socket, pool, connection, call } = await callInFlight();
    spoil(socket);
    await expect(call).rejects.toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' });
    connection.release();

    front.onRequest = () => 'pass';
    expect(await pool.query('RETURN 1')).toEqual([1]);
    expect(pool.poolStats()).toMatchObject({ opened: 2, closedBy: { died: 1 } });
  });

  test.each(['a number', 'an array'] as const)('after a reply that is %s', async (nonsense) => {
    const front = await own.listen();
    front.onRequest = ({ method }) => (method === 'query' ? { nonsense } : 'pass');
    const pool = await own.connect(front, { maxConnections: 1 });
    await expect(pool.query('RETURN 1').collect()).rejects.toMatchObject({
      code: 'ERR_POOL_CONNECTION_LOST',
      outcome: 'unknown',
    });
    front.onRequest = () => 'pass';
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });
});

test.each(['an unknown id', 'an id that is a number'] as const)(
  'a reply that bears %s hurts nobody but the call it was meant for',
  async (nonsense) => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    front.onRequest = ({ params }) => (params[0] === 'RETURN "lost"' ? { nonsense } : 'pass');
    const lost = connection.query('RETURN "lost"').collect();
    lost.catch(() => {});
    expect(await connection.query('RETURN "seen"')).toEqual(['seen']);
    front.dropAll();
    await expect(lost).rejects.toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' });
    connection.release();
  },
);

// The SDK's engine stumbles over it: "responses is not iterable".
test('a reply with neither a result nor an error fails the call with an error of the pool', async () => {
  const front = await own.listen();
  const pool = await own.connect(front, { maxConnections: 1 });
  front.onRequest = ({ method }) => (method === 'query' ? { nonsense: 'neither result nor error' } : 'pass');
  await expect(pool.query('RETURN 1').collect()).rejects.toThrow(PoolError);
});

// `ws` asks the server to close and waits for it up to 30 s.
test('a frame that is refused fails the call at once even when the server does not close its end', async () => {
  const { socket, connection, call } = await callInFlight();
  socket.oversize(tooLarge);
  socket.halfOpen();
  expect(await isPending(call, 3_000)).toBe(false);
  connection.release();
});

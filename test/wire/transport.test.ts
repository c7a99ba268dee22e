import { createServer } from 'node:net';
import { RecordId, Table } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import { ConnectError, ConnectionLostError, createPool } from '../../src/index.js';
import { asked, place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const { listen, connect, pool: openPool } = surroundings();
const once = { ...place, minConnections: 0, retryPolicy: { maxAttempts: 1 } };

describe('opening ends, with its reason', () => {
  test('at a closed port', async () => {
    const front = await listen();
    const { url } = front;
    await front.close();
    await expect(createPool(url, once)).rejects.toMatchObject({
      code: 'ERR_POOL_CONNECT',
      fatal: false,
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('at a server that answers the handshake with 503', async () => {
    const front = await listen();
    front.refuse = true;
    await expect(createPool(front.url, once)).rejects.toThrow(/503/);
  });

  test('at a server that never answers the handshake', async () => {
    const front = await listen();
    front.blackHole = true;
    await expect(createPool(front.url, { ...once, openTimeout: 50 })).rejects.toThrow(/within 50 ms|timed out/);
  });

  test('at a port that accepts and says nothing', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((ready) => silent.once('listening', ready));
    const { port } = silent.address() as { port: number };
    await expect(createPool(`ws://127.0.0.1:${port}`, { ...once, openTimeout: 50 })).rejects.toThrow();
    silent.close();
  });

  test('at a server that takes the socket and answers nothing', async () => {
    const front = await listen();
    front.onRequest = () => 'swallow';
    const silent = createPool(front.url, { ...once, openTimeout: 100 });
    await expect(silent).rejects.toMatchObject({
      code: 'ERR_POOL_CONNECT',
      fatal: false,
      endpoint: front.url,
      message: expect.stringMatching(/ws:.* did not finish within 100 ms/),
      cause: { code: 'ERR_POOL_DEADLINE', timeout: 100 },
    });
    await vi.waitFor(() => expect(front.connections, 'and the socket is closed').toBe(0));
  });

  test('and says so to those who wait for a connection meanwhile', async () => {
    const front = await listen();
    front.onRequest = () => 'swallow';
    const pool = await connect(front, { failFast: false, openTimeout: 50, connectionTimeout: 200 });
    await expect(pool.acquire()).rejects.toMatchObject({
      code: 'ERR_POOL_ACQUIRE_TIMEOUT',
      cause: { code: 'ERR_POOL_CONNECT', cause: { code: 'ERR_POOL_DEADLINE' } },
    });
  });

  test('with wrong credentials, at the first attempt: they are not tried again', async () => {
    const front = await listen({ auth: true });
    const wrong = createPool(front.url, {
      ...place,
      credentials: { username: 'root', password: 'wrong' },
      retryPolicy: { maxAttempts: 5 },
      maxConnecting: 1,
    });
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_POOL_CONNECT', fatal: true });
    await expect(wrong).rejects.toThrow(ConnectError);
    // Once at each level: as a root user, of the namespace, of the database.
    expect(asked(front, 'signin')).toBe(3);
  });

  test('at a file that another engine holds', async () => {
    const url = rocksdbUrl();
    await openPool(url);
    await expect(createPool(url, { ...once, openTimeout: 2_000 })).rejects.toThrow(ConnectError);
  });
});

describe('a socket that is lost', () => {
  test('fails the call under way, which may have been executed, and never sends it again', async () => {
    const front = await listen();
    const pool = await connect(front);
    front.onRequest = ({ method }) => (method === 'query' ? 'drop' : 'pass');
    const call = pool.create(new RecordId('thing', 1)).content({}).then();
    await expect(call).rejects.toMatchObject({
      code: 'ERR_POOL_CONNECTION_LOST',
      outcome: 'unknown',
      retryable: false,
    });
    front.onRequest = () => 'pass';
    expect(await pool.query('SELECT VALUE id FROM thing')).toEqual([[new RecordId('thing', 1)]]);
    expect(asked(front, 'query')).toBe(2);
  });

  test('fails later calls of the lease without sending them', async () => {
    const front = await listen();
    const pool = await connect(front);
    const connection = await pool.acquire();
    const died = new Promise((resolve) => pool.subscribe('died', resolve));
    front.dropAll();
    await died;
    await expect(connection.query('RETURN 1').collect()).rejects.toMatchObject({
      outcome: 'not-sent',
      retryable: true,
    });
    await expect(connection.query('RETURN 1').collect()).rejects.toThrow(ConnectionLostError);
    expect(await connection.checkHealth()).toBe(false);
    connection.release();
    expect(await pool.query('RETURN 1')).toEqual([1]);
    expect(pool.poolStats().closedBy.died).toBe(1);
  });

  test('is noticed while nobody uses it: it is replaced, not lent', async () => {
    const front = await listen();
    const pool = await connect(front, { minConnections: 2, maxConnections: 2 });
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(2));
    front.dropAll();
    await vi.waitFor(() => expect(pool.poolStats()).toMatchObject({ idle: 2, opened: 4 }));
    expect(await pool.query('RETURN 1')).toEqual([1]);
    expect(pool.poolStats().closedBy.died).toBe(2);
  });

  test('by a frame that cannot be read does not end the process', async () => {
    const front = await listen();
    const pool = await connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    front.onRequest = ({ method }) => (method === 'query' ? 'swallow' : 'pass');
    const call = connection.query('RETURN 1').collect();
    await vi.waitFor(() => expect(asked(front, 'query')).toBe(1));
    for (const socket of front.sockets) front.corrupt(socket);
    await expect(call).rejects.toMatchObject({
      outcome: 'unknown',
      message: expect.stringContaining('cannot be read'),
    });
    connection.release();
  });
});

describe('a socket whose other side is gone without a word', () => {
  test('is found by its silence, idle or in use, and replaced', async () => {
    const front = await listen();
    const pool = await connect(front, {
      minConnections: 2,
      maxConnections: 2,
      livenessTimeout: 40,
      probeTimeout: 40,
    });
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(2));
    const connection = await pool.acquire();
    const old = front.sockets;
    for (const socket of old) front.halfOpen(socket);
    const call = connection.query('RETURN 1').collect();
    await expect(call).rejects.toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' });
    await expect(call).rejects.toThrow(/ping was not answered/);
    connection.release();
    await vi.waitFor(() => expect(pool.poolStats()).toMatchObject({ idle: 2, closedBy: { died: 2 } }));
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });

  test('is not taken for gone while it answers pings, however long nobody calls', async () => {
    const front = await listen({ pingEvery: 3_600_000 });
    const pool = await connect(front, { maxConnections: 1, livenessTimeout: 10, probeTimeout: 100 });
    await vi.waitFor(() => expect(front.sockets.map(({ pinged }) => pinged >= 3)).toEqual([true]));
    expect(pool.poolStats()).toMatchObject({ idle: 1, opened: 1, closed: 0 });
  });
});

describe('a live query', () => {
  test('ends with an error when its socket is lost, instead of waiting for ever', async () => {
    const front = await listen();
    const pool = await connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    const live = await connection.live(new Table('thing'));
    const message = live[Symbol.asyncIterator]().next();
    message.catch(() => {});
    front.dropAll();
    await expect(message).rejects.toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST' });
    connection.release();
  });

  test.each(['over a socket', 'embedded'])('brings every message of a burst, %s', async (where) => {
    const pool = where === 'embedded' ? await openPool('mem://') : await connect(await listen());
    await pool.query('DEFINE TABLE IF NOT EXISTS thing');
    await using connection = await pool.acquire();
    const live = await connection.live(new Table('thing'));
    const messages = live[Symbol.asyncIterator]();
    const seen: unknown[] = [];
    const reading = (async () => {
      while (seen.length < 50) seen.push((await messages.next()).value.action);
    })();
    await pool.query('FOR $i IN 1..=50 { CREATE thing SET number = $i }');
    await reading;
    expect(seen).toEqual(Array.from({ length: 50 }, () => 'CREATE'));
  });

  test('left by its reader leaves nothing behind', async () => {
    const pool = await connect(await listen(), { maxConnections: 1 });
    const connection = await pool.acquire();
    const live = await connection.live(new Table('thing'));
    const reading = (async () => {
      for await (const { action } of live) return action;
      return undefined;
    })();
    await connection.create(new RecordId('thing', 1)).content({});
    expect(await reading).toBe('CREATE');
    await live.kill();
    connection.release();
    expect(pool.poolStats().resetsFailed).toBe(0);
  });
});

describe('transports', () => {
  test('carry one connection each unless told otherwise', async () => {
    const front = await listen();
    const pool = await connect(front, { minConnections: 3, maxConnections: 3 });
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(3));
    expect(front.connections).toBe(3);
  });

  test('are shared by as many connections as sessionsPerTransport says', async () => {
    const front = await listen();
    const pool = await connect(front, { minConnections: 5, maxConnections: 5, sessionsPerTransport: 2 });
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(5));
    expect(front.connections).toBe(3);
    const leases = await Promise.all([1, 2, 3, 4, 5].map(() => pool.acquire()));
    for (const [index, lease] of leases.entries()) await lease.set('mine', index);
    const seen = await Promise.all(leases.map((lease) => lease.query('RETURN $mine').then(([mine]) => mine)));
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    for (const lease of leases) {
      lease.markForRecycling();
      lease.release();
    }
    await vi.waitFor(() => expect(pool.poolStats().closedBy.recycled).toBe(5));
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(5));
    // The front hears a little later than the pool that a socket is closed.
    await vi.waitFor(() => expect(front.connections).toBe(3));
  });

  test('that are shared take all their connections with them when they are lost', async () => {
    const front = await listen();
    const pool = await connect(front, { minConnections: 4, maxConnections: 4, sessionsPerTransport: 4 });
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(4));
    front.dropAll();
    await vi.waitFor(() => expect(pool.poolStats()).toMatchObject({ idle: 4, opened: 8 }));
    expect(front.connections).toBe(1);
  });

  test('are all closed at shutdown', async () => {
    const front = await listen();
    const pool = await connect(front, { minConnections: 4, maxConnections: 4, sessionsPerTransport: 2 });
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(4));
    await pool.shutdown();
    await vi.waitFor(() => expect(front.connections).toBe(0));
  });
});

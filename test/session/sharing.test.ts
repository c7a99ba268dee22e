import { RecordId } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import { FirstUse } from '../../src/session/first-use.js';
import { Transport } from '../../src/wire/transport.js';
import { asked, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const { listen, connect, pool: openPool } = surroundings();

describe('all connections of one pool see one database', () => {
  test.each([
    ['in memory', () => 'mem://'],
    ['on disk', rocksdbUrl],
  ])('%s', async (_name, url) => {
    const pool = await openPool(url(), { minConnections: 8, maxConnections: 8, maxConnecting: 8 });
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(8));
    const leases = await Promise.all(Array.from({ length: 8 }, () => pool.acquire()));
    await pool.resize({ maxConnections: 9 });
    for (const [index, lease] of leases.entries()) await lease.create(new RecordId('seen', index)).content({ index });
    for (const lease of leases) {
      expect(await lease.query('SELECT VALUE index FROM seen ORDER BY index')).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]]);
      lease.release();
    }
  });

  test('and two in-memory pools are two databases', async () => {
    const [one, other] = [await openPool('mem://'), await openPool('mem://')];
    await one.query('CREATE thing:1');
    expect(await one.query('SELECT VALUE id FROM thing')).toEqual([[new RecordId('thing', 1)]]);
    await expect(other.query('SELECT VALUE id FROM thing').collect()).rejects.toThrow(/does not exist/);
  });
});

describe('the first use of a database', () => {
  test('by twenty connections at once succeeds for all', async () => {
    const front = await listen();
    const pool = await connect(front, {
      namespace: `new${Date.now()}`,
      minConnections: 20,
      maxConnections: 20,
      maxConnecting: 20,
    });
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(20));
    expect(pool.poolStats().openFailed).toBe(0);
  });

  test('goes alone; the others wait for it and then go together', async () => {
    const transport = await Transport.open(
      { url: 'mem://' },
      { openTimeout: 1000, probeTimeout: 1000, livenessTimeout: 0 },
      new AbortController().signal,
    );
    const sessions = await Promise.all(Array.from({ length: 10 }, () => transport.attach()));
    const uses: string[] = [];
    const use = transport.use.bind(transport);
    transport.use = async (name, session) => {
      uses.push('begin');
      await use(name, session);
      uses.push('end');
    };
    const firstUse = new FirstUse();
    await Promise.all(
      sessions.map((session) =>
        firstUse.use(transport, session, { namespace: 'fresh', database: 'fresh' }, new AbortController().signal),
      ),
    );
    expect(uses.slice(0, 2)).toEqual(['begin', 'end']);
    expect(uses).toHaveLength(20);
    await transport.close(new AbortController().signal);
  });
});

describe('signing in', () => {
  test('twenty connections at once need one password and nineteen tokens', async () => {
    const front = await listen({ auth: true });
    const pool = await connect(front, {
      credentials: { username: 'root', password: 'secret' },
      minConnections: 20,
      maxConnections: 20,
      maxConnecting: 20,
    });
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(20));
    expect([asked(front, 'signin'), asked(front, 'authenticate')]).toEqual([1, 19]);
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });

  test('asks a credentials function only when a password is needed', async () => {
    const front = await listen({ auth: true });
    let calls = 0;
    const credentials = async () => {
      calls++;
      return { username: 'root', password: 'secret' };
    };
    const pool = await connect(front, { credentials, minConnections: 4, maxConnections: 4 });
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(4));
    expect(calls).toBe(1);
  });

  test('fails closed: who cannot sign in gets no connection, not an anonymous one', async () => {
    const front = await listen({ auth: true });
    let allowed = true;
    const credentials = () =>
      allowed ? { username: 'root', password: 'secret' } : { username: 'root', password: 'old' };
    const pool = await connect(front, { credentials, maxConnections: 2 });
    allowed = false;
    front.onRequest = ({ method }) => (method === 'authenticate' ? 'kill' : 'pass');
    const first = await pool.acquire();
    await expect(pool.acquire({ timeout: 300 })).rejects.toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
    first.release();
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { LeaseReleasedError, PoolShutdownError } from '../../src/index.js';
import { asked, surroundings } from '../support/surroundings.js';

const own = surroundings();

describe('a shutdown', () => {
  test('lets leases finish, refuses everybody else, and closes every socket', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { minConnections: 2, maxConnections: 2 });
    const [one, two] = [await pool.acquire(), await pool.acquire()];
    const waiter = pool.acquire();
    waiter.catch(() => {});
    const ending = pool.shutdown();
    expect(pool.isShuttingDown()).toBe(true);
    await expect(waiter).rejects.toThrow(PoolShutdownError);
    await expect(pool.acquire()).rejects.toThrow(PoolShutdownError);
    await expect(pool.query('RETURN 1').collect()).rejects.toThrow(PoolShutdownError);
    expect(await one.query('RETURN "still at work"')).toEqual(['still at work']);
    one.release();
    two.release();
    expect(await ending).toMatchObject({ refused: 1, drained: 2, aborted: [], closed: 2, holdsProcess: false });
    await vi.waitFor(() => expect(front.connections).toBe(0));
    expect(pool.healthStatus()).toMatchObject({ healthy: false, state: 'closed' });
  });

  test('aborts and names the leases that outlast the grace period; their calls fail', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    front.onRequest = ({ method }) => (method === 'query' ? 'swallow' : 'pass');
    const stuck = connection.query('RETURN 1').collect();
    stuck.catch(() => {});
    await vi.waitFor(() => expect(asked(front, 'query')).toBe(1));
    const report = await pool.shutdown({ gracePeriod: '30ms' });
    expect(report).toMatchObject({ drained: 0, aborted: [{ connection: connection.id, uses: 1 }] });
    await expect(stuck).rejects.toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' });
    await expect(connection.query('RETURN 1').collect()).rejects.toThrow(LeaseReleasedError);
    await expect(connection.query('RETURN 1').collect()).rejects.toThrow(/aborted/);
    connection.release();
    expect(await pool.shutdown(), 'a second call gets the same report').toBe(report);
    await vi.waitFor(() => expect(front.connections).toBe(0));
  });

  test('says when an index keeps an embedded engine alive', async () => {
    const pool = await own.pool('mem://');
    await pool.query('DEFINE TABLE thing; DEFINE INDEX name ON thing FIELDS name');
    expect((await pool.shutdown()).holdsProcess).toBe(true);
  });

  test('with a grace period that is none is refused, and the pool goes on', async () => {
    const pool = await own.pool('mem://');
    await expect(pool.shutdown({ gracePeriod: 'a while' })).rejects.toThrow(/a while/);
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });

  test('is what disposal does', async () => {
    let state: () => string;
    {
      await using pool = await own.pool('mem://');
      state = () => pool.healthStatus().state;
      expect(state()).toBe('running');
    }
    expect(state()).toBe('closed');
  });
});

/** Runs a script against the compiled package in a process of its own. */
function script(text: string) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', text], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    output += data;
  });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, ended, output: () => output };
}

const opening = `
  import { createPool, shutdownOnSignals } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
  const pool = await createPool('mem://', { namespace: 'test', database: 'test' });
`;

describe('a process', () => {
  test('ends by itself after the shutdown: no timer, socket or listener is left', async () => {
    const { ended, output } = script(`${opening}
      await Promise.all(Array.from({ length: 50 }, () => pool.query('RETURN 1')));
      await pool.shutdown();
      await new Promise((resolve) => setImmediate(resolve));
      console.log(process.getActiveResourcesInfo().filter((name) => !name.includes('Wrap')).join());
    `);
    expect(await ended).toEqual([0, null]);
    expect(output()).toBe('\n');
  });

  test('ends by itself after the shutdown of connections that share sockets, traced and with some in use', async () => {
    const front = await own.listen({ auth: true });
    const { ended, output } = script(`
      import { tracingChannel } from 'node:diagnostics_channel';
      import { Table } from 'surrealdb';
      import { createPool } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
      let traced = 0;
      const count = () => traced++;
      const subscribers = { start: count, end: count, asyncStart: count, asyncEnd: count, error: count };
      for (const name of ['query', 'acquire', 'connect']) tracingChannel('surreal-pool:' + name).subscribe(subscribers);
      const pool = await createPool(${JSON.stringify(front.url)}, {
        namespace: 'test', database: 'test', credentials: { username: 'root', password: 'secret' },
        sessionsPerTransport: 8, minConnections: 20, maxConnections: 20, queryTimeout: '10s',
        leakDetectionThreshold: '10s',
      });
      const { signal } = new AbortController();
      const [stuck, ...others] = await Promise.all(Array.from({ length: 20 }, () => pool.acquire({ signal })));
      (await stuck.live(new Table('thing'))).subscribe(() => {});
      const slow = stuck.query('SLEEP 10s').collect().catch(({ code }) => code);
      for (const lease of others) await lease.set('mine', lease.id);
      for (const lease of others.slice(0, 9)) lease.release();
      pool.subscribe('shutdownStarted', () => others.slice(9, 14).forEach((lease) => lease.release()));
      const { aborted } = await pool.shutdown({ gracePeriod: 100 });
      console.log(aborted.length, await slow, traced > 0);
      await new Promise((resolve) => setImmediate(resolve));
      console.log(process.getActiveResourcesInfo().filter((name) => !name.startsWith('Pipe')).join());
    `);
    expect(await ended).toEqual([0, null]);
    expect(output()).toBe('6 ERR_POOL_CONNECTION_LOST true\n\n');
    await vi.waitFor(() => expect(front.connections).toBe(0));
  });

  test('told to end drains first, then ends as it was told', async () => {
    const { child, ended, output } = script(`${opening}
      shutdownOnSignals(pool);
      const connection = await pool.acquire();
      const slow = connection.query('SLEEP 300ms; RETURN "finished"');
      slow.then(([, answer]) => { console.log(answer); connection.release(); });
      console.log('ready');
    `);
    await vi.waitFor(() => expect(output()).toContain('ready'), { timeout: 20_000 });
    child.kill('SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(output()).toBe('ready\nfinished\n');
  });

  test('told to end waits for all its pools, also for one that comes while it waits', async () => {
    const { child, ended, output } = script(`${opening}
      shutdownOnSignals(pool);
      const slower = await createPool('mem://', { namespace: 'test', database: 'test' });
      shutdownOnSignals(slower);
      const late = await createPool('mem://', { namespace: 'test', database: 'test' });
      const [first, second] = [await slower.acquire(), await late.acquire()];
      pool.subscribe('shutdownFinished', async () => {
        late.subscribe('shutdownStarted', () => console.log('the late one ends, too'));
        shutdownOnSignals(late);
        await first.query('SLEEP 100ms');
        console.log('first');
        first.release();
        await second.query('SLEEP 100ms');
        console.log('second');
        second.release();
      });
      console.log('ready');
    `);
    await vi.waitFor(() => expect(output()).toContain('ready'), { timeout: 20_000 });
    child.kill('SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(output()).toBe('ready\nthe late one ends, too\nfirst\nsecond\n');
  });

  test('whose handlers are taken back ends at once when told to', async () => {
    const { child, ended, output } = script(`${opening}
      const remove = shutdownOnSignals(pool);
      shutdownOnSignals(pool)();
      console.log(process.listenerCount('SIGTERM'));
      remove();
      console.log(process.listenerCount('SIGTERM'));
      await pool.acquire();
      console.log('ready');
    `);
    await vi.waitFor(() => expect(output()).toContain('ready'), { timeout: 20_000 });
    child.kill('SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(output()).toBe('1\n0\nready\n');
  });

  test('told to end twice does not wait any longer', async () => {
    const { child, ended, output } = script(`${opening}
      shutdownOnSignals(pool);
      const connection = await pool.acquire();
      pool.subscribe('shutdownStarted', () => console.log('draining'));
      console.log('ready');
    `);
    await vi.waitFor(() => expect(output()).toContain('ready'), { timeout: 20_000 });
    child.kill('SIGINT');
    await vi.waitFor(() => expect(output()).toContain('draining'));
    child.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']);
  });

  /** A service that answers what is under way before it ends, and takes a second signal for "now". */
  const service = (listen: string) => `${opening}
    import { createServer, get } from 'node:http';
    const server = createServer((_request, response) => {
      response.once('finish', () => console.log('answered'));
      setTimeout(() => response.end('answered'), 300);
    });
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    let times = 0;
    const end = () => {
      if (++times > 1) process.exit(1);
      server.close(() => process.exit(3));
    };
    ${listen}
    const url = 'http://127.0.0.1:' + server.address().port;
    get(url, { agent: false }, (response) => response.resume());
    server.once('request', () => console.log('ready'));
  `;

  test.each([
    ['before', "process.on('SIGTERM', end); shutdownOnSignals(pool);"],
    ['after', "shutdownOnSignals(pool); process.on('SIGTERM', end);"],
    ['once, before', "process.once('SIGTERM', end); shutdownOnSignals(pool);"],
    ['once, after', "shutdownOnSignals(pool); process.once('SIGTERM', end);"],
  ])('leaves the end to a program that listens for the signal itself: %s', async (_, listen) => {
    const { child, ended, output } = script(service(listen));
    await vi.waitFor(() => expect(output()).toContain('ready'), { timeout: 20_000 });
    child.kill('SIGTERM');
    expect(await ended).toEqual([3, null]);
    expect(output()).toBe('ready\nanswered\n');
  });

  test('raises a signal again that the program does not listen for, though it does for the other', async () => {
    const { child, ended, output } = script(`${opening}
      process.on('SIGTERM', () => {});
      shutdownOnSignals(pool);
      pool.subscribe('shutdownFinished', () => console.log('shut down'));
      await pool.query('RETURN 1');
      setInterval(() => {}, 1000);
      console.log('ready');
    `);
    await vi.waitFor(() => expect(output()).toContain('ready'), { timeout: 20_000 });
    child.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']);
    expect(output()).toBe('ready\nshut down\n');
  });

  test('is refused in a worker thread, which would hear of no signal', async () => {
    const { ended, output } = script(`${opening}
      import { Worker } from 'node:worker_threads';
      const worker = new Worker(\`
        import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}).then(async ({ createPool, shutdownOnSignals }) => {
          const pool = await createPool('mem://', { namespace: 'test', database: 'test' });
          try {
            shutdownOnSignals(pool);
          } catch (error) {
            console.log(error.code, error.message.includes('call shutdown() in the worker'));
          }
          await pool.shutdown();
        });
      \`, { eval: true });
      await new Promise((ended) => worker.once('exit', ended));
      await pool.shutdown();
    `);
    expect(await ended).toEqual([0, null]);
    expect(output()).toBe('ERR_POOL_USAGE true\n');
  });
});

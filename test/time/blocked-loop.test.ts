import { readFile } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ConnectionManager, createPool, type PoolOptions } from '../../src/index.js';
import { withDeadline } from '../../src/time/deadline.js';
import { Transport } from '../../src/wire/transport.js';
import { FrontProcess } from '../support/front-process.js';

/** A limit, an answer that takes less, and a blocked loop that takes more, in milliseconds. */
const limit = 300;
const answer = 60;
const blocked = 500;

let server: FrontProcess;
const pools: ConnectionManager[] = [];
beforeAll(async () => {
  server = await FrontProcess.start();
  await server.query('DEFINE TABLE visit; DEFINE TABLE payment');
});
afterAll(() => server.end());
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.shutdown({ gracePeriod: 0 });
  await server.delay({});
  await server.query('DELETE visit; DELETE payment');
});

async function poolOf(connections: number, options: Partial<PoolOptions> = {}): Promise<ConnectionManager> {
  const pool = await createPool(server.url, {
    namespace: 'test',
    database: 'test',
    minConnections: connections,
    maxConnections: connections,
    maxConnecting: connections,
    ...options,
  });
  pools.push(pool);
  await vi.waitFor(() => expect(pool.poolStats().idle).toBe(connections), 5_000);
  return pool;
}

async function recordsOf(table: string): Promise<unknown> {
  const [records] = (await server.query(`SELECT VALUE id FROM ${table}`)) as unknown[];
  return records;
}

function block(): void {
  const end = performance.now() + blocked;
  while (performance.now() < end);
}

/** Where a request handler may compute: what Node does next decides whether timers or sockets come first. */
const places: [where: string, run: (work: () => void) => unknown][] = [
  ['where something was read', (work) => readFile('package.json', work)],
  ['in setImmediate()', (work) => setImmediate(work)],
];

describe.each(places)('an event loop that is blocked %s', (_where, run) => {
  const blockLoop = (): Promise<void> =>
    new Promise((resolve) =>
      run(() => {
        block();
        resolve();
      }),
    );

  test('takes no answered call for one without an answer', async () => {
    const pool = await poolOf(10, { queryTimeout: limit });
    await server.delay({}, answer);
    const calls = Promise.allSettled(Array.from({ length: 10 }, () => pool.query('CREATE visit /* SLOW */')));
    await sleep(20);
    await blockLoop();
    expect((await calls).map(({ status }) => status)).toEqual(Array(10).fill('fulfilled'));
    expect(await recordsOf('visit')).toHaveLength(10);
    expect(pool.poolStats()).toMatchObject({ opened: 10, closed: 0 });
  });

  test('cuts no answered call off by a signal that timed out', async () => {
    const pool = await poolOf(1);
    await server.delay({}, answer);
    const connection = await pool.acquire({ signal: AbortSignal.timeout(limit) });
    const call = connection.query('CREATE visit; RETURN 1 /* SLOW */').collect();
    call.catch(() => {});
    await sleep(20);
    await blockLoop();
    expect(await call).toMatchObject([[{}], 1]);
    connection.release();
    expect(pool.poolStats()).toMatchObject({ closed: 0 });
  });

  test.each([
    ['queryTimeout', { queryTimeout: limit }, () => ({})],
    ['the time of the transaction', {}, () => ({ timeout: limit })],
    ['a signal that timed out', {}, () => ({ signal: AbortSignal.timeout(limit) })],
  ])('knows of a commit that was answered: %s', async (_limit, options, limits) => {
    const pool = await poolOf(1, options);
    await server.delay({ commit: answer });
    const done = pool.withTransaction(async (transaction) => {
      await transaction.query('CREATE payment:1');
      setTimeout(blockLoop, 20);
    }, limits());
    await expect(done).resolves.toBeUndefined();
    expect(await recordsOf('payment')).toHaveLength(1);
    expect(pool.poolStats()).toMatchObject({ closed: 0 });
  });

  test('does not give up an opening for what it could not send', async () => {
    await server.delay({ version: answer });
    const settings = { openTimeout: limit, probeTimeout: limit, livenessTimeout: 0 };
    const opening = withDeadline('opening', limit, [], (signal) =>
      Transport.open({ url: server.url }, settings, signal),
    );
    opening.catch(() => {});
    await blockLoop();
    const transport = await opening;
    expect(transport.ended).toBe(false);
    transport.terminate();
  });

  test('fails no probe that was answered', async () => {
    const pool = await poolOf(4, { validationInterval: 0, probeTimeout: limit });
    await server.delay({ query: answer });
    const calls = Promise.allSettled(Array.from({ length: 4 }, () => pool.query('RETURN 1')));
    await blockLoop();
    expect((await calls).map(({ status }) => status)).toEqual(Array(4).fill('fulfilled'));
    expect(pool.poolStats()).toMatchObject({ probesFailed: 0, closed: 0 });
  });
});

test('a call without an answer ends all the same when the loop was blocked', async () => {
  const pool = await poolOf(1, { queryTimeout: limit });
  await server.delay({}, 60_000);
  const call = pool.query('RETURN 1 /* SLOW */').collect();
  call.catch(() => {});
  block();
  await expect(call).rejects.toMatchObject({ name: 'QueryTimeoutError', outcome: 'unknown' });
});

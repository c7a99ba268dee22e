import { expect, onTestFinished, test, vi } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import type { PoolEvents } from '../../src/pool/events.js';
import { Forwarder } from '../support/forwarder.js';
import { surroundings } from '../support/surroundings.js';
import { endsWell, held } from './ending.js';

const own = surroundings();

/** The next event of this name. */
function told<Name extends keyof PoolEvents>(pool: ConnectionManager, name: Name): Promise<PoolEvents[Name]> {
  return new Promise((resolve) => {
    const end = pool.subscribe(name, (event) => {
      end();
      resolve(event);
    });
  });
}

async function filled(pool: ConnectionManager, count: number): Promise<void> {
  await vi.waitFor(() => expect(pool.poolStats().idle).toBe(count), { timeout: 10_000 });
}

test('scenario 9: all connections fall silent at once while idle: exactly so many probes fail, the pool fills up again, and no caller sees an error', async () => {
  const front = await own.listen();
  const before = held();
  const pool = await own.connect(front, {
    minConnections: 4,
    maxConnections: 4,
    validationInterval: 0,
    probeTimeout: 500,
    closeTimeout: 100,
    circuitBreaker: { failureThreshold: null },
  });
  await filled(pool, 4);
  for (const socket of front.sockets) socket.halfOpen();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => pool.query('RETURN $index', { index })));
  expect(answers.map(([answer]) => answer)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(pool.poolStats()).toMatchObject({ probesFailed: 4, closedBy: { 'probe-failed': expect.any(Number) } });
  await filled(pool, 4);
  for (const socket of front.sockets) socket.terminate();
  await vi.waitFor(() => expect(pool.poolStats().closedBy).toMatchObject({ 'probe-failed': 4, died: 4 }));
  await filled(pool, 4);
  expect(pool.poolStats(), 'sockets that say their end need no probe').toMatchObject({ probesFailed: 4, failed: 0 });
  await endsWell(pool, before);
});

test('scenario 10: the network falls silent: probing, resetting and closing each end by their own deadline, and every slot comes back', async () => {
  const front = await own.listen();
  const network = await Forwarder.listen(front.port);
  onTestFinished(() => network.close());
  const before = held();
  const pool = await own.pool(network.url, {
    minConnections: 3,
    maxConnections: 3,
    validationInterval: 0,
    openTimeout: 1000,
    probeTimeout: 60,
    resetTimeout: 60,
    closeTimeout: 60,
    circuitBreaker: { failureThreshold: null },
  });
  await filled(pool, 3);
  const [dirty, unwanted] = [await pool.acquire(), await pool.acquire()];
  await dirty.set('name', 'Ada');
  unwanted.markForRecycling();

  network.silence();
  const ends = Promise.all([told(pool, 'validationFailed'), told(pool, 'resetFailed'), told(pool, 'closed')]);
  const caller = pool.acquire();
  dirty.release();
  unwanted.release();
  expect(await ends).toMatchObject([
    { error: { code: 'ERR_POOL_DEADLINE', step: 'probing a connection' } },
    { error: { code: 'ERR_POOL_DEADLINE', step: 'resetting a connection' } },
    { connection: unwanted.id, error: { code: 'ERR_POOL_DEADLINE', step: 'closing a connection' } },
  ]);

  network.resume();
  (await caller).release();
  await filled(pool, 3);
  await vi.waitFor(() => expect(pool.poolStats()).toMatchObject({ total: 3, closing: 0 }));
  await endsWell(pool, before);
});

test('scenario 12: closing a dead connection takes as long as it may: an acquire does not wait for it', async () => {
  const front = await own.listen();
  const before = held();
  const pool = await own.connect(front, { maxConnections: 1, closeTimeout: '2s' });
  const dead = await pool.acquire();
  for (const socket of front.sockets) socket.halfOpen();
  const closed = told(pool, 'closed');
  dead.markForRecycling();
  dead.release();
  await pool.withConnection(async (connection) => {
    expect(connection.id).not.toBe(dead.id);
    expect(await connection.query('RETURN 1')).toEqual([1]);
    expect(pool.poolStats(), 'while the other one closes').toMatchObject({ closing: 1, total: 1 });
  });
  expect(await closed).toMatchObject({ connection: dead.id, error: { code: 'ERR_POOL_DEADLINE' } });
  // The other end of a dead socket never learns of its end.
  front.dropAll();
  await endsWell(pool, before);
});

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type ConnectionManager, createPool, type PoolOptions } from '../../src/index.js';
import { FrontProcess } from './front-process.js';
import { isPending } from './pending.js';
import { rocksdbUrl } from './temporary.js';

const place = { namespace: 'test', database: 'test' };
const credentials = { username: 'root', password: 'secret' };
const processes: FrontProcess[] = [];
const pools: ConnectionManager[] = [];
let store: FrontProcess;
let nodes: readonly [FrontProcess, FrontProcess];

// Two nodes over one store, and a second store.
beforeAll(async () => {
  const [own, elsewhere] = await Promise.all([
    FrontProcess.start({ engine: rocksdbUrl(), auth: true }),
    FrontProcess.start({ engine: 'mem://', auth: true }),
  ]);
  store = own;
  processes.push(own, elsewhere);
  await own.query('DEFINE TABLE thing');
  await elsewhere.query('DEFINE TABLE thing');
  const setup = { engine: { url: own.url, ...credentials }, other: { url: elsewhere.url, ...credentials }, auth: true };
  nodes = await Promise.all([FrontProcess.start(setup), FrontProcess.start(setup)]);
  processes.push(...nodes);
});
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.shutdown({ gracePeriod: 0 });
  await store.query('DELETE thing');
});
afterAll(async () => {
  await Promise.all(processes.splice(0).map((process) => process.kill()));
});

async function poolOn({ url }: FrontProcess, options: Partial<PoolOptions> = {}): Promise<ConnectionManager> {
  const pool = await createPool(url, { ...place, credentials, minConnections: 1, ...options });
  pools.push(pool);
  return pool;
}

const things = (pool: ConnectionManager) => pool.query('SELECT VALUE record::id(id) FROM thing').collect();

test('nodes in processes of their own have one store; what is open on one ends with its process', async () => {
  const [pool, other] = [await poolOn(nodes[0]), await poolOn(nodes[1])];
  await pool.query('CREATE thing:1');
  expect(await things(other)).toEqual([[1]]);

  const connection = await pool.acquire();
  const transaction = await connection.beginTransaction();
  await transaction.query('CREATE thing:2');
  await nodes[0].kill();
  await expect(transaction.commit()).rejects.toThrow();
  connection.release();
  expect(await things(other)).toEqual([[1]]);

  await nodes[0].start();
  await vi.waitFor(async () => expect(await things(pool)).toEqual([[1]]), 20_000);
  expect(await store.query('SELECT VALUE record::id(id) FROM thing')).toEqual([[1]]);
});

test('a node that is suspended answers when it goes on', async () => {
  const pool = await poolOn(nodes[0]);
  nodes[0].suspend();
  const answer = pool.query('RETURN 1').collect();
  expect(await isPending(answer)).toBe(true);
  nodes[0].resume();
  expect(await answer).toEqual([1]);
});

test('a node behaves as it is told: another store, refused sign-ins, sockets closed with a reason', async () => {
  const pool = await poolOn(nodes[0], { retryPolicy: { maxAttempts: 1, initialBackoff: 5, maxBackoff: 5 } });
  await pool.query('CREATE thing:1');
  const [node] = nodes;

  await node.behave('other store');
  await vi.waitFor(async () => expect(await things(pool)).toEqual([[]]), 20_000);
  await node.behave('well');
  await vi.waitFor(async () => expect(await things(pool)).toEqual([[1]]), 20_000);
  await node.behave('no room');
  await expect(pool.query('CREATE thing:2')).rejects.toThrow('1013');
  await node.behave('lagging');
  await expect(pool.query('CREATE thing:2')).rejects.toThrow('1013');
  await node.behave('auth revoked');
  await vi.waitFor(() => expect(pool.query('CREATE thing:2')).rejects.toThrow('authentication'), 20_000);
  await node.behave('503');
  await expect(poolOn(node)).rejects.toThrow('503');
  await node.behave('well');
  await vi.waitFor(async () => expect(await things(pool)).toEqual([[1]]), 20_000);
});

import { Table } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { type ConnectionManager, type PoolOptions, QueryTimeoutError } from '../../src/index.js';
import { Forwarder } from '../support/forwarder.js';
import type { Front } from '../support/front.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const quick = { maxAttempts: 3, initialBackoff: 1, maxBackoff: 2 };
const options = { maxConnections: 4, retryPolicy: quick } satisfies Partial<PoolOptions>;

const read = (pool: ConnectionManager) => pool.query('SELECT * FROM thing WHERE v = $v', { v: 1 }).collect();
const write = (pool: ConnectionManager) => pool.query('CREATE thing').collect();

/** Counts what reaches the front of a statement, and lets something happen to the first `times` of it. */
function meanwhile(front: Front, keyword: string, times: number, fault: () => void): () => number {
  let arrived = 0;
  front.onRequest = ({ method, params }) => {
    if (method !== 'query' || !String(params[0]).includes(keyword)) return 'pass';
    if (++arrived > times) return 'pass';
    fault();
    return 'swallow';
  };
  return () => arrived;
}

type Ending = (front: Front, network: Forwarder) => void;

const endings: [string, Ending][] = [
  ['a close frame', (front) => front.closeAll(1001)],
  [
    'a close frame, while TCP stays open',
    (front) => {
      for (const socket of front.sockets) socket.closeAndStay(1012);
    },
  ],
  ['a half-close', (_, network) => network.endTowardsClient()],
  ['a reset', (_, network) => network.cut()],
  ['a socket that is destroyed', (front) => front.dropAll()],
];

describe.each(endings)('a call under way when its connection ends by %s', (_, end) => {
  async function scene(keyword: string, times: number) {
    const front = await own.listen();
    const network = await Forwarder.listen(front.port);
    const pool = await own.pool(`ws://127.0.0.1:${network.port}/rpc`, options);
    const arrived = meanwhile(front, keyword, times, () => end(front, network));
    return { pool, arrived, network };
  }

  test('is made again when it only reads', async () => {
    const { pool, arrived, network } = await scene('SELECT', 2);
    expect(await read(pool)).toEqual([[]]);
    expect(arrived()).toBe(3);
    await network.close();
  });

  test('is made three times in all', async () => {
    const { pool, arrived, network } = await scene('SELECT', 9);
    await expect(read(pool)).rejects.toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' });
    expect(arrived()).toBe(3);
    await network.close();
  });

  test('is made once when it writes, and its outcome is unknown', async () => {
    const { pool, arrived, network } = await scene('CREATE', 9);
    await expect(write(pool)).rejects.toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' });
    expect(arrived()).toBe(1);
    await network.close();
  });
});

describe('a read that is lost', () => {
  async function scene(more: Partial<PoolOptions> = {}) {
    const front = await own.listen();
    const pool = await own.connect(front, { ...options, ...more });
    return { pool, arrived: meanwhile(front, 'SELECT', 1, () => front.dropAll()) };
  }
  const lost = { code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' };

  test.each<[string, (pool: ConnectionManager) => Promise<unknown>]>([
    ['by a builder of the pool', (pool) => pool.select(new Table('thing'))],
    ['by a view of the pool', (pool) => pool.scope({ variables: { a: 1 } }).select(new Table('thing'))],
    ['in several statements', (pool) => pool.query('SELECT * FROM thing; RETURN count(SELECT * FROM thing)').collect()],
  ])('is made again: %s', async (_, call) => {
    const { pool, arrived } = await scene();
    await call(pool);
    expect(arrived()).toBe(2);
  });

  test.each<[string, (pool: ConnectionManager) => Promise<unknown>]>([
    ['with a write in a subquery', (pool) => pool.query('SELECT * FROM (CREATE thing)').collect()],
    ['with a write behind it', (pool) => pool.query('SELECT * FROM thing; CREATE thing').collect()],
    ['with a function of the database', (pool) => pool.query('SELECT fn::write() FROM thing').collect()],
    ['in a transaction of its text', (pool) => pool.query('SELECT 1 FROM 1; BEGIN; RETURN 1; COMMIT').collect()],
    ['on a lease', (pool) => pool.withConnection((held) => held.query('SELECT * FROM thing').collect())],
    ['in work', (pool) => pool.executeWithRetry((held) => held.query('SELECT * FROM thing').collect())],
    [
      'by a call that is said not to be idempotent',
      (pool) => pool.scope({ idempotent: false }).select(new Table('thing')),
    ],
  ])('is not made again: %s', async (_, call) => {
    const { pool, arrived } = await scene();
    await expect(call(pool)).rejects.toMatchObject(lost);
    expect(arrived()).toBe(1);
  });

  test('is not made again in a transaction', async () => {
    const { pool, arrived } = await scene();
    const work = pool.withTransaction((transaction) => transaction.query('SELECT * FROM thing').collect());
    await expect(work).rejects.toThrow();
    expect(arrived()).toBe(1);
  });

  test('is not made again with repeatReads: false, nor with one attempt', async () => {
    for (const policy of [{ repeatReads: false }, { maxAttempts: 1 }]) {
      const { pool, arrived } = await scene({ retryPolicy: { ...quick, ...policy } });
      await expect(read(pool)).rejects.toMatchObject(lost);
      expect(arrived()).toBe(1);
    }
  });

  test('is not made again when its caller aborts', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { ...options, retryPolicy: { ...quick, initialBackoff: 0, maxBackoff: 0 } });
    const abort = new AbortController();
    const arrived = meanwhile(front, 'SELECT', 9, () => abort.abort(new Error('enough')));
    const call = pool.scope({ signal: abort.signal }).select(new Table('thing'));
    await expect(call).rejects.toMatchObject({ code: 'ERR_POOL_CALL_ABORTED' });
    expect(arrived()).toBe(1);
  });

  test('is not made again when it took longer than its queryTimeout', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, options);
    const arrived = meanwhile(front, 'SELECT', 9, () => {});
    const call = pool.scope({ queryTimeout: 50 }).select(new Table('thing'));
    await expect(call).rejects.toBeInstanceOf(QueryTimeoutError);
    expect(arrived()).toBe(1);
  });

  test('is made again only as long as the retry budget lasts', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { ...options, circuitBreaker: { failureThreshold: 0 } });
    const arrived = meanwhile(front, 'SELECT', 1_000, () => front.dropAll());
    const calls = Array.from({ length: 40 }, () => read(pool).catch((error: unknown) => error));
    for (const error of await Promise.all(calls)) expect(error).toMatchObject(lost);
    expect(arrived()).toBeLessThanOrEqual(40 + 20);
  });
});

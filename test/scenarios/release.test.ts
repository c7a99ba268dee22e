import { RecordId } from 'surrealdb';
import { expect, test, vi } from 'vitest';
import type { ConnectionManager, PooledConnection } from '../../src/index.js';
import { asked, surroundings } from '../support/surroundings.js';
import { endsWell, held } from './ending.js';

const own = surroundings();

/** Ways to give a connection back in no good order. */
const releases: [what: string, use: (connection: PooledConnection) => Promise<unknown>, reused: boolean][] = [
  ['after a block that was refused halfway', (c) => failing(c, 'BEGIN; CREATE thing:1; THROW "no"; COMMIT'), true],
  ['after a block that was never committed', (c) => failing(c, 'BEGIN; CREATE thing:1'), true],
  ['after a block that was taken back', (c) => failing(c, 'BEGIN; CREATE thing:1; CANCEL'), true],
  ['in another database', (c) => c.use({ namespace: 'other', database: 'place' }), true],
  ['with a variable', (c) => c.set('left', 'behind'), true],
  ['as somebody else', (c) => c.signin({ username: 'root', password: 'secret' }), true],
  ['while a variable is being set', async (c) => void c.set('left', 'behind'), true],
  ['after a call that was given up', (c) => failing(c, 'SLEEP 10s'), false],
];

function failing(connection: PooledConnection, text: string): Promise<unknown> {
  return expect(connection.query(text).collect()).rejects.toThrow();
}

const cleanState = 'RETURN [session::ns(), session::db(), $left, $auth]; SELECT * FROM thing';

async function expectClean(pool: ConnectionManager): Promise<number> {
  return await pool.withConnection(async (connection) => {
    expect(await connection.query(cleanState)).toEqual([['test', 'test', undefined, undefined], []]);
    return connection.id;
  });
}

test.each(releases)(
  'scenario 18: a connection given back %s is clean for the next caller, or gone',
  async (_what, use, reused) => {
    const front = await own.listen();
    const before = held();
    const pool = await own.connect(front, { maxConnections: 1, queryTimeout: '2s' });
    const connection = await pool.acquire({ queryTimeout: reused ? 0 : 50 });
    await use(connection);
    connection.release();
    expect((await expectClean(pool)) === connection.id).toBe(reused);
    await endsWell(pool, before);
  },
);

test('scenario 18: a connection given back with a query in flight is lent again when that query has ended, not before', async () => {
  const front = await own.listen();
  const before = held();
  const pool = await own.connect(front, { maxConnections: 1 });
  let answer = (): void => {};
  const heldBack = new Promise<'pass'>((resolve) => {
    answer = () => resolve('pass');
  });
  front.onRequest = ({ params }) => (params[0] === 'CREATE thing:1' ? heldBack : 'pass');
  const connection = await pool.acquire();
  const order: string[] = [];
  const created = connection.query('CREATE thing:1').collect();
  await vi.waitFor(() => expect(asked(front, 'query')).toBe(1));
  connection.release();
  const next = pool.acquire().then((lease) => {
    order.push('lent');
    return lease;
  });
  expect(pool.poolStats()).toMatchObject({ resetting: 1, waiting: 1 });
  order.push('answered');
  answer();
  await created;
  await using lease = await next;
  expect(order).toEqual(['answered', 'lent']);
  expect(lease.id).toBe(connection.id);
  expect(await lease.query('SELECT VALUE id FROM thing')).toEqual([[new RecordId('thing', 1)]]);
  lease.release();
  await endsWell(pool, before);
});

test('scenario 18: a connection given back with a query in flight that never ends is destroyed at the deadline of its reset', async () => {
  const front = await own.listen();
  const before = held();
  const pool = await own.connect(front, { maxConnections: 1, resetTimeout: 50 });
  front.onRequest = ({ params }) => (params[0] === 'RETURN "stuck"' ? 'swallow' : 'pass');
  const connection = await pool.acquire();
  const stuck = connection.query('RETURN "stuck"').collect();
  stuck.catch(() => {});
  await vi.waitFor(() => expect(asked(front, 'query')).toBe(1));
  connection.release();
  expect(await expectClean(pool)).not.toBe(connection.id);
  await expect(stuck).rejects.toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' });
  expect(pool.poolStats()).toMatchObject({ resetsFailed: 1, closedBy: { 'reset-failed': 1 } });
  await endsWell(pool, before);
});

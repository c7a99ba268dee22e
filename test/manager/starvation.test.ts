import { expect, test } from 'vitest';
import type { ConnectionManager, PooledConnection } from '../../src/index.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const other = { namespace: 'other', database: 'place' };
/** So many callers of one identity always want a connection, or have it. */
const callers = 4;

const leases: [string, (pool: ConnectionManager) => Promise<unknown>][] = [
  ['that change nothing', (pool) => pool.withConnection((connection) => connection.query('RETURN 1').collect())],
  ['of single calls', (pool) => pool.query('RETURN 1').collect()],
  ['that set a variable', (pool) => pool.withConnection((connection) => connection.set('a', 1))],
  [
    'that choose another database',
    (pool) => pool.withConnection((connection) => connection.use({ namespace: 'test', database: 'elsewhere' })),
  ],
  ['that sign out', (pool) => pool.withConnection((connection) => connection.invalidate())],
  ['whose connection is closed', (pool) => pool.withConnection((connection) => connection.markForRecycling())],
  [
    'that leave a transaction open',
    (pool) => pool.withConnection((connection: PooledConnection) => connection.beginTransaction()),
  ],
];

test.each(leases)('a stream of leases %s starves no other identity of a pool of one', async (_which, lease) => {
  const pool = await own.connect(await own.listen(), { maxConnections: 1, connectionTimeout: '120s' });
  let done = 0;
  let over = false;
  const stream = async (): Promise<void> => {
    while (!over) {
      await lease(pool);
      done++;
    }
  };
  const streams = Array.from({ length: callers }, stream);
  for (let turn = 0; turn < 10; turn++) {
    // A connection stays with an identity for 50 ms at most: what the stream has until then is not counted.
    let before: number | undefined;
    const counted = setTimeout(() => {
      before = done;
    }, 50);
    await using connection = await pool.acquire(other);
    clearTimeout(counted);
    // One each that was ahead of it in the line, and one that was under way.
    expect(done - (before ?? done)).toBeLessThanOrEqual(2 * callers);
    expect(await connection.query('RETURN session::db()')).toEqual([other.database]);
  }
  over = true;
  await Promise.all(streams);
  expect(done).toBeGreaterThanOrEqual(callers);
});

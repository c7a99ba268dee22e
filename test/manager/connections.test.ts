import { Table } from 'surrealdb';
import { expect, test } from 'vitest';
import { readPool } from '../../src/metrics/reading.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

test('connections() says who has each connection, and what is done on it, without values', async () => {
  const pool = await own.pool('mem://', {
    ...{ minConnections: 2, maxConnections: 2, idleLeaseThreshold: 60_000 },
  });
  await pool.warm();
  await pool.query('DEFINE TABLE thing');
  const lease = await pool.acquire({ variables: { key: 'hunter2' } });
  await lease.query('SELECT * FROM thing WHERE secret = "hunter2" AND age > $age', { age: 4711 });
  await lease.query('RETURN 1');
  const transaction = await lease.beginTransaction();
  await transaction.query('CREATE thing:hunter2 SET age = 4711');
  const [idle, lent] = [...pool.connections()].sort((a, b) => a.state.localeCompare(b.state));
  const place = { namespace: 'test', database: 'test', user: 'no user' };
  expect(idle).toEqual({
    ...{ id: expect.any(Number), endpoint: 'mem://', state: 'idle', stateFor: expect.any(Number) },
    ...{ age: expect.any(Number), uses: expect.any(Number), ...place, holder: undefined },
  });
  expect(lent).toMatchObject({ id: lease.id, state: 'leased', ...place });
  expect(lent?.holder).toEqual({
    ...{ agent: undefined, sharedBy: 0, queries: 3, statement: 'CREATE thing:? SET age = ?' },
    ...{ held: expect.any(Number), idle: expect.any(Number), transactionFor: expect.any(Number) },
    origin: expect.stringContaining('connections.test'),
  });
  expect(JSON.stringify(pool.connections())).not.toMatch(/hunter2|4711/);
  await transaction.rollback();
  lease.release();
  expect(pool.connections().map(({ holder }) => holder)).toEqual([undefined, undefined]);
});

test('connections() counts the queries of each lease by itself', async () => {
  const pool = await own.pool('mem://', { maxConnections: 1 });
  const first = await pool.acquire();
  await first.query('RETURN 1');
  await first.query('RETURN 2');
  first.release();
  const second = await pool.acquire();
  expect(pool.connections()[0]?.holder).toMatchObject({ queries: 0, statement: undefined, transactionFor: undefined });
  await second.query('RETURN 3');
  expect(pool.connections()[0]?.holder).toMatchObject({ queries: 1 });
  const slow = second.query('SLEEP 200ms').then();
  await expect.poll(() => pool.connections()[0]?.holder?.idle).toBeUndefined();
  expect(pool.connections()[0]?.holder?.unansweredFor).toBeGreaterThanOrEqual(0);
  await slow;
  expect(pool.connections()[0]?.holder?.unansweredFor).toBeUndefined();
  second.release();
});

test('connections() counts a lease with an open live query as used', async () => {
  const pool = await own.connect(await own.listen(), { maxConnections: 1 });
  const lease = await pool.acquire();
  const live = await lease.live(new Table('thing'));
  expect(pool.connections()[0]?.holder).toMatchObject({ idle: undefined });
  expect(readPool(pool, { tenants: 0 }).idlestLease).toBe(0);
  await live.kill();
  await expect.poll(() => pool.connections()[0]?.holder?.idle).toBeGreaterThan(0);
  lease.release();
});

test('connections() names the agent that has a connection', async () => {
  const pool = await own.pool('mem://', { maxConnections: 1 });
  const session = pool.createSession({ agentId: 'importer' });
  const lease = await session.acquire();
  expect(pool.connections()[0]?.holder).toMatchObject({ agent: 'importer', sharedBy: 0 });
  lease.release();
});

test('connections() counts the calls that share a connection', async () => {
  const pool = await own.pool('mem://', { maxConnections: 1 });
  const calls = [pool.query('SLEEP 200ms').then(), pool.query('SLEEP 200ms').then()];
  await expect.poll(() => pool.connections()[0]?.holder).toMatchObject({ sharedBy: 2, agent: undefined });
  await Promise.all(calls);
});

test('the statistics count queries and the time of each', async () => {
  const pool = await own.pool('mem://');
  await pool.query('DEFINE TABLE thing');
  await expect(pool.query('THROW "no"')).rejects.toThrow('no');
  // The pool adds a statement to a write, whose answer is an error that the caller never sees.
  await pool.withTransaction(async (transaction) => await transaction.query('CREATE thing'));
  expect(pool.poolStats()).toMatchObject({ queries: 3, queriesFailed: 1, queryTime: { count: 3 } });
});

import { expect, test, vi } from 'vitest';
import { AgentLimitError, LeaseReleasedError } from '../../src/index.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const patience = { timeout: 20_000 };
const releasing = { whileIdle: 'release', idleAfter: 5 } as const;

test('a parked lease of a session counts as no connection of it, and its next call is admitted like an acquire', async () => {
  const pool = await own.pool('mem://', { maxConnections: 3 });
  const session = pool.createSession({ agentId: 'thinker', limits: { maxConnections: 1 } });
  const connection = await session.acquire(releasing);
  expect(session.sessionStats().activeConnections).toBe(1);
  await vi.waitFor(() => expect(connection.isParked).toBe(true), patience);
  expect(session.sessionStats().activeConnections).toBe(0);
  const other = await session.acquire();
  await expect(connection.query('RETURN 1')).rejects.toThrow(AgentLimitError);
  other.release();
  expect(await connection.query('RETURN 2')).toEqual([2]);
  expect(session.sessionStats().activeConnections).toBe(1);
  await vi.waitFor(() => expect(connection.isParked).toBe(true), patience);
  await session.close();
  await expect(connection.query('RETURN 3')).rejects.toThrow();
  connection.release();
  expect(pool.poolStats()).toMatchObject({ leased: 0, waiting: 0 });
});

test('a lease of a session ends after the maxHold of its limits', async () => {
  const pool = await own.pool('mem://', { maxConnections: 1 });
  const session = pool.createSession({ agentId: 'holder', limits: { maxHold: 50 } });
  const connection = await session.acquire({ maxHold: '1h' });
  await vi.waitFor(() => expect(session.sessionStats().activeConnections).toBe(0), patience);
  await expect(connection.query('RETURN 1')).rejects.toThrow(LeaseReleasedError);
  connection.release();
  await session.close();
  expect(pool.poolStats()).toMatchObject({ leased: 0, releasedTwice: 0 });
});

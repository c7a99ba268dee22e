import { expect, test, vi } from 'vitest';
import type { Front } from '../support/front.js';
import { encodeReply, failure } from '../support/rpc-wire.js';
import { asked, surroundings } from '../support/surroundings.js';

const own = surroundings();
const root = { username: 'root', password: 'secret' };

/** Lets each socket have so many sessions, its own among them, as a server since 3.1 does. */
function limitSessions(front: Front, limit: () => number): { refused: number } {
  const sessions = new Map<number, number>();
  const counts = { refused: 0 };
  front.onRequest = ({ id, method }, { number }) => {
    const have = sessions.get(number) ?? 1;
    if (method === 'detach') sessions.set(number, have - 1);
    if (method !== 'attach') return 'pass';
    if (have < limit()) {
      sessions.set(number, have + 1);
      return 'pass';
    }
    counts.refused++;
    const details = { kind: 'Method', details: { name: 'attach' } };
    const refusal = { code: -32602, kind: 'NotAllowed', message: 'Method not allowed', details };
    return { instead: () => [encodeReply(id, failure(refusal as Parameters<typeof failure>[0]))] };
  };
  return counts;
}

test('a socket that takes no further session gets company: 12 connections at 4 a socket are 3 sockets', async () => {
  const front = await own.listen({ auth: true });
  const counts = limitSessions(front, () => 5);
  const pool = await own.connect(front, { credentials: root, maxConnections: 12, sessionsPerTransport: 8 });
  const leases = await Promise.all(Array.from({ length: 12 }, () => pool.acquire()));
  expect(front.accepted).toBe(3);
  expect(pool.poolStats()).toMatchObject({ opened: 12, openFailed: 0 });
  // The first refusal tells the limit of all sockets of the endpoint; openings that were under way may meet it as well.
  expect(counts.refused).toBeLessThanOrEqual(2);
  for (const lease of leases) lease.release();
});

test('the limit is asked anew once a socket ended', async () => {
  const front = await own.listen();
  let limit = 3;
  const counts = limitSessions(front, () => limit);
  const pool = await own.connect(front, { minConnections: 4, maxConnections: 4, sessionsPerTransport: 4 });
  await vi.waitFor(() => expect(pool.poolStats().idle).toBe(4));
  expect(front.connections).toBe(2);
  expect(counts.refused).toBeGreaterThan(0);
  limit = 100;
  front.dropAll();
  await vi.waitFor(() => expect(pool.poolStats()).toMatchObject({ idle: 4, opened: 8 }));
  await vi.waitFor(() => expect(front.connections).toBe(1));
});

test('a full socket on which a connection changes its user costs that connection, and nothing is refused', async () => {
  const front = await own.listen({ auth: true });
  limitSessions(front, () => 3);
  const pool = await own.connect(front, { credentials: root, maxConnections: 2, sessionsPerTransport: 2 });
  const both = [await pool.acquire(), await pool.acquire()] as const;
  expect(front.connections).toBe(1);
  for (const lease of both) lease.release();
  await own.engine.query('DEFINE USER OVERWRITE other ON ROOT PASSWORD "secret" ROLES VIEWER');
  const other = { credentials: { username: 'other', password: 'secret' } };
  expect(await pool.scope(other).query('RETURN $token.ID')).toEqual(['other']);
  expect(await pool.query('RETURN $token.ID')).toEqual(['root']);
});

test('a server that takes no session at all refuses for good', async () => {
  const front = await own.listen();
  limitSessions(front, () => 1);
  await expect(own.connect(front, { minConnections: 1 })).rejects.toMatchObject({
    code: 'ERR_POOL_CONNECT',
    message: expect.stringContaining('Method not allowed'),
  });
  expect(asked(front, 'attach')).toBe(1);
});

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { AgentSession, ConnectionManager } from '../../src/index.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const connections = 20;
const greedyCallers = 200;
const rounds = 20;
/** The engine holds the connection for this long and computes nothing meanwhile. */
const work = 'SLEEP 20ms';

type Leases = Pick<AgentSession, 'acquire'>;

/**
 * How many leases of others began while each call of the light one waited for its own, beside many callers who always
 * want one more.
 */
async function leasesOfOthers(
  pool: ConnectionManager,
  light: Leases,
  greedy: Leases,
  times = rounds,
): Promise<number[]> {
  let lent = 0;
  /** The number of the present acquire of the light one, and how many had been lent when it began. */
  let awaited = 0;
  let before = 0;
  const counts: number[] = [];
  // The pool tells of both in the order in which they happened.
  pool.subscribe('acquireStarted', ({ acquire }) => {
    if (acquire === awaited) before = lent;
  });
  pool.subscribe('acquired', ({ acquire }) => {
    if (acquire === awaited) counts.push(lent - before);
    lent++;
  });
  let isOver = false;
  const callers = Array.from({ length: greedyCallers }, async () => {
    while (!isOver) await using(greedy.acquire());
  });
  // All connections are lent, and the others wait.
  while (lent < greedyCallers) await sleep(1);
  for (let round = 0; round < times; round++) {
    const acquiring = light.acquire();
    awaited = pool.poolStats().started;
    await using(acquiring);
    // Leases that take long for once must not count as what such a lease takes.
    if (round === 5) blockFor(200);
    await sleep(round % 7);
  }
  isOver = true;
  await Promise.all(callers);
  expect(counts).toHaveLength(times);
  return counts;
}

/** Nothing else of this process runs meanwhile. */
function blockFor(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

async function using(acquiring: ReturnType<Leases['acquire']>): Promise<void> {
  const connection = await acquiring;
  await connection.query(work);
  connection.release();
}

async function smallPool(): Promise<ConnectionManager> {
  return await own.pool(rocksdbUrl(), {
    maxConnections: connections,
    maxConnecting: connections,
    connectionTimeout: 0,
  });
}

/**
 * How many leases of others may begin before the light one's: fewer than one for each connection. Mostly it is none: as a
 * turn is as long as one of these leases, the light one gets the next connection that becomes free.
 */
const few = connections;

test('a session that asks seldom is served before 200 callers of another session', async () => {
  const pool = await smallPool();
  const light = pool.createSession({ agentId: 'light' });
  const counts = await leasesOfOthers(pool, light, pool.createSession({ agentId: 'greedy' }));
  expect(Math.max(...counts), counts.join(' ')).toBeLessThan(few);
});

test('so is one beside 200 plain callers', async () => {
  const pool = await smallPool();
  const counts = await leasesOfOthers(pool, pool.createSession({ agentId: 'light' }), pool);
  expect(Math.max(...counts), counts.join(' ')).toBeLessThan(few);
});

test('so is one beside a session whose 200 callers are those of its children', async () => {
  const pool = await smallPool();
  const parent = pool.createSession({ agentId: 'greedy' });
  const children = Array.from({ length: 10 }, (_, index) => pool.createSession({ agentId: `child ${index}`, parent }));
  let next = 0;
  const greedy: Leases = { acquire: (...args) => (children[next++ % children.length] ?? parent).acquire(...args) };
  const counts = await leasesOfOthers(pool, pool.createSession({ agentId: 'light' }), greedy);
  expect(Math.max(...counts), counts.join(' ')).toBeLessThan(few);
});

test('one of 201 plain callers waits its turn', async () => {
  const pool = await smallPool();
  const counts = await leasesOfOthers(pool, pool, pool, 5);
  expect(Math.min(...counts), counts.join(' ')).toBeGreaterThan(greedyCallers / 2);
});

import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordId } from 'surrealdb';
import { expect, test } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import { seededRandom } from '../support/seeded-random.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';
import { rowTable, SessionsUnderLoad } from './sessions-under-load.js';

const own = surroundings(rocksdbUrl());
const connections = 20;
/** A call that has not come to an end by then never will. */
const longest = 90_000;

const options = {
  ...{ maxConnections: connections, maxConnecting: connections, connectionTimeout: 0 },
  retryPolicy: { maxAttempts: 4, initialBackoff: 1, maxBackoff: 20 },
};

async function play(pool: ConnectionManager, sessions: number, callsOfEach: number): Promise<void> {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
  await pool.query(`DEFINE TABLE ${rowTable}; DEFINE TABLE hot; UPSERT hot:one SET n = 0`);
  const load = new SessionsUnderLoad({ pool, sessions, callsOfEach, random: seededRandom(seed) });
  const waiting = new AbortController();
  const tooLong = sleep(longest, true, { signal: waiting.signal }).catch(() => false);
  if (await Promise.race([load.run().then(() => false), tooLong])) {
    const open = load.unsettled;
    throw new Error(`SEED=${seed}: ${open.length} calls came to no end: ${open.slice(0, 20).join(', ')}`);
  }
  waiting.abort();
  const [rows] = await pool.query<[{ id: RecordId; session: string }[]]>(`SELECT id, session FROM ${rowTable}`);
  const wrong = load.check(rows);
  const { happened, callers } = load;
  console.log(`SEED=${seed}, ${sessions} sessions: ${rows.length} rows, ${JSON.stringify(happened)}`);
  expect(wrong, `SEED=${seed}`).toEqual([]);
  // Otherwise it would show nothing; in few calls something may be left out.
  if (sessions * callsOfEach >= 3_000) {
    for (const [what, times] of Object.entries(happened)) expect(times, `SEED=${seed}: ${what}`).toBeGreaterThan(0);
  }

  const { totals } = pool.sessions();
  await Promise.all(callers.map(({ session }) => session.close()));
  const after = pool.sessions();
  expect(after, `SEED=${seed}`).toMatchObject({ open: 0, created: sessions, sessions: [] });
  for (const name of Object.keys(totals) as (keyof typeof totals)[]) {
    expect(after.totals[name], `SEED=${seed}: ${name}`).toBeCloseTo(totals[name], 3);
  }
}

test.each([
  [50, 60],
  [1_000, 6],
])('%i sessions on 20 connections of an engine inside the process', async (sessions, callsOfEach) => {
  await play(await own.pool(rocksdbUrl(), options), sessions, callsOfEach);
});

test('100 sessions on 20 connections over sockets', async () => {
  await play(await own.connect(await own.listen(), options), 100, 12);
});

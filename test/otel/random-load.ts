import { setTimeout as sleep } from 'node:timers/promises';
import { RecordId } from 'surrealdb';
import type { ConnectionManager } from '../../src/index.js';
import { between, oneOf, type Random } from '../support/seeded-random.js';

type Use = (pool: ConnectionManager, random: Random) => Promise<unknown>;

/** What services do with a pool, and what goes wrong for them; some of it on purpose. */
const uses: readonly [Use, ...Use[]] = [
  (pool) => pool.query('RETURN 1').collect(),
  (pool, random) => pool.query('UPSERT $id SET n = 1', { id: new RecordId('thing', between(random, 1, 9)) }).collect(),
  (pool) => pool.query('THROW "no"').collect(),
  (pool) => pool.query('RETURN 1; THROW "no"').responses(),
  (pool) => pool.query('SELEC 1').collect(),
  (pool) => pool.query('SLEEP 3ms; RETURN 1').collect(),
  async (pool, random) => {
    const lease = await pool.acquire({ timeout: between(random, 1, 40) });
    await sleep(between(random, 0, 10));
    lease.release();
    if (random() < 0.1) lease.release();
  },
  async (pool, random) => {
    await using lease = await pool.acquire({ signal: AbortSignal.timeout(between(random, 1, 30)) });
    await lease.query('RETURN 1').collect();
  },
  async (pool, random) => {
    await using lease = await pool.acquire({ variables: { user: between(random, 1, 3) } });
    await lease.set('word', 1);
  },
  (pool, random) =>
    pool.withTransaction(async (transaction) => {
      await transaction.query('UPSERT thing:1 SET n = 2');
      const savepoint = await transaction.savepoint();
      await transaction.query('CREATE thing');
      if (random() < 0.5) await savepoint.rollback();
      if (random() < 0.3) throw new Error('rolled back');
    }),
  async (pool, random) => {
    const session = pool.createSession({
      agentId: `agent-${between(random, 1, 5)}`,
      limits: { maxOperations: 3 },
    });
    for (let call = 0; call < 4; call++)
      await session
        .query('RETURN 1')
        .collect()
        .catch(() => {});
    await session.close();
  },
  async (pool, random) => {
    if (random() < 0.3) pool.recycleAll();
  },
  async (pool) => {
    pool.pause();
    await sleep(2);
    pool.resume();
  },
];

/**
 * Uses pools by random for so long, and waits until all of it has ended.
 * @returns how much of it failed: never all, and never nothing
 */
export async function randomLoad(
  pools: readonly [ConnectionManager, ...ConnectionManager[]],
  random: Random,
  duration: number,
): Promise<{ done: number; failed: number }> {
  const end = performance.now() + duration;
  let done = 0;
  let failed = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      await oneOf(random, uses)(oneOf(random, pools), random).then(
        () => done++,
        () => failed++,
      );
    }
  };
  await Promise.all(Array.from({ length: 12 }, caller));
  // A connection may still be closed, reset or opened: then a counter moves on.
  for (;;) {
    const before = JSON.stringify(pools.map(settling));
    await sleep(100);
    const states = pools.map(settling);
    const busy = states.some(({ leased, opening, resetting, closing }) => leased + opening + resetting + closing > 0);
    if (!busy && JSON.stringify(states) === before) return { done, failed };
  }
}

function settling(pool: ConnectionManager) {
  const { leased, opening, resetting, closing, served, opened, closed, queries, timedOut, aborted } = pool.poolStats();
  return { leased, opening, resetting, closing, served, opened, closed, queries, timedOut, aborted };
}

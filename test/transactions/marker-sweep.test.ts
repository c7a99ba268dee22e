import { beforeEach, describe, expect, test, vi } from 'vitest';
import { markerTable } from '../../src/transactions/commit-fence.js';
import type { Place } from '../support/backend.js';
import { firstCommit, newDatabase } from '../support/commits.js';
import type { Fault, Front, RpcCall } from '../support/front.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const verified = { verifyCommit: true };

let place: Place;
let front: Front;

beforeEach(async () => {
  place = await newDatabase(own.engine);
  await own.engine.query(`DEFINE TABLE ${markerTable} SCHEMALESS PERMISSIONS NONE`, place);
  front = await own.listen();
});

const connect = (options: object = {}) => own.connect(front, { ...place, maxConnections: 4, ...options });
const work = () => {};
const isStep = ({ method, params }: RpcCall): boolean =>
  method === 'query' && JSON.stringify(params).includes('DELETE');

/** Creates records with ids by an expression of the server, marked so that they can be counted. */
async function fill(name: string, count: number, id: string, state: string, age: string): Promise<void> {
  await own.engine.query(
    `FOR $number IN 0..${count} {
       CREATE type::record('${markerTable}', ${id}) SET name = '${name}', state = '${state}', at = time::now() - ${age} RETURN NONE
     }`,
    place,
  );
}

/** How many records there are of each name. */
async function left(): Promise<Record<string, number>> {
  const query = `SELECT name, count() FROM ${markerTable} WHERE name != NONE GROUP BY name`;
  const [rows] = (await own.engine.query(query, place)) as [{ name: string; count: number }[]];
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

const random = 'rand::uuid::v4()';
const byTime = (age: string): string => `rand::uuid::v7(time::now() - ${age})`;
const byTimeAhead = 'rand::uuid::v7(time::now() + 1w)';
const old = (count: number) => fill('old', count, random, 'committed', '2h');

/** Counts the steps of sweeps, and decides over each. */
function onSteps(decide: (step: number) => Fault | Promise<Fault>): () => number {
  let steps = 0;
  front.onRequest = (request) => (isStep(request) ? decide(++steps) : 'pass');
  return () => steps;
}

describe('a sweep', () => {
  test('deletes old markers and fences whatever their ids are, and no others', async () => {
    await fill('old random', 300, random, 'committed', '61m');
    await fill('old by time', 300, byTime('2h'), 'committed', '2h');
    await fill('old fences', 50, byTime('7h'), 'fenced', '7h');
    await fill('old random fences', 50, random, 'fenced', '7h');
    await fill('old numbers', 50, '$number', 'committed', '2h');
    await fill('old texts', 50, '<string> $number', 'committed', '2h');
    await fill('old lists', 50, '[$number]', 'committed', '2h');
    await fill('random', 300, random, 'committed', '50m');
    await fill('by time', 300, byTime('50m'), 'committed', '50m');
    await fill('fences', 50, byTime('2h'), 'fenced', '2h');
    await fill('random fences', 50, random, 'fenced', '5h');
    const pool = await connect();
    await pool.withTransaction(work, verified);
    await vi.waitFor(async () =>
      expect(await left()).toEqual({ random: 300, 'by time': 300, fences: 50, 'random fences': 50 }),
    );
    expect(await own.engine.query(`RETURN count(SELECT id FROM ${markerTable} WHERE name = NONE)`, place)).toEqual([1]);
  });

  test('goes by the clock of the server, not by that of the process that made the id', async () => {
    await fill('old, made by a clock a week ahead', 10, byTimeAhead, 'committed', '2h');
    await fill('new, made by a clock ten years behind', 10, byTime('10y'), 'committed', '1m');
    await fill('new, made by a clock a week ahead', 10, byTimeAhead, 'committed', '1m');
    const pool = await connect();
    await pool.withTransaction(work, verified);
    await vi.waitFor(async () =>
      expect(await left()).toEqual({
        'new, made by a clock ten years behind': 10,
        'new, made by a clock a week ahead': 10,
      }),
    );
  });

  test('takes many in steps, on one connection beside the pool, and does not keep it', async () => {
    await old(7_000);
    const counts: number[] = [];
    onSteps(async (): Promise<Fault> => {
      counts.push((await left()).old ?? 0);
      return 'pass';
    });
    const pool = await connect({ maxConnections: 1 });
    const before = front.accepted;
    await pool.withTransaction(work, verified);
    await vi.waitFor(async () => expect(await left()).toEqual({}), { timeout: 20_000 });
    const deleted = counts.map((rest, index) => rest - (counts[index + 1] ?? 0));
    expect(deleted.filter((count) => count > 0).length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...deleted)).toBeLessThanOrEqual(5_000);
    expect(deleted.reduce((sum, count) => sum + count, 0)).toBe(7_000);
    await vi.waitFor(() => expect(front.connections).toBe(1));
    expect(front.accepted - before).toBeLessThanOrEqual(3);
  });

  test('passes many living markers on its way', async () => {
    await fill('living', 5_000, random, 'committed', '1m');
    await fill('last', 1, "u'ffffffff-ffff-4fff-bfff-ffffffffffff'", 'committed', '2h');
    const pool = await connect();
    await pool.withTransaction(work, verified);
    await vi.waitFor(async () => expect(await left()).toEqual({ living: 5_000 }), { timeout: 20_000 });
  });

  test.each(['kill', 'drop'] as const)(
    'that is cut off (%s) keeps what was done, and the next one does the rest',
    async (fault) => {
      await old(7_000);
      const steps = onSteps((step) => (step === 3 ? fault : 'pass'));
      const pool = await connect();
      await pool.withTransaction(work, verified);
      await vi.waitFor(() => expect(steps()).toBe(3), { timeout: 20_000 });
      await vi.waitFor(() => expect(front.connections).toBe(1));
      const rest = (await left()).old ?? 0;
      expect(rest).toBeGreaterThan(0);
      expect(rest).toBeLessThan(7_000);
      await pool.withTransaction(work, verified);
      expect(steps(), 'not tried again at once').toBe(3);
      const next = await connect();
      await next.withTransaction(work, verified);
      await vi.waitFor(async () => expect(await left()).toEqual({}), { timeout: 20_000 });
    },
  );

  test('whose step gets no answer ends, and the pool goes on', async () => {
    await old(5_000);
    const steps = onSteps((step) => (step === 2 ? 'swallow' : 'pass'));
    const pool = await connect({ openTimeout: 500 });
    await pool.withTransaction(work, verified);
    await vi.waitFor(() => expect(steps()).toBe(2));
    await pool.withTransaction(work, verified);
    await vi.waitFor(() => expect(front.connections).toBe(1));
    expect(steps()).toBe(2);
  });

  test('that hangs does not keep a lost commit from being found out', async () => {
    await old(10);
    const steps = onSteps(() => 'swallow');
    const pool = await connect({ openTimeout: '10m', connectionTimeout: '10s' });
    await pool.withTransaction(work, verified);
    await vi.waitFor(() => expect(steps()).toBe(1));
    front.onRequest = firstCommit('drop');
    await pool.withTransaction((open) => open.query('CREATE thing:1'), verified);
    expect(pool.poolStats().transactions).toMatchObject({ fenced: 1, unknown: 0 });
  });

  test('ends at once when the pool is shut down', async () => {
    await old(7_000);
    const steps = onSteps((step) => (step === 2 ? new Promise<Fault>(() => {}) : 'pass'));
    const pool = await connect({ openTimeout: '10m' });
    await pool.withTransaction(work, verified);
    await vi.waitFor(() => expect(steps()).toBe(2));
    await pool.shutdown({ gracePeriod: 0 });
    await vi.waitFor(() => expect(front.connections).toBe(0));
    expect(steps()).toBe(2);
    expect((await left()).old).toBeGreaterThan(0);
  });

  test('by several pools at once leaves nothing, and is in nobody’s way', async () => {
    await old(6_000);
    await fill('old by time', 6_000, byTime('2h'), 'committed', '2h');
    const pools = await Promise.all([1, 2, 3].map(() => connect()));
    const commit = async (number: number): Promise<void> => {
      const pool = pools[number % pools.length];
      await pool?.withTransaction((open) => open.query(`CREATE thing:${number}`), verified);
    };
    for (let round = 0; round < 10; round++) {
      await Promise.all([0, 1, 2, 3, 4, 5].map((number) => commit(round * 6 + number)));
    }
    // At most one of those that met is left with the rest.
    await vi.waitFor(async () => expect(await left()).toEqual({}), { timeout: 20_000 });
    expect(await own.engine.query(`RETURN count(SELECT id FROM ${markerTable} WHERE name = NONE)`, place)).toEqual([
      60,
    ]);
    for (const pool of pools) {
      expect(pool.poolStats().transactions).toMatchObject({ conflicts: 0, unknown: 0, lost: 0 });
    }
  });
});

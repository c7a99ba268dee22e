import { Table } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import type { PooledConnection } from '../../src/index.js';
import { asked, surroundings } from '../support/surroundings.js';
import { settled } from '../support/virtual-clock.js';

const { listen, connect, pool: openPool } = surroundings();
const thing = new Table('thing');

describe.each(['over a socket', 'embedded'])('what a lease changed is undone, %s', (where) => {
  async function onePool() {
    return where === 'embedded'
      ? openPool('mem://', { maxConnections: 1 })
      : connect(await listen(), { maxConnections: 1 });
  }

  test('the database', async () => {
    const pool = await onePool();
    await pool.withConnection(async (connection) => {
      await connection.use({ namespace: 'other', database: 'place' });
      expect(await connection.query('RETURN [session::ns(), session::db()]')).toEqual([['other', 'place']]);
    });
    expect(await pool.query('RETURN [session::ns(), session::db()]')).toEqual([['test', 'test']]);
    expect(pool.poolStats()).toMatchObject({ opened: 1, resets: 1, resetsFailed: 0 });
  });

  test('variables', async () => {
    const pool = await onePool();
    await pool.withConnection(async (connection) => {
      await connection.set('secret', 'mine');
      expect(await connection.query('RETURN $secret')).toEqual(['mine']);
    });
    expect(await pool.query('RETURN $secret')).toEqual([undefined]);
    expect(pool.poolStats()).toMatchObject({ opened: 1, resets: 1 });
  });

  test('the user: the session is replaced, because signing out keeps its expiry', async () => {
    const pool = await onePool();
    await pool.query(
      'DEFINE ACCESS person ON DATABASE TYPE RECORD SIGNUP (CREATE person SET name = $name) DURATION FOR SESSION 2s',
    );
    await pool.withConnection(async (connection) => {
      await connection.signup({
        ...{ namespace: 'test', database: 'test' },
        access: 'person',
        variables: { name: 'Ada' },
      });
      expect(await connection.query('RETURN $auth != NONE')).toEqual([true]);
      expect(await connection.query('RETURN $session.exp != NONE')).toEqual([true]);
    });
    expect(await pool.query('RETURN [$auth, $session.exp, session::db()]')).toEqual([[undefined, undefined, 'test']]);
    expect(pool.poolStats()).toMatchObject({ opened: 1, resets: 1 });
    await pool.query('REMOVE ACCESS person ON DATABASE; REMOVE TABLE person');
  });

  test('live queries', async () => {
    const pool = await onePool();
    await pool.query('DEFINE TABLE IF NOT EXISTS thing');
    let seen = 0;
    await pool.withConnection(async (connection) => {
      const live = await connection.live(thing);
      live.subscribe(({ action }) => {
        if (action === 'CREATE') seen++;
      });
      await connection.query('LIVE SELECT * FROM thing');
    });
    await pool.create(thing).content({});
    await pool.query('INFO FOR TABLE thing').then(([info]) => {
      expect(Object.keys((info as { lives: object }).lives)).toEqual([]);
    });
    expect(seen).toBe(0);
  });
});

describe.each(['over a socket', 'embedded'])('live queries are killed wherever they were begun, %s', (where) => {
  const home = { namespace: 'test', database: 'test' };
  const [there, beyond] = [
    { namespace: 'test', database: 'moved' },
    { namespace: 'far', database: 'away' },
  ];
  const livesOf = async (connection: PooledConnection): Promise<number> => {
    const [{ lives }] = await connection.query<[{ lives: object }]>('INFO FOR TABLE thing');
    return Object.keys(lives).length;
  };

  test.each([
    ['after a use()', [there]],
    ['at home, before a use()', [home, there]],
    ['elsewhere, before another use()', [there, beyond]],
    ['elsewhere, before the way back', [there, home]],
  ])('%s', async (_name, way) => {
    const pool =
      where === 'embedded'
        ? await openPool('mem://', { maxConnections: 2 })
        : await connect(await listen(), { maxConnections: 2 });
    const [start = home, ...onwards] = way;
    await using witness = await pool.acquire();
    for (const place of [home, there, beyond]) {
      await witness.use(place);
      await witness.query('DEFINE TABLE IF NOT EXISTS thing');
    }
    await witness.use(start);

    const connection = await pool.acquire();
    await connection.query(`USE NS ${start.namespace} DB ${start.database}; LIVE SELECT * FROM thing`);
    await connection.use(start);
    await connection.live(thing);
    expect(await livesOf(witness)).toBe(2);
    for (const place of onwards) await connection.use(place);
    connection.release();
    await vi.waitFor(() => expect(pool.poolStats().resets).toBe(1));
    expect(await livesOf(witness)).toBe(0);
  });
});

describe('a release', () => {
  test('sends nothing when nothing was changed, and the connection is free at once', async () => {
    const front = await listen();
    const pool = await connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    await connection.query('RETURN 1');
    const before = new Map(front.requests);
    connection.release();
    expect(pool.poolStats().idle).toBe(1);
    const again = await pool.acquire();
    again.release();
    expect(front.requests).toEqual(before);
  });

  test('with a call still running lends the connection only after that call has settled', async () => {
    const front = await listen();
    const pool = await connect(front, { maxConnections: 1 });
    let answered = false;
    const connection = await pool.acquire();
    const slow = connection.query('SLEEP 100ms; RETURN "slow"').then(() => {
      answered = true;
    });
    await untilAsked(() => asked(front, 'query') > 0);
    connection.release();
    expect(pool.poolStats().resetting).toBe(1);
    const next = await pool.acquire();
    await settled();
    expect(answered).toBe(true);
    await slow;
    expect(next.id).toBe(connection.id);
    next.release();
  });

  test('with a call still running on a connection that is due for closing lets the call end first', async () => {
    const front = await listen();
    const pool = await connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    const slow = connection.query('SLEEP 100ms; RETURN "slow"').collect();
    await untilAsked(() => asked(front, 'query') > 0);
    connection.markForRecycling();
    connection.release();
    expect(await slow).toEqual([undefined, 'slow']);
    await vi.waitFor(() => expect(pool.poolStats().closedBy.recycled).toBe(1));
  });

  test('with a call that does not end closes the connection, and the call fails with an unknown outcome', async () => {
    const front = await listen();
    const pool = await connect(front, { maxConnections: 1, resetTimeout: 50 });
    front.onRequest = ({ method }) => (method === 'query' ? 'swallow' : 'pass');
    const connection = await pool.acquire();
    const stuck = connection.query('RETURN 1').collect();
    stuck.catch(() => {});
    await untilAsked(() => asked(front, 'query') > 0);
    connection.release();
    await expect(stuck).rejects.toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' });
    await vi.waitFor(() => expect(pool.poolStats().closedBy['reset-failed']).toBe(1));
    front.onRequest = () => 'pass';
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });
});

async function untilAsked(condition: () => boolean): Promise<void> {
  while (!condition()) await settled();
}

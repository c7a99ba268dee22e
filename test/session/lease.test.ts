import { eq, RecordId, surql, Table } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import { LeaseReleasedError, type PooledConnection, UsageError } from '../../src/index.js';
import { asked, surroundings } from '../support/surroundings.js';
import { settled } from '../support/virtual-clock.js';

const { listen, connect, pool: openPool } = surroundings();
const thing = new Table('thing');

describe('a lease', () => {
  test('has every query and builder of the SDK', async () => {
    const pool = await connect(await listen());
    await using connection = await pool.acquire();
    const id = new RecordId('thing', 1);

    expect(await connection.create(id).content({ name: 'one' })).toEqual({ id, name: 'one' });
    expect(await connection.upsert(new RecordId('thing', 2)).content({ name: 'two' })).toMatchObject({ name: 'two' });
    await connection.insert(thing, [{ id: new RecordId('thing', 3), name: 'three' }]);
    await connection.update(id).merge({ size: 5 });
    await connection.relate(id, new Table('knows'), new RecordId('thing', 2));
    await connection.delete(new RecordId('thing', 3));
    expect(await connection.select(thing)).toEqual([
      { id, name: 'one', size: 5 },
      { id: new RecordId('thing', 2), name: 'two' },
    ]);
    expect(await connection.query(surql`RETURN ${5} + 1`)).toEqual([6]);
    expect(await connection.run('math::max', [[1, 7, 3]])).toBe(7);
    const responses = await connection.query('RETURN 1; THROW "no"').responses();
    expect(responses.map(({ success }) => success)).toEqual([true, false]);
    await connection.query('REMOVE TABLE knows');
  });

  const kept: readonly [string, (connection: PooledConnection) => () => Promise<unknown>][] = [
    ['the connection', (connection) => () => connection.query('RETURN 1').collect()],
    [
      'connection()',
      (connection) => {
        const plain = connection.connection();
        return () => plain.select(thing).then();
      },
    ],
    [
      'a query',
      (connection) => {
        const query = connection.query('RETURN 1');
        return () => query.collect();
      },
    ],
    [
      'a query asked for its responses',
      (connection) => {
        const query = connection.query('RETURN 1');
        return () => query.responses();
      },
    ],
    [
      'a stream',
      (connection) => {
        const query = connection.query('RETURN 1');
        return () => query.stream()[Symbol.asyncIterator]().next();
      },
    ],
    [
      'a builder',
      (connection) => {
        const builder = connection.create(thing).content({});
        return () => builder.then();
      },
    ],
    [
      'a live query not yet started',
      (connection) => {
        const live = connection.live(thing);
        return () => live.then();
      },
    ],
    [
      'a user-defined API',
      (connection) => {
        const api = connection.api();
        return async () => api.get('/x');
      },
    ],
    ['use()', (connection) => () => connection.use({ namespace: 'test', database: 'other' })],
    ['set()', (connection) => () => connection.set('a', 1)],
    ['signin()', (connection) => () => connection.signin({ username: 'root', password: 'secret' })],
    ['checkHealth()', (connection) => () => connection.checkHealth()],
    ['withTransaction()', (connection) => () => connection.withTransaction(() => {})],
  ];
  test.each(kept)('is over at its release: %s kept from before is of no use', async (_name, keep) => {
    const front = await listen();
    const pool = await connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    await connection.query('RETURN 1');
    const use = keep(connection);
    connection.release();
    const before = new Map(front.requests);

    await expect(use()).rejects.toThrow(LeaseReleasedError);
    const next = await pool.acquire();
    await expect(use(), 'not when the connection is lent again, either').rejects.toThrow(LeaseReleasedError);
    expect(front.requests, 'and nothing was sent').toEqual(before);
    next.release();
  });

  test('says that it is over to a transaction too, whatever else is over or open', async () => {
    const pool = await openPool('mem://', { maxConnections: 1 });
    const abort = new AbortController();
    const connection = await pool.acquire({ signal: abort.signal });
    const beginning = connection.beginTransaction();
    beginning.catch(() => {});
    connection.release();
    await expect(connection.beginTransaction(), 'while another one begins').rejects.toThrow(LeaseReleasedError);
    await expect(beginning).rejects.toThrow(LeaseReleasedError);
    abort.abort();
    await expect(connection.beginTransaction(), 'when its signal is aborted').rejects.toThrow(LeaseReleasedError);
    await expect(connection.withTransaction(() => {})).rejects.toThrow(LeaseReleasedError);
  });

  test('ends its live subscriptions: what happens later is not seen through them', async () => {
    const front = await listen();
    const pool = await connect(front, { maxConnections: 2 });
    const seen: unknown[] = [];
    await pool.withConnection(async (connection) => {
      const live = await connection.live(thing);
      live.subscribe((message) => seen.push(message.action));
    });
    // The next lease waits until the connection is clean.
    const [one, two] = [await pool.acquire(), await pool.acquire()];
    await one.create(thing).content({});
    expect(asked(front, 'query')).toBeGreaterThan(0);
    expect(seen.filter((action) => action === 'CREATE')).toEqual([]);
    one.release();
    two.release();
  });

  test('ends a live iterator with an error, waiting or not, at its release', async () => {
    const pool = await connect(await listen(), { maxConnections: 1 });
    const connection = await pool.acquire();
    const live = await connection.live(thing).where(eq('size', 1));
    const [waiting, asleep] = [live[Symbol.asyncIterator](), live[Symbol.asyncIterator]()];
    const actions: string[] = [];
    live.subscribe(({ action }) => actions.push(action));
    const first = waiting.next();
    await connection.create(new RecordId('thing', 1)).content({ size: 1 });
    expect(await first).toMatchObject({ done: false, value: { action: 'CREATE' } });
    const second = waiting.next();
    second.catch(() => {});
    connection.release();

    await expect(second).rejects.toThrow(LeaseReleasedError);
    expect(await waiting.next()).toMatchObject({ done: true });
    await expect(asleep.next()).rejects.toThrow(LeaseReleasedError);
    expect(() => live[Symbol.asyncIterator]()).toThrow(LeaseReleasedError);
    expect(actions).toEqual(['CREATE', 'KILLED']);
  });

  test('tells of a live handler that throws, and goes on calling it', async () => {
    const pool = await connect(await listen(), { maxConnections: 1 });
    const warnings: string[] = [];
    const onWarning = ({ name, message }: Error) => warnings.push(`${name}: ${message}`);
    process.on('warning', onWarning);
    const connection = await pool.acquire();
    const live = await connection.live(thing);
    const seen: string[] = [];
    live.subscribe(({ action }) => {
      seen.push(action);
      if (action !== 'UPDATE') throw new Error(`no use for ${action}`);
    });
    const id = new RecordId('thing', 1);
    // One by one: the engine does not keep the order of notifications that follow closely.
    await connection.create(id).content({});
    await vi.waitFor(() => expect(seen).toEqual(['CREATE']));
    await connection.update(id).content({ size: 1 });
    await vi.waitFor(() => expect(seen).toEqual(['CREATE', 'UPDATE']));
    await connection.delete(id);
    await vi.waitFor(() => expect(seen).toEqual(['CREATE', 'UPDATE', 'DELETE']));
    connection.release();
    await vi.waitFor(() => expect(seen.at(-1)).toBe('KILLED'));
    await vi.waitFor(() => expect(warnings).toHaveLength(3));
    process.off('warning', onWarning);
    expect(warnings).toEqual(
      ['CREATE', 'DELETE', 'KILLED'].map(
        (action) => `SurrealPoolWarning: a handler of a live query threw at ${action}: no use for ${action}`,
      ),
    );
  });

  test('is given back by "await using" and by "using"', async () => {
    const pool = await openPool('mem://', { maxConnections: 1 });
    {
      await using connection = await pool.acquire();
      await connection.query('RETURN 1');
    }
    {
      using connection = await pool.acquire();
      expect(connection.uses()).toBe(2);
    }
    expect(pool.poolStats().leased).toBe(0);
  });

  test('given back twice is given back once', async () => {
    const pool = await openPool('mem://', { maxConnections: 1 });
    const twice: number[] = [];
    pool.subscribe('releasedTwice', ({ connection }) => twice.push(connection));
    const first = await pool.acquire();
    first.release();
    const second = await pool.acquire();
    first.release();
    expect(second.id).toBe(first.id);
    expect(pool.poolStats().leased).toBe(1);
    await settled();
    expect(twice).toEqual([first.id]);
    second.release();
  });

  test('tells its number, its uses, and whether it is healthy', async () => {
    const pool = await openPool('mem://', { maxConnections: 1 });
    const connection = await pool.acquire();
    expect([connection.id, connection.uses(), connection.isMarkedForRecycling()]).toEqual([1, 1, false]);
    expect(await connection.checkHealth()).toBe(true);
    await connection.use({ namespace: 'test', database: 'elsewhere' });
    expect(await connection.checkHealth(), 'being elsewhere on purpose is no illness').toBe(true);
    connection.release();
  });

  test('marked for recycling is closed at its release, and the next one is new', async () => {
    const pool = await openPool('mem://', { maxConnections: 1 });
    const first = await pool.acquire();
    first.markForRecycling();
    expect(first.isMarkedForRecycling()).toBe(true);
    first.release();
    const second = await pool.acquire();
    expect(second.id).not.toBe(first.id);
    await vi.waitFor(() => expect(pool.poolStats().closedBy.recycled).toBe(1), 10_000);
    second.release();
  });

  test('refuses use() without both names, because that ends the process of an embedded engine', async () => {
    const pool = await openPool('mem://');
    await using connection = await pool.acquire();
    const incomplete = { database: 'alone' } as { namespace: string; database: string };
    await expect(connection.use(incomplete)).rejects.toThrow(UsageError);
  });
});

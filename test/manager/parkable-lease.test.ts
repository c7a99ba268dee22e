import { Table } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import {
  AcquireAbortedError,
  AcquireTimeoutError,
  ConfigurationError,
  type ConnectionManager,
  LeaseReleasedError,
  NestedAcquireError,
  type PoolEvents,
  type PooledConnection,
  PoolShutdownError,
  TransactionAbortedError,
} from '../../src/index.js';
import { collectGarbage } from '../support/garbage.js';
import { memoryLogger } from '../support/memory-logger.js';
import { place, surroundings } from '../support/surroundings.js';
import { settled } from '../support/virtual-clock.js';

const own = surroundings();
const releasing = { whileIdle: 'release', idleAfter: 5 } as const;
const patience = { timeout: 20_000 };

function parked(connection: PooledConnection): Promise<void> {
  return vi.waitFor(() => expect(connection.isParked).toBe(true), patience);
}

/** Long enough for a lease of these tests to be looked at more than once. */
function pastManyLooks(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 350));
}

function heard<Name extends keyof PoolEvents>(pool: ConnectionManager, name: Name): PoolEvents[Name][] {
  const events: PoolEvents[Name][] = [];
  pool.subscribe(name, (event) => events.push(event));
  return events;
}

async function pooled(options: Parameters<typeof own.connect>[1] = {}): Promise<ConnectionManager> {
  return await own.connect(await own.listen(), { maxConnections: 1, ...options });
}

describe('a lease with whileIdle: release', () => {
  test('gives its connection back while nothing is asked of it, and its next call takes one again', async () => {
    const pool = await pooled();
    const idle = heard(pool, 'leaseIdle');
    const connection = await pool.acquire({ ...releasing, variables: { who: 'ada' } });
    const { id } = connection;
    const kept = connection.query('RETURN $who');
    await parked(connection);
    expect(pool.poolStats()).toMatchObject({ leased: 0 });
    expect([connection.id, connection.useCount]).toEqual([id, 1]);
    expect(connection).toMatchObject(place);
    expect(await pool.query('RETURN $who'), 'another caller has the connection').toEqual([undefined]);
    const { served } = pool.poolStats();
    expect(await kept).toEqual(['ada']);
    expect(pool.poolStats().served, 'it is an acquire of the pool').toBe(served + 1);
    expect(connection.useCount).toBe(3);
    connection.release();
    expect(pool.poolStats()).toMatchObject({ leased: 0, releasedTwice: 0 });
    expect(idle).toEqual([]);
    await expect(connection.query('RETURN 1')).rejects.toThrow(LeaseReleasedError);
  });

  test('serves fifty that think on five connections, where fifty that hold wait in vain', async () => {
    const pool = await pooled({ maxConnections: 5, connectionTimeout: '30s' });
    const all = await Promise.all(
      Array.from({ length: 50 }, async (_, agent) => {
        const connection = await pool.acquire({ ...releasing, variables: { agent } });
        for (let step = 0; step < 4; step++) {
          expect(await connection.query('RETURN $agent')).toEqual([agent]);
          await parked(connection);
        }
        return connection;
      }),
    );
    expect(pool.poolStats()).toMatchObject({ leased: 0, waiting: 0, timedOut: 0 });
    for (const connection of all) connection.release();
    const holding = await Promise.allSettled(Array.from({ length: 50 }, () => pool.acquire({ timeout: 50 })));
    const refused = holding.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(45);
    for (const one of refused) expect(one).toMatchObject({ reason: expect.any(AcquireTimeoutError) });
    for (const one of holding) if (one.status === 'fulfilled') one.value.release();
  });

  test('takes one connection for many calls at once', async () => {
    const pool = await pooled({ maxConnections: 5 });
    const connection = await pool.acquire(releasing);
    await parked(connection);
    const { served } = pool.poolStats();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => connection.query(`RETURN ${n}`).collect()));
    expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => [n]));
    expect(pool.poolStats()).toMatchObject({ served: served + 1, leased: 1 });
    connection.release();
  });

  test('keeps its connection while it has a state of its own, or something under way', async () => {
    const pool = await own.pool('mem://', { maxConnections: 7 });
    await pool.query('DEFINE TABLE thing; DEFINE USER other ON ROOT PASSWORD "secret" ROLES OWNER');
    const acquire = (): Promise<PooledConnection> => pool.acquire(releasing);
    const [variable, database, user, live, call, transaction, exporting] = await Promise.all(
      Array.from({ length: 7 }, acquire),
    );
    await variable?.set('x', 1);
    await database?.use({ namespace: 'test', database: 'other' });
    await user?.signin({ username: 'other', password: 'secret' });
    const subscription = await live?.live(new Table('thing'));
    const slow = call?.query('SLEEP 600ms; RETURN 1').collect();
    const begun = await transaction?.beginTransaction();
    await begun?.create(new Table('thing'));
    const response = await exporting?.export().raw();
    await pastManyLooks();
    const stillHeld = [variable, database, user, live, call, transaction, exporting].map((one) => one?.isParked);
    expect(stillHeld).toEqual(Array(7).fill(false));
    expect(await variable?.query('RETURN $x')).toEqual([1]);
    await slow;
    await begun?.commit();
    await response?.text();
    await subscription?.kill();
    for (const one of [call, transaction, exporting, live]) await parked(one as PooledConnection);
    await variable?.unset('x');
    for (const one of [variable, database, user, live, call, transaction, exporting]) one?.release();
    await vi.waitFor(() => expect(pool.poolStats()).toMatchObject({ leased: 0, resetting: 0 }), patience);
  });

  test('takes one again for everything that a connection can do', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1 });
    await pool.query('CREATE thing:1; DEFINE USER root ON ROOT PASSWORD "secret" ROLES OWNER');
    const connection = await pool.acquire(releasing);
    const select = connection.select(new Table('thing'));
    const ways: Record<string, () => Promise<unknown>> = {
      select: async () => await select,
      query: async () => await connection.query('RETURN 1'),
      checkHealth: () => connection.checkHealth(),
      version: () => connection.version(),
      export: async () => await connection.export(),
      exportRaw: async () => await (await connection.export().raw()).text(),
      import: () => connection.import('CREATE thing:2;'),
      beginTransaction: async () => await (await connection.beginTransaction()).rollback(),
      withTransaction: () => connection.withTransaction(async (within) => await within.query('RETURN 1')),
      live: async () => await (await connection.live(new Table('thing'))).kill(),
    };
    for (const [name, way] of Object.entries(ways)) {
      await parked(connection);
      const { served } = pool.poolStats();
      await way();
      expect(pool.poolStats().served, name).toBe(served + 1);
    }
    connection.release();
    const changes: Record<string, (other: PooledConnection) => Promise<unknown>> = {
      set: (other) => other.set('x', 1),
      unset: (other) => other.unset('x'),
      use: (other) => other.use(place),
      signin: (other) => other.signin({ username: 'root', password: 'secret' }),
      invalidate: (other) => other.invalidate(),
    };
    for (const [name, change] of Object.entries(changes)) {
      await using other = await pool.acquire(releasing);
      await parked(other);
      const { served } = pool.poolStats();
      await change(other);
      expect(pool.poolStats().served, name).toBe(served + 1);
    }
  });

  test('does not wait for the connection beyond the time of a transaction, or its signal', async () => {
    const pool = await pooled();
    const connection = await pool.acquire(releasing);
    await parked(connection);
    const other = await pool.acquire();
    const signal = AbortSignal.abort('no more');
    await expect(connection.beginTransaction({ timeout: 20 })).rejects.toThrow(TransactionAbortedError);
    await expect(connection.withTransaction(() => 1, { signal })).rejects.toThrow(TransactionAbortedError);
    other.release();
    expect(await connection.withTransaction(async (within) => await within.query('RETURN 3'))).toEqual([3]);
    connection.release();
    expect(pool.poolStats()).toMatchObject({ leased: 0, waiting: 0 });
  });

  test('stays parked when it gets no connection, and tries again at the next call', async () => {
    const pool = await pooled();
    const connection = await pool.acquire({ ...releasing, timeout: 20 });
    await parked(connection);
    const other = await pool.acquire();
    const failures = await Promise.allSettled([connection.query('RETURN 1'), connection.version()]);
    for (const one of failures) expect(one).toMatchObject({ reason: expect.any(AcquireTimeoutError) });
    expect(failures[0]).toMatchObject({ reason: { asked: { connection: connection.id } } });
    expect(connection.isParked).toBe(true);
    other.release();
    expect(await connection.query('RETURN 2')).toEqual([2]);
    connection.release();
    expect(pool.poolStats()).toMatchObject({ leased: 0, waiting: 0 });
  });

  test('gives up by the signal of its acquire', async () => {
    const pool = await pooled();
    const controller = new AbortController();
    const connection = await pool.acquire({ ...releasing, signal: controller.signal });
    await parked(connection);
    const other = await pool.acquire();
    const call = connection.query('RETURN 1').collect();
    const rejected = expect(call).rejects.toThrow(AcquireAbortedError);
    await settled();
    controller.abort('enough');
    await rejected;
    expect(pool.poolStats()).toMatchObject({ waiting: 0, leased: 1 });
    other.release();
    await expect(connection.query('RETURN 1')).rejects.toMatchObject({ name: 'AcquireAbortedError', cause: 'enough' });
    connection.release();
  });

  test('leaks nothing when it is released while parked, or while it waits for a connection', async () => {
    const pool = await pooled();
    const connection = await pool.acquire(releasing);
    await parked(connection);
    const other = await pool.acquire();
    const call = connection.query('RETURN 1').collect();
    const rejected = expect(call).rejects.toThrow(LeaseReleasedError);
    await settled();
    expect(pool.poolStats()).toMatchObject({ waiting: 1 });
    connection.release();
    await rejected;
    expect(pool.poolStats()).toMatchObject({ waiting: 0, leased: 1 });
    other.release();
    await using second = await pool.acquire(releasing);
    await parked(second);
    second.release();
    expect(second.isParked).toBe(false);
    second.release();
    expect(() => second.namespace).toThrow(LeaseReleasedError);
    await expect(second.checkHealth()).rejects.toThrow(LeaseReleasedError);
    await expect(second.query('RETURN 1')).rejects.toThrow(LeaseReleasedError);
    expect(pool.poolStats()).toMatchObject({ leased: 0, waiting: 0 });
  });

  test('is no holder for the guard against nested acquires while it is parked', async () => {
    const pool = await pooled({ nestedAcquire: 'error', connectionTimeout: '5s' });
    await pool.withConnection(async (connection) => {
      await expect(pool.acquire()).rejects.toThrow(NestedAcquireError);
      await parked(connection);
      expect(await pool.query('RETURN 1')).toEqual([1]);
      const other = await pool.acquire();
      const waiting = connection.query('RETURN 2').collect();
      other.release();
      expect(await waiting).toEqual([2]);
      await expect(pool.acquire()).rejects.toThrow(NestedAcquireError);
    }, releasing);
    await pool.withConnection(async () => {
      await pool.resize({ maxConnections: 2 });
      await pool.withConnection(async (inner) => {
        await parked(inner);
        pool.resize({ maxConnections: 1 });
        await expect(inner.query('RETURN 1'), 'the outer one holds').rejects.toThrow(NestedAcquireError);
      }, releasing);
    });
    expect(pool.poolStats()).toMatchObject({ leased: 0 });
  });

  test('marks no connection that it has given back', async () => {
    const pool = await pooled();
    const connection = await pool.acquire(releasing);
    await parked(connection);
    connection.markForRecycling();
    expect(connection.markedForRecycling).toBe(false);
    await connection.query('RETURN 1');
    connection.markForRecycling();
    expect(connection.markedForRecycling).toBe(true);
    await parked(connection);
    await vi.waitFor(() => expect(pool.poolStats()).toMatchObject({ closedBy: { recycled: 1 } }), patience);
    expect(await connection.query('RETURN 1'), 'on a new one').toEqual([1]);
    connection.release();
  });

  test('takes another connection in place of one that was lost while it was idle', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const connection = await pool.acquire({ ...releasing, idleAfter: 50 });
    await connection.query('RETURN 1');
    front.dropAll();
    await parked(connection);
    expect(await connection.query('RETURN 2')).toEqual([2]);
    connection.release();
  });

  test('gets a PoolShutdownError after a shutdown, and does not hold it up', async () => {
    const pool = await pooled();
    const connection = await pool.acquire({ ...releasing, idleAfter: 30 });
    const { aborted, drained } = await pool.shutdown({ gracePeriod: '20s' });
    expect({ aborted, drained }).toEqual({ aborted: [], drained: 1 });
    await expect(connection.query('RETURN 1')).rejects.toThrow(PoolShutdownError);
    connection.release();
  });

  test('is ended by a shutdown while it holds', async () => {
    const pool = await pooled();
    const connection = await pool.acquire(releasing);
    const call = connection.query('SLEEP 20s').collect();
    const rejected = expect(call).rejects.toMatchObject({ outcome: 'unknown' });
    await settled();
    expect((await pool.shutdown({ gracePeriod: 0 })).aborted).toHaveLength(1);
    await rejected;
    await expect(connection.query('RETURN 1')).rejects.toThrow(/the pool shut down/);
    connection.release();
    expect(pool.poolStats()).toMatchObject({ leased: 0, releasedTwice: 0 });
  });

  test('is taken back when no code references it any more', async () => {
    const pool = await pooled({ leakDetectionThreshold: '1h' });
    const reclaimed = heard(pool, 'leaseReclaimed');
    const drop = async (idleAfter: number): Promise<WeakRef<PooledConnection>> => {
      const connection = await pool.acquire({ ...releasing, idleAfter });
      await connection.query('RETURN 1');
      while (idleAfter < 1000 && !connection.isParked) await new Promise((resolve) => setTimeout(resolve, 10));
      return new WeakRef(connection);
    };
    await drop(60_000);
    await vi.waitFor(async () => {
      collectGarbage();
      await settled();
      expect(reclaimed).toHaveLength(1);
    }, patience);
    const second = await drop(5);
    await vi.waitFor(async () => {
      collectGarbage();
      await settled();
      expect(second.deref() === undefined).toBe(true);
    }, patience);
    expect(pool.poolStats()).toMatchObject({ leased: 0, reclaimed: 1 });
  });

  test('is reported when it cannot be given back', async () => {
    const pool = await pooled();
    const idle = heard(pool, 'leaseIdle');
    const connection = await pool.acquire(releasing);
    await connection.set('x', 1);
    await vi.waitFor(() => expect(idle).toHaveLength(1), patience);
    await pastManyLooks();
    expect(idle).toMatchObject([
      { connection: connection.id, origin: expect.stringContaining('parkable-lease.test.ts') },
    ]);
    connection.release();
  });
});

describe('a lease with whileIdle: report', () => {
  test('is reported once by its own idleAfter, with where it was acquired, although the pool reports none', async () => {
    const pool = await pooled();
    const idle = heard(pool, 'leaseIdle');
    const connection = await pool.acquire({ idleAfter: 10 });
    await vi.waitFor(() => expect(idle).toHaveLength(1), patience);
    expect(idle).toMatchObject([
      { connection: connection.id, origin: expect.stringContaining('parkable-lease.test.ts') },
    ]);
    await pastManyLooks();
    expect(idle).toHaveLength(1);
    expect(connection.isParked).toBe(false);
    connection.release();
  });

  test('is not reported by the threshold of the pool if it has its own', async () => {
    const pool = await pooled({ maxConnections: 2, idleLeaseThreshold: 1 });
    const idle = heard(pool, 'leaseIdle');
    await using _patient = await pool.acquire({ idleAfter: '1h' });
    await using usual = await pool.acquire({ whileIdle: 'report' });
    await vi.waitFor(() => expect(idle).toHaveLength(1), patience);
    expect(idle).toMatchObject([{ connection: usual.id }]);
  });
});

describe('a lease with maxHold', () => {
  test('ends by itself: further calls fail, its transaction is rolled back, and others get the connection', async () => {
    const { logger, lines } = memoryLogger();
    const pool = await pooled({ leakDetectionThreshold: '1h', logger });
    const expired = heard(pool, 'leaseExpired');
    const connection = await pool.acquire({ maxHold: 500 });
    const transaction = await connection.beginTransaction();
    await transaction.query('CREATE thing:lost');
    await vi.waitFor(() => expect(expired).toHaveLength(1), patience);
    expect(expired).toMatchObject([
      { connection: connection.id, maxHold: 500, origin: expect.stringContaining('parkable-lease.test.ts') },
    ]);
    const failure = await connection.query('RETURN 1').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LeaseReleasedError);
    expect(String(failure)).toMatch(/longer than its maxHold \(500 ms\).*parkable-lease\.test\.ts/s);
    await expect(transaction.commit()).rejects.toThrow();
    expect(await pool.query('SELECT * FROM thing')).toEqual([[]]);
    connection.release();
    connection.release();
    expect(pool.poolStats()).toMatchObject({ leased: 0, releasedTwice: 0 });
    expect(lines.map(({ message }) => message)).toContain(
      'a lease was held for longer than its maxHold; the pool takes its connection back',
    );
  });

  test('lets a call under way get its answer', async () => {
    const pool = await pooled();
    const expired = heard(pool, 'leaseExpired');
    await using connection = await pool.acquire({ maxHold: 50 });
    expect(await connection.query('SLEEP 300ms; RETURN 1')).toEqual([undefined, 1]);
    expect(expired).toHaveLength(1);
    await expect(connection.query('RETURN 1')).rejects.toThrow(LeaseReleasedError);
  });

  test('closes the connection of a call that does not end', async () => {
    const pool = await pooled({ resetTimeout: 50, queryTimeout: 0 });
    const connection = await pool.acquire({ maxHold: 50 });
    await expect(connection.query('SLEEP 10s')).rejects.toMatchObject({ outcome: 'unknown' });
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });

  test('ends a live query with the error that says why', async () => {
    const pool = await pooled();
    const connection = await pool.acquire({ maxHold: 500 });
    const live = await connection.live(new Table('thing'));
    await expect(live[Symbol.asyncIterator]().next()).rejects.toThrow(/maxHold/);
  });

  test('does not count the time in which it is parked', async () => {
    const pool = await pooled();
    const expired = heard(pool, 'leaseExpired');
    const connection = await pool.acquire({ ...releasing, maxHold: '1m' });
    const short = await pool.acquire({ ...releasing, maxHold: 200, timeout: 0 });
    await parked(short);
    await pastManyLooks();
    expect(await short.query('RETURN 1')).toEqual([1]);
    expect(expired).toEqual([]);
    await short.query('SLEEP 400ms');
    await vi.waitFor(() => expect(expired).toHaveLength(1), patience);
    connection.release();
    short.release();
    expect(pool.poolStats()).toMatchObject({ leased: 0 });
  });
});

describe('the options of these leases', () => {
  test('are checked before anything is acquired', async () => {
    const pool = await pooled();
    const { started } = pool.poolStats();
    for (const wrong of [{ whileIdle: 'realease' }, { maxHold: -1 }, { idleAfter: 'soon' }, { idleAfer: 1 }]) {
      await expect(pool.acquire(wrong as never)).rejects.toThrow(ConfigurationError);
    }
    expect(pool.poolStats().started).toBe(started);
  });

  test('belong to a scope too, and 0 turns them off', async () => {
    const pool = await pooled();
    const scope = pool.scope(releasing);
    await scope.withConnection(parked);
    expect(await scope.query('RETURN 1')).toEqual([1]);
    await using plain = await scope.acquire({ whileIdle: 'report', idleAfter: 0, maxHold: 0 });
    await pastManyLooks();
    expect(plain.isParked).toBe(false);
  });

  test('give the connection back after each call with idleAfter: 0', async () => {
    const pool = await pooled();
    await using connection = await pool.acquire({ whileIdle: 'release', idleAfter: 0 });
    for (let call = 0; call < 5; call++) {
      expect(await connection.query('RETURN 1')).toEqual([1]);
      await parked(connection);
    }
    await connection.withTransaction(async (within) => {
      await within.query('RETURN 1');
      await pastManyLooks();
      await within.query('RETURN 2');
    });
    await parked(connection);
  });
});

import { RecordId, SurrealQueryable, SurrealSession, SurrealTransaction } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import {
  CommitOutcomeUnknownError,
  LeaseReleasedError,
  outcomeOf,
  TransactionAbortedError,
  TransactionConflictError,
  TransactionEndedError,
  UsageError,
} from '../../src/index.js';
import { asked, place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

// Code that was written for the SDK's session and transaction, given a lease instead: its calls mean what they mean there.

const own = surroundings(rocksdbUrl());

interface Row {
  readonly name: string;
}
type Rows = PromiseLike<readonly Row[]>;

/** An ORM's view of a database, or of a transaction there. */
interface Orm {
  create(table: string, id?: string): { set(row: Row): Rows };
  select(table: string): Rows;
  batch(...queries: Rows[]): PromiseLike<unknown>;
  transaction<T>(work: (open: Orm) => Promise<T>): Promise<T>;
  transaction(): Promise<Orm & { cancel(): Promise<void> }>;
}

/** What the tests use of surqlize, as it answers: the declarations that come with 0.1.0 are no TypeScript. */
interface Surqlize {
  orm(session: SurrealSession, ...tables: unknown[]): Orm;
  table(name: string, fields: Record<string, unknown>): unknown;
  readonly t: { string(): unknown };
}

const name: string = 'surqlize';
const { orm, table, t } = (await import(name)) as Surqlize;
const thing = table('thing', { name: t.string() });
const lease = async () => (await own.connect(await own.listen(), { maxConnections: 2 })).acquire();

async function stored(): Promise<unknown> {
  const [names] = await own.engine.query('RETURN (SELECT VALUE name FROM thing).sort()', place);
  return names;
}

/** How code for the SDK ends its transaction. */
async function inTransaction<T>(session: SurrealSession, work: (open: SurrealTransaction) => Promise<T>): Promise<T> {
  const open = await session.beginTransaction();
  try {
    const result = await work(open);
    await open.commit();
    return result;
  } catch (error) {
    await open.cancel();
    throw error;
  }
}

describe('surqlize on a lease', () => {
  test('queries, and commits what its transaction did', async () => {
    await using connection = await lease();
    const db = orm(connection, thing);
    await db.create('thing').set({ name: 'outside' });
    const rows = await db.transaction(async (open) => {
      const created = await open.create('thing').set({ name: 'inside' });
      expect(await stored()).toEqual(['outside']);
      return created;
    });
    expect(rows).toMatchObject([{ name: 'inside' }]);
    await db.batch(db.create('thing').set({ name: 'one' }), db.create('thing').set({ name: 'two' }));
    expect((await db.select('thing')).map((row) => row.name).sort()).toEqual(['inside', 'one', 'outside', 'two']);
    expect(await stored()).toEqual(['inside', 'one', 'outside', 'two']);
  });

  test("gives its caller the caller's own error, and leaves no transaction open", async () => {
    const front = await own.listen();
    await using connection = await (await own.connect(front)).acquire();
    const db = orm(connection, thing);
    const work = db.transaction(async (open) => {
      await open.create('thing').set({ name: 'inside' });
      throw new RangeError('of the work');
    });
    await expect(work).rejects.toThrow(new RangeError('of the work'));
    expect(await stored()).toEqual([]);
    expect([asked(front, 'begin'), asked(front, 'cancel'), asked(front, 'commit')]).toEqual([1, 1, 0]);
    await db.create('thing').set({ name: 'outside' });
    expect(await stored()).toEqual(['outside']);
    expect(connection.isMarkedForRecycling()).toBe(false);
  });

  test('gives the error of a failed statement, and stores nothing', async () => {
    await using connection = await lease();
    const db = orm(connection, thing);
    const work = db.transaction(async (open) => {
      await open.create('thing', 'same').set({ name: 'first' });
      await open.create('thing', 'same').set({ name: 'second' });
    });
    await expect(work).rejects.toThrow('already exists');
    expect(await stored()).toEqual([]);
  });

  test('cancels by hand', async () => {
    await using connection = await lease();
    const open = await orm(connection, thing).transaction();
    await open.create('thing').set({ name: 'inside' });
    await open.cancel();
    await open.cancel();
    expect(await stored()).toEqual([]);
  });
});

describe('cancel() behind a commit that failed', () => {
  test('does nothing when a call had failed', async () => {
    await using connection = await lease();
    const work = inTransaction(connection, async (open) => {
      await open.query('CREATE thing:1 SET name = "one"; THROW "no"').responses();
    });
    await expect(work).rejects.toThrow(TransactionAbortedError);
    expect(await stored()).toEqual([]);
  });

  test('does nothing after a conflict', async () => {
    await own.engine.query('CREATE thing:1 SET name = "old"', place);
    await using connection = await lease();
    const work = inTransaction(connection, async (open) => {
      await open.query('UPDATE thing:1 SET name = "mine"');
      await own.engine.query('UPDATE thing:1 SET name = "other"', place);
    });
    await expect(work).rejects.toThrow(TransactionConflictError);
    expect(await stored()).toEqual(['other']);
  });

  test('says again that its outcome is unknown, and never that nothing was applied', async () => {
    const front = await own.listen();
    await using connection = await (await own.connect(front)).acquire();
    front.onRequest = ({ method }) => (method === 'commit' ? 'drop' : 'pass');
    const work = inTransaction(connection, (open) => open.query('CREATE thing:1 SET name = "one"').collect());
    const [result] = await Promise.allSettled([work]);
    if (result.status === 'fulfilled') throw new Error('a commit without an answer succeeded');
    expect(result.reason).toBeInstanceOf(CommitOutcomeUnknownError);
    expect(outcomeOf(result.reason)).toBe('unknown');
  });

  test('is refused when it was committed', async () => {
    await using connection = await lease();
    const open = await connection.beginTransaction();
    await open.commit();
    await expect(open.cancel()).rejects.toThrow(TransactionEndedError);
  });
});

describe('a transaction', () => {
  test("is the SDK's, and gives itself as connection()", async () => {
    await using connection = await lease();
    await connection.withTransaction(async (open) => {
      expect(open).toBeInstanceOf(SurrealTransaction);
      expect(open.connection()).toBeInstanceOf(SurrealQueryable);
      await open.connection().query('CREATE thing SET name = "inside"');
      expect(await stored()).toEqual([]);
    });
    expect(await stored()).toEqual(['inside']);
    const failing = connection.withTransaction(async (open) => {
      await open.connection().create(new RecordId('thing', 1)).content({ name: 'undone' });
      throw new RangeError('of the work');
    });
    await expect(failing).rejects.toThrow(RangeError);
    expect(await stored()).toEqual(['inside']);
  });

  test('counts what was made by connection() and never sent', async () => {
    await using connection = await lease();
    const forgetful = connection.withTransaction((open) => {
      open.connection().query('CREATE thing');
    });
    await expect(forgetful).rejects.toThrow('made and never sent');
  });
});

describe("a lease is the SDK's session", () => {
  test('and says where it is', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire({ variables: { tenant: 7 } });
    const session: SurrealSession = connection.connection();
    expect(session).toBeInstanceOf(SurrealSession);
    expect(session).toMatchObject({ ...place, isValid: true });
    await session.set('mine', 1);
    await session.use({ namespace: 'test', database: 'other' });
    expect(session).toMatchObject({ namespace: 'test', database: 'other' });
    await session.unset('tenant');
    const there = '[session::db(), $mine, $tenant]';
    expect(await session.query(`RETURN ${there}`)).toEqual([['other', 1, undefined]]);
    expect(session.accessToken).toBeUndefined();
  });

  test('and begins again as the pool has it', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 1 });
    await pool.withConnection(async (connection) => {
      await connection.set('mine', 1);
      await connection.use({ namespace: 'test', database: 'other' });
    });
    await using connection = await pool.acquire();
    expect(connection).toMatchObject(place);
  });

  test('and ends with its lease, or by closeSession()', async () => {
    const connection = await lease();
    await connection.closeSession();
    expect(connection.isValid).toBe(false);
    expect(() => connection.database).toThrow(LeaseReleasedError);
    await expect(connection.query('RETURN 1').collect()).rejects.toThrow(LeaseReleasedError);
  });

  const refused: readonly [string, (session: SurrealSession) => unknown][] = [
    ['forkSession()', (session) => session.forkSession()],
    ['parameters', async (session) => session.parameters],
    ['reset()', (session) => session.reset()],
    ['subscribe()', async (session) => session.subscribe('auth', () => {})],
    ['use() without a database', (session) => session.use({ namespace: 'test' })],
    ['use() of nothing', (session) => session.use()],
  ];
  test.each(refused)('and refuses what a lease cannot be: %s', async (_name, call) => {
    await using connection = await lease();
    await expect(call(connection)).rejects.toThrow(UsageError);
    expect(await connection.query('RETURN 1')).toEqual([1]);
  });
});

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type DateTime, RecordId, Table } from 'surrealdb';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type ConnectionManager,
  LeaseReleasedError,
  SavepointDivergedError,
  SavepointLimitError,
  SavepointNotFoundError,
  type Transaction,
  TransactionAbortedError,
  TransactionEndedError,
  TransactionLostError,
  type TransactionOptions,
  UsageError,
} from '../../src/index.js';
import type { Fault, Front } from '../support/front.js';
import { asked, place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

// The collector is asked to do its work now instead of whenever it likes.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const own = surroundings(rocksdbUrl());
const thing = new Table('thing');
const id = (number: number) => new RecordId('thing', number);

/** The numbers of the things that are stored, whoever stored them. */
async function stored(): Promise<unknown> {
  const [numbers] = await own.engine.query('RETURN (SELECT VALUE record::id(id) FROM thing).sort()', place);
  return numbers;
}

let front: Front;
let pool: ConnectionManager;
beforeEach(async () => {
  front = await own.listen();
  pool = await own.connect(front);
  await own.engine.query('DEFINE TABLE OVERWRITE thing; REMOVE TABLE IF EXISTS surreal_pool_commit', place);
});

async function begin(options: TransactionOptions = {}) {
  const connection = await pool.acquire();
  return { connection, transaction: await connection.beginTransaction(options) };
}

const numbers = (transaction: Transaction) =>
  transaction.query<[number[]]>('RETURN (SELECT VALUE record::id(id) FROM thing).sort()').then(([all]) => all);
const fail = (transaction: Transaction) => transaction.query('CREATE thing:90; THROW "no"').collect();
/** Somebody else changes what the transaction has read. */
const meddle = (text: string) => own.engine.query(text, place);

describe('a rollback to a savepoint', () => {
  test('undoes what came after it and keeps what came before', async () => {
    const { connection, transaction } = await begin();
    await transaction.create(id(1)).content({ name: 'one' });
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    await transaction.update(id(1)).merge({ name: 'changed' });
    await savepoint.rollback();
    expect(await transaction.query('SELECT VALUE name FROM thing')).toEqual([['one']]);
    await transaction.create(id(3));
    await transaction.commit();
    expect(await stored()).toEqual([1, 3]);
    expect(pool.poolStats()).toMatchObject({
      transactions: { begun: 1, committed: 1, open: 0, aborted: 0 },
      savepoints: { created: 1, rollbacks: 1, replayedCalls: 1, replayTime: { count: 1 }, divergences: 0 },
    });
    connection.release();
    expect(asked(front, 'begin')).toBe(2);
    expect(asked(front, 'cancel')).toBe(1);
    expect(asked(front, 'commit')).toBe(1);
  });

  test('makes a transaction usable in which a call had failed', async () => {
    const { connection, transaction } = await begin();
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint('before');
    for (let round = 0; round < 2; round++) {
      await expect(fail(transaction)).rejects.toThrow('no');
      await savepoint.rollback();
    }
    expect(pool.poolStats().transactions.aborted).toBe(1);
    await expect(fail(transaction)).rejects.toThrow('no');
    await expect(transaction.savepoint()).rejects.toThrow(TransactionAbortedError);
    await expect(transaction.releaseSavepoint('before')).rejects.toThrow(TransactionAbortedError);
    await savepoint.rollback();
    expect(transaction.state).toBe('active');
    expect(await numbers(transaction)).toEqual([1]);
    await transaction.commit();
    expect(await stored()).toEqual([1]);
    connection.release();
  });

  test('asks the server nothing when nothing was written and nothing failed', async () => {
    const { connection, transaction } = await begin();
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    await savepoint.rollback();
    await transaction.select(thing);
    await transaction.query('RETURN 1');
    await savepoint.rollback();
    expect(asked(front, 'begin')).toBe(1);
    await transaction.query('RETURN rand()');
    await savepoint.rollback();
    expect(asked(front, 'begin')).toBe(2);
    await savepoint.rollback();
    expect(asked(front, 'begin')).toBe(2);
    await transaction
      .query('SELECT * FROM thing; THROW "no"')
      .collect()
      .catch(() => {});
    await savepoint.rollback();
    expect(asked(front, 'begin')).toBe(3);
    await transaction.commit();
    connection.release();
  });

  test('can be had again and again, and to any of several savepoints', async () => {
    const { connection, transaction } = await begin();
    const first = await transaction.savepoint();
    await transaction.create(id(1));
    const second = await transaction.savepoint();
    await transaction.create(id(2));
    const third = await transaction.savepoint();
    await transaction.create(id(3));
    await second.rollback();
    await expect(third.rollback()).rejects.toThrow(SavepointNotFoundError);
    expect(await numbers(transaction)).toEqual([1]);
    await transaction.create(id(4));
    await second.rollback();
    expect(await numbers(transaction)).toEqual([1]);
    await first.rollback();
    await expect(second.rollback()).rejects.toThrow(SavepointNotFoundError);
    expect(await numbers(transaction)).toEqual([]);
    await transaction.create(id(5));
    await transaction.commit();
    expect(await stored()).toEqual([5]);
    await expect(first.rollback()).rejects.toThrow(TransactionEndedError);
    await expect(transaction.savepoint()).rejects.toThrow(TransactionEndedError);
    connection.release();
  });

  test('goes by name: later ones hide earlier ones, and a release forgets it and those after it', async () => {
    const { connection, transaction } = await begin();
    await connection.savepoint('a');
    await transaction.create(id(1));
    await connection.savepoint('a');
    await transaction.create(id(2));
    await connection.savepoint('b');
    await connection.rollbackToSavepoint('a');
    expect(await numbers(transaction)).toEqual([1]);
    await expect(connection.releaseSavepoint('b')).rejects.toMatchObject({ savepoint: 'b' });
    await connection.releaseSavepoint('a');
    await transaction.create(id(3));
    await connection.rollbackToSavepoint('a');
    expect(await numbers(transaction)).toEqual([]);
    await transaction.releaseSavepoint('a');
    await expect(transaction.rollbackToSavepoint('a')).rejects.toThrow(SavepointNotFoundError);
    await transaction.rollback();
    connection.release();
    await using other = await pool.acquire();
    await expect(other.savepoint('a')).rejects.toThrow(UsageError);
    await expect(other.rollbackToSavepoint('a')).rejects.toThrow(UsageError);
    await expect(other.releaseSavepoint('a')).rejects.toThrow(UsageError);
  });

  test('waits for the calls before it, and those after it wait for it', async () => {
    const { connection, transaction } = await begin();
    const created = transaction.create(id(1)).then();
    const savepoint = transaction.savepoint('here');
    const failing = transaction.query('CREATE thing:2; SLEEP 20ms; THROW "no"').collect();
    failing.catch(() => {});
    const back = transaction.rollbackToSavepoint('here');
    const after = transaction.create(id(3)).then();
    const commit = transaction.commit();
    await Promise.all([created, savepoint, back, after, commit]);
    await expect(failing).rejects.toThrow('no');
    expect(await stored()).toEqual([1, 3]);
    connection.release();
  });

  test('leaves what the user holds working: the transaction, the connection, builders made before', async () => {
    const { connection, transaction } = await begin();
    const before = transaction.create(id(1)).content({ n: 1 });
    const savepoint = await transaction.savepoint();
    const behind = transaction.create(id(2)).content({ n: 2 });
    await transaction.create(id(3));
    transaction.create(id(4));
    await savepoint.rollback();
    await behind;
    await before;
    await connection.create(id(5));
    await transaction.commit();
    // What was made behind the savepoint and forgotten is forgotten with it.
    expect(await stored()).toEqual([1, 2, 5]);
    connection.release();
  });

  test('but a query made before the savepoint and never sent still fails the commit', async () => {
    const { connection, transaction } = await begin();
    transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    await savepoint.rollback();
    await expect(transaction.commit()).rejects.toThrow('never sent (create)');
    connection.release();
  });

  test('makes records again with the ids that the builders got, and with moments of the second time', async () => {
    await meddle('DEFINE FIELD OVERWRITE created_at ON thing TYPE datetime DEFAULT time::now()');
    const { connection, transaction } = await begin();
    const made = await transaction.create<{ id: RecordId; created_at: DateTime }>(thing).content({ n: 1 });
    const [record] = Array.isArray(made) ? made : [made];
    const [read] = await transaction.query<[{ created_at: DateTime }[]]>('SELECT * FROM thing');
    expect(read[0]?.created_at).toEqual(record?.created_at);
    const savepoint = await transaction.savepoint();
    await transaction.delete(thing);
    await savepoint.rollback();
    await transaction.create(id(2));
    await savepoint.rollback();
    await transaction.commit();
    const [rows] = await own.engine.query('SELECT * FROM thing', place);
    expect(rows).toMatchObject([{ id: record?.id, n: 1 }]);
    const { created_at: at } = (rows as { created_at: DateTime }[])[0] ?? {};
    expect((at?.nanoseconds ?? 0n) > (record?.created_at.nanoseconds ?? 0n)).toBe(true);
    connection.release();
    await meddle('REMOVE FIELD created_at ON thing');
  });

  test('replays in batches', async () => {
    const { connection, transaction } = await begin();
    for (let number = 0; number < 100; number++) await transaction.create(id(number)).content({ number });
    const savepoint = await transaction.savepoint();
    await transaction.delete(thing);
    const before = asked(front, 'query');
    await savepoint.rollback();
    expect(asked(front, 'query') - before).toBe(2);
    await transaction.commit();
    expect(await stored()).toHaveLength(100);
    connection.release();
  });

  test('keeps verifyCommit: the second transaction has the marker too', async () => {
    const { connection, transaction } = await begin({ verifyCommit: true });
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    await savepoint.rollback();
    let dropped = false;
    front.onRequest = ({ method }) => {
      if (method !== 'commit' || dropped) return 'pass';
      dropped = true;
      return 'drop';
    };
    await transaction.commit();
    expect(dropped).toBe(true);
    expect(await stored()).toEqual([1]);
    const [states] = await own.engine.query('SELECT VALUE state FROM surreal_pool_commit', place);
    expect(states).toEqual(['committed']);
    expect(pool.poolStats().transactions).toMatchObject({ committed: 1, fenced: 1 });
    connection.release();
  });
});

describe('a rollback that diverges', () => {
  test.each(['active', 'aborted'] as const)('leaves the transaction as it was: %s', async (state) => {
    await meddle('CREATE thing:50 SET n = 1');
    const { connection, transaction } = await begin();
    await transaction.create(id(1));
    await transaction.query('SELECT * FROM thing:50; RETURN 1');
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    const later = await transaction.savepoint('later');
    if (state === 'aborted') await fail(transaction).catch(() => {});
    await meddle('UPDATE thing:50 SET n = 2');
    const [failure] = await Promise.allSettled([savepoint.rollback()]);
    expect(failure).toMatchObject({
      reason: {
        code: 'ERR_POOL_SAVEPOINT_DIVERGED',
        retryable: true,
        index: 1,
        statement: 'SELECT * FROM thing:50; RETURN 1',
        expected: [{ id: id(50), n: 1 }],
        found: [{ id: id(50), n: 2 }],
      },
    });
    expect(transaction.state).toBe(state);
    expect(pool.poolStats().savepoints).toMatchObject({ divergences: 1, rollbacks: 0 });
    // The second transaction, and not the first.
    await vi.waitFor(() => expect(asked(front, 'cancel')).toBe(1));
    if (state === 'aborted') {
      await expect(transaction.commit()).rejects.toThrow(TransactionAbortedError);
      expect(await stored()).toEqual([50]);
    } else {
      expect(await transaction.query('SELECT VALUE n FROM thing:50')).toEqual([[1]]);
      // Savepoints and log are what they were as well.
      await later.release();
      expect(await numbers(transaction)).toEqual([1, 2, 50]);
      await transaction.commit();
      expect(await stored()).toEqual([1, 2, 50]);
    }
    connection.release();
  });

  test('because a statement fails now, says with what', async () => {
    await meddle('DEFINE INDEX OVERWRITE only ON thing FIELDS n UNIQUE');
    const { connection, transaction } = await begin();
    await transaction.create(id(1)).content({ n: 1 });
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2)).content({ n: 2 });
    await meddle('CREATE thing:3 SET n = 1');
    await expect(savepoint.rollback()).rejects.toMatchObject({
      index: 0,
      found: expect.objectContaining({ message: expect.stringContaining('already contains') }),
    });
    await transaction.rollback();
    connection.release();
    await meddle('REMOVE INDEX only ON thing');
  });

  test('is not fooled by moments that others made', async () => {
    await meddle('DEFINE FIELD OVERWRITE touched ON thing TYPE datetime VALUE time::now(); CREATE thing:1');
    const { connection, transaction } = await begin();
    await transaction.query('SELECT * FROM thing:1');
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    await meddle('UPDATE thing:1');
    await expect(savepoint.rollback()).rejects.toThrow(SavepointDivergedError);
    await transaction.rollback();
    connection.release();
    await meddle('REMOVE FIELD touched ON thing');
  });

  test('is not fooled by moments that others made since the begin of the first transaction', async () => {
    await meddle('DEFINE FIELD OVERWRITE created_at ON thing TYPE datetime DEFAULT time::now()');
    const { connection, transaction } = await begin();
    await transaction.upsert(id(1)).merge({ n: 1 });
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    // What the second transaction finds differs in nothing but the time of its creation.
    await meddle('CREATE thing:1 SET n = 1');
    await expect(savepoint.rollback()).rejects.toThrow(SavepointDivergedError);
    await transaction.rollback();
    connection.release();
    await meddle('REMOVE FIELD created_at ON thing');
  });

  test('has the whole work of withTransaction done again', async () => {
    await meddle('CREATE thing:50 SET n = 1');
    const attempts: unknown[] = [];
    await pool.withTransaction(async (transaction, attempt) => {
      const [n] = await transaction.query('SELECT VALUE n FROM ONLY thing:50');
      attempts.push([attempt, n]);
      const savepoint = await transaction.savepoint();
      await transaction.create(id(attempt));
      if (attempt === 1) await meddle('UPDATE thing:50 SET n = 2');
      await savepoint.rollback();
    });
    expect(attempts).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(await stored()).toEqual([50]);
    expect(pool.poolStats().transactions).toMatchObject({ retries: 1, rolledBack: 1, committed: 1 });
  });
});

describe('a savepoint is refused', () => {
  test('after what cannot be replayed, by name and reason, and the transaction goes on', async () => {
    const { connection, transaction } = await begin();
    const early = await transaction.savepoint();
    await transaction.query('CREATE thing:1 SET n = rand()');
    await expect(transaction.savepoint()).rejects.toMatchObject({
      code: 'ERR_POOL_SAVEPOINT_UNSUPPORTED',
      statement: expect.stringContaining('rand'),
      message: expect.stringContaining('Make it before that call'),
    });
    await early.rollback();
    await transaction.savepoint();
    await transaction.create(id(2));
    await transaction.commit();
    expect(await stored()).toEqual([2]);
    expect(pool.poolStats().savepoints).toMatchObject({ refusedUnsupported: 1, refusedLimit: 0, created: 2 });
    connection.release();
  });

  test('after more than 4 MiB, and the transaction goes on', async () => {
    const { connection, transaction } = await begin();
    const early = await transaction.savepoint();
    const text = 'x'.repeat(1_100_000);
    for (let number = 1; number <= 2; number++) await transaction.create(id(number)).content({ text });
    await expect(transaction.savepoint()).rejects.toMatchObject({ limit: 'log', most: 4 * 1024 * 1024 });
    await early.rollback();
    await transaction.create(id(3));
    await transaction.commit();
    expect(await stored()).toEqual([3]);
    expect(pool.poolStats().savepoints.refusedLimit).toBe(1);
    connection.release();
  });

  test('and a rollback too, beyond 10,000 replayed statements', async () => {
    const { connection, transaction } = await begin();
    await transaction.query('RETURN 1;'.repeat(4000));
    const savepoint = await transaction.savepoint();
    for (let round = 0; round < 2; round++) {
      await transaction.create(id(round));
      await savepoint.rollback();
    }
    await transaction.create(id(2));
    await expect(savepoint.rollback()).rejects.toThrow(SavepointLimitError);
    await expect(transaction.savepoint()).rejects.toMatchObject({ limit: 'replay', most: 10_000 });
    await transaction.commit();
    expect(await stored()).toEqual([2]);
    connection.release();
  });

  test('with savepoints: false, and nothing is changed for them', async () => {
    const { connection, transaction } = await begin({ savepoints: false });
    const record = await transaction.create(thing).content({ n: 1 });
    expect(record).toBeDefined();
    for (const refused of [
      () => transaction.savepoint(),
      () => transaction.rollbackToSavepoint('a'),
      () => transaction.releaseSavepoint('a'),
      () => transaction.withSavepoint(() => {}),
      () => connection.withTransaction(() => {}),
    ]) {
      await expect(refused()).rejects.toThrow('begun with savepoints: false');
    }
    await transaction.commit();
    expect(await stored()).toHaveLength(1);
    await expect(connection.beginTransaction({ savepoints: false, onStatementError: 'savepoint' })).rejects.toThrow(
      UsageError,
    );
    const wrong = { onStatementError: 'ignore' } as unknown as TransactionOptions;
    await expect(connection.beginTransaction(wrong)).rejects.toThrow('onStatementError is ignore');
    connection.release();
  });
});

describe('a transaction within another', () => {
  test('stays when it returns, is undone when it throws, and the outer one goes on', async () => {
    const error = new Error('mine');
    const result = await pool.withTransaction(async (transaction) => {
      await transaction.create(id(1));
      const [inner] = await Promise.allSettled([
        transaction.withTransaction(async (within, attempt) => {
          await within.create(id(1 + attempt));
          throw error;
        }),
      ]);
      expect(inner.status === 'rejected' && inner.reason).toBe(error);
      return await transaction.withTransaction(async (within) => {
        await within.create(id(3));
        await within.withSavepoint((deeper) => fail(deeper)).catch(() => {});
        return 'done';
      });
    });
    expect(result).toBe('done');
    expect(await stored()).toEqual([1, 3]);
    expect(pool.poolStats().savepoints).toMatchObject({ created: 3, rollbacks: 2 });
  });

  test('is what withTransaction() is on a connection whose transaction is open', async () => {
    const { connection, transaction } = await begin();
    await connection.create(id(1));
    await expect(connection.withTransaction(fail)).rejects.toThrow('no');
    await connection.withTransaction((within) => within.create(id(2)).then());
    expect(transaction.state).toBe('active');
    await connection.commitTransaction();
    expect(await stored()).toEqual([1, 2]);
    connection.release();
  });

  test('is undone, and says so, when it hides that a call failed', async () => {
    await pool.withTransaction(async (transaction) => {
      await transaction.create(id(1));
      const hiding = transaction.withTransaction(async (within) => {
        await fail(within).catch(() => {});
      });
      await expect(hiding).rejects.toThrow(TransactionAbortedError);
      await transaction.create(id(2));
    });
    expect(await stored()).toEqual([1, 2]);
  });

  test('whose failure nobody catches rolls back everything, with its error', async () => {
    const error = new Error('mine');
    const [result] = await Promise.allSettled([
      pool.withTransaction(async (transaction) => {
        await transaction.create(id(1));
        await transaction.withTransaction(() => Promise.reject(error));
      }),
    ]);
    expect(result.status === 'rejected' && result.reason).toBe(error);
    expect(await stored()).toEqual([]);
  });

  test('that cannot be undone rejects with that, and aborts the outer one', async () => {
    await meddle('CREATE thing:50 SET n = 1');
    const { connection, transaction } = await begin();
    await transaction.select(id(50));
    const error = new Error('mine');
    const [inner] = await Promise.allSettled([
      transaction.withTransaction(async (within) => {
        await within.create(id(1));
        await meddle('UPDATE thing:50 SET n = 2');
        throw error;
      }),
    ]);
    expect(inner).toMatchObject({ reason: { code: 'ERR_POOL_SAVEPOINT_DIVERGED' } });
    expect(inner.status === 'rejected' && inner.reason.cause).toBe(error);
    expect(transaction.state).toBe('aborted');
    await expect(transaction.commit()).rejects.toMatchObject({
      code: 'ERR_POOL_TRANSACTION_ABORTED',
      cause: { code: 'ERR_POOL_SAVEPOINT_DIVERGED' },
    });
    expect(await stored()).toEqual([50]);
    connection.release();
  });

  test.each([true, false])('that cannot be undone has the outer work done again (caught: %s)', async (caught) => {
    await meddle('CREATE thing:50 SET n = 1');
    const attempts: number[] = [];
    await pool.withTransaction(async (transaction, attempt) => {
      attempts.push(attempt);
      await transaction.select(id(50));
      const inner = transaction.withTransaction(async (within) => {
        await within.create(id(attempt));
        if (attempt > 1) return;
        await meddle('UPDATE thing:50 SET n = 2');
        await fail(within);
      });
      await (caught ? inner.catch(() => {}) : inner);
    });
    expect(attempts).toEqual([1, 2]);
    expect(await stored()).toEqual([2, 50]);
  });

  test('is one at a time: beside another one, or not awaited, it is refused', async () => {
    await pool.withTransaction(async (transaction) => {
      const results = await Promise.allSettled([
        transaction.withTransaction((within) => within.create(id(1)).then()),
        transaction.withTransaction((within) => within.create(id(2)).then()),
      ]);
      expect(results).toMatchObject([{ status: 'fulfilled' }, { reason: { code: 'ERR_POOL_USAGE' } }]);
    });
    expect(await stored()).toEqual([1]);
    const deep = pool.withTransaction(async (transaction) => {
      await transaction.withTransaction(async (within) => {
        within.withTransaction((deeper) => deeper.create(id(3)).then()).catch(() => {});
      });
    });
    await expect(deep).rejects.toThrow('was not awaited');
    const forgotten = pool.withTransaction(async (transaction) => {
      transaction.withTransaction((within) => within.create(id(4)).then()).catch(() => {});
    });
    await expect(forgotten).rejects.toThrow('was under way');
    const early = pool.withTransaction((transaction) => transaction.withTransaction((within) => within.commit()));
    await expect(early).rejects.toThrow('commit outside of it');
    expect(await stored()).toEqual([1]);
    expect(pool.poolStats().transactions).toMatchObject({ open: 0, committed: 1 });
  });

  test('may roll back everything, and takes the options of the outer one', async () => {
    const { connection, transaction } = await begin();
    await transaction.withTransaction(async (within) => {
      await within.create(id(1));
      await within.rollback();
    });
    expect(transaction.state).toBe('rolledBack');
    const other = await connection.beginTransaction();
    await expect(other.withTransaction(() => {}, { timeout: 5 })).rejects.toThrow(UsageError);
    await other.withTransaction(() => {}, { retry: false, verifyCommit: true });
    await other.rollback();
    connection.release();
    expect(await stored()).toEqual([]);
  });
});

describe("onStatementError: 'savepoint'", () => {
  const options = { onStatementError: 'savepoint' } as const;

  test('undoes a failed call alone, whoever reads its answer', async () => {
    const { connection, transaction } = await begin(options);
    await transaction.create(id(1));
    await expect(fail(transaction)).rejects.toThrow('no');
    const [, second] = await transaction.query('CREATE thing:91; THROW "no"').responses();
    expect(second?.success).toBe(false);
    await expect(transaction.query('CREAT thing:1').collect()).rejects.toThrow('Parse error');
    await expect(transaction.query('USE DB other').collect()).rejects.toThrow(UsageError);
    await expect(transaction.query('RETURN $a', { a: 2n ** 70n }).collect()).rejects.toThrow(UsageError);
    await expect(transaction.live(thing).then()).rejects.toThrow(UsageError);
    expect(transaction.state).toBe('active');
    await Promise.allSettled([transaction.create(id(1)).then(), transaction.create(id(2)).then()]);
    expect(await numbers(transaction)).toEqual([1, 2]);
    await transaction.commit();
    expect(await stored()).toEqual([1, 2]);
    expect(pool.poolStats().transactions.aborted).toBe(0);
    connection.release();
  });

  test('aborts when the call cannot be undone alone, and says why', async () => {
    const { connection, transaction } = await begin(options);
    await transaction.query('CREATE thing:1 SET n = rand()');
    await expect(fail(transaction)).rejects.toThrow('no');
    await expect(transaction.commit()).rejects.toThrow(/because this failed: CREATE thing:90.*not be undone alone/);
    expect(await stored()).toEqual([]);
    connection.release();
  });

  test('has the work of withTransaction done again when others changed what it had read', async () => {
    await meddle('CREATE thing:50 SET n = 1');
    const attempts: number[] = [];
    await pool.withTransaction(async (transaction, attempt) => {
      attempts.push(attempt);
      await transaction.select(id(50));
      if (attempt === 1) await meddle('UPDATE thing:50 SET n = 2');
      await fail(transaction).catch(() => {});
    }, options);
    expect(attempts).toEqual([1, 2]);
    expect(await stored()).toEqual([50]);
  });
});

describe('what happens during a replay', () => {
  /** A transaction whose replay stands still at its first query, and then goes as `fault` says. */
  async function standing(fault: () => Fault, options: TransactionOptions = {}) {
    const { connection, transaction } = await begin(options);
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    let arrive = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    front.onRequest = async ({ method, params }): Promise<Fault> => {
      if (method !== 'query' || !String(params[0]).startsWith('RETURN time::now()')) return 'pass';
      arrive();
      await held;
      return fault();
    };
    const back = savepoint.rollback();
    back.catch(() => {});
    await arrived;
    return { connection, transaction, savepoint, back, goOn };
  }

  test('a lost connection loses the transaction', async () => {
    const { connection, transaction, back, goOn } = await standing(() => 'pass');
    front.dropAll();
    await expect(back).rejects.toThrow(TransactionLostError);
    expect(transaction.state).toBe('lost');
    await expect(transaction.commit()).rejects.toThrow(TransactionLostError);
    goOn();
    connection.release();
    await pool.query('RETURN 1');
    expect(await stored()).toEqual([]);
  });

  test('a signal aborts it; a call under way is cut off with its connection', async () => {
    const controller = new AbortController();
    const { connection, transaction, back, goOn } = await standing(() => 'pass', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(back).rejects.toMatchObject({
      code: 'ERR_POOL_CALL_ABORTED',
      cause: { cause: { message: 'enough' } },
    });
    await expect(transaction.commit()).rejects.toMatchObject({ retryable: true });
    goOn();
    connection.release();
    await pool.query('RETURN 1');
    expect(await stored()).toEqual([]);
    expect(pool.poolStats().transactions).toMatchObject({ open: 0, committed: 0 });
  });

  test('the end of its time leaves a transaction that can only be rolled back, also when nothing is under way', async () => {
    const controller = new AbortController();
    const { connection, transaction } = await begin({ signal: controller.signal });
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    controller.abort(new Error('enough'));
    await expect(savepoint.rollback()).rejects.toThrow(TransactionAbortedError);
    expect(transaction.state).toBe('aborted');
    await transaction.rollback();
    connection.release();
    expect(await stored()).toEqual([]);
  });

  test('the release of the connection ends it, and the next lease gets it clean', async () => {
    pool = await own.connect(front, { maxConnections: 1 });
    const { connection, transaction, savepoint, back, goOn } = await standing(() => 'pass');
    connection.release();
    goOn();
    await expect(back).rejects.toThrow(LeaseReleasedError);
    await expect(savepoint.rollback()).rejects.toThrow(LeaseReleasedError);
    await expect(transaction.savepoint()).rejects.toThrow(LeaseReleasedError);
    await pool.query('RETURN 1');
    expect(await stored()).toEqual([]);
    expect(asked(front, 'cancel')).toBe(2);
    expect(pool.poolStats()).toMatchObject({ opened: 1, transactions: { abandoned: 1, open: 0 } });
  });

  test('a rollback of everything and a commit wait for it', async () => {
    const one = await standing(() => 'pass');
    const rollback = one.transaction.rollback();
    one.goOn();
    await expect(one.back).rejects.toThrow(TransactionEndedError);
    await rollback;
    one.connection.release();
    const two = await standing(() => 'pass');
    const commit = two.transaction.commit();
    two.goOn();
    await two.back;
    await commit;
    two.connection.release();
    expect(await stored()).toEqual([1]);
    expect(pool.poolStats().transactions).toMatchObject({ open: 0, committed: 1, rolledBack: 1 });
  });

  test('an answer that is none ends the socket, and with it the transaction', async () => {
    const { connection, transaction, back, goOn } = await standing(() => ({ nonsense: 'a number' }));
    goOn();
    await expect(back).rejects.toThrow(TransactionLostError);
    expect(transaction.state).toBe('lost');
    connection.release();
    expect(await stored()).toEqual([]);
  });

  test('a lease that nobody holds any more is taken back, with what it had of savepoints', async () => {
    pool = await own.connect(front, { maxConnections: 1, leakDetectionThreshold: '1h' });
    await (async () => {
      const { transaction } = await begin();
      await transaction.withTransaction((within) => within.create(id(1)).then());
      const savepoint = await transaction.savepoint();
      await transaction.create(id(2));
      await savepoint.rollback();
    })();
    await vi.waitFor(
      () => {
        collectGarbage();
        expect(pool.poolStats()).toMatchObject({ reclaimed: 1, transactions: { abandoned: 1, open: 0 } });
      },
      { timeout: 20_000 },
    );
    expect(await stored()).toEqual([]);
  });

  test('queryTimeout is for each call, not for the batch they are in', async () => {
    pool = await own.connect(front, { queryTimeout: 500 });
    const { connection, transaction } = await begin();
    for (let number = 0; number < 4; number++)
      await transaction.query('SELECT * FROM thing; CREATE $id', { id: id(number) });
    const savepoint = await transaction.savepoint();
    await transaction.create(id(9));
    front.onRequest = ({ params }) => (String(params[0]).startsWith('RETURN time') ? { delay: 700 } : 'pass');
    await savepoint.rollback();
    await transaction.commit();
    expect(await stored()).toEqual([0, 1, 2, 3]);
    connection.release();
  });

  test('a first transaction that cannot be cancelled ends with its connection', async () => {
    pool = await own.connect(front, { maxConnections: 1, resetTimeout: 100 });
    const { connection, transaction } = await begin();
    await transaction.create(id(1));
    const savepoint = await transaction.savepoint();
    await transaction.create(id(2));
    let cancels = 0;
    front.onRequest = ({ method }) => (method === 'cancel' && ++cancels === 1 ? 'swallow' : 'pass');
    await savepoint.rollback();
    await transaction.commit();
    expect(await stored()).toEqual([1]);
    connection.release();
    await pool.query('RETURN 1');
  });
});

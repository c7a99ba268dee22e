import { ServerError } from 'surrealdb';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type ConnectionManager,
  outcomeOf,
  PoolShutdownError,
  SavepointDivergedError,
  type Transaction,
  TransactionAbortedError,
  TransactionConflictError,
  TransactionEndedError,
} from '../../src/index.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

// The work of a transaction may throw an error of another call, which says what became of that one. What
// withTransaction() rejects with has to be true of its own transaction.

const own = surroundings(rocksdbUrl());
const once = { retry: { maxAttempts: 1 } };

beforeEach(() => own.engine.query('DELETE thing; UPSERT counter:1 SET v = 0', place));

const countElsewhere = () => own.engine.query('UPDATE counter:1 SET v += 1', place);
const isThere = async () => (await own.engine.query('RETURN record::exists(thing:1)', place))[0];

async function conflict(pool: ConnectionManager): Promise<void> {
  await pool.withTransaction(async (other) => {
    await other.query('UPDATE counter:1 SET v += 1');
    await countElsewhere();
  }, once);
}

async function diverge(pool: ConnectionManager): Promise<void> {
  await pool.withTransaction(async (other) => {
    await other.query('SELECT * FROM counter:1');
    const savepoint = await other.savepoint();
    await other.query('CREATE thing:other');
    await countElsewhere();
    await savepoint.rollback();
  }, once);
}

async function askAfterShutdown(pool: ConnectionManager): Promise<void> {
  void pool.shutdown({ gracePeriod: 0 });
  await pool.query('RETURN 1');
}

async function askWhatFails(pool: ConnectionManager): Promise<void> {
  await pool.query('THROW "no"');
}

const failures = [
  ['conflict', conflict, TransactionConflictError],
  ['divergence', diverge, SavepointDivergedError],
  ['shutdown', askAfterShutdown, PoolShutdownError],
  ['refusal', askWhatFails, ServerError],
] as const;

async function failureOf(pool: ConnectionManager, work: (transaction: Transaction) => Promise<void>): Promise<unknown> {
  return await pool.withTransaction(work, once).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('work that throws the error of another call', () => {
  test.each(failures)('after its own commit is said to be applied: %s', async (_what, fail, kind) => {
    const pool = await own.connect(await own.listen(), { maxConnections: 4 });
    const error = await failureOf(pool, async (transaction) => {
      await transaction.query('CREATE thing:1');
      await transaction.commit();
      await fail(pool);
    });
    expect(error).toBeInstanceOf(TransactionEndedError);
    expect((error as TransactionEndedError).cause).toBeInstanceOf(kind);
    expect([outcomeOf(error), await isThere()]).toEqual(['applied', true]);
  });

  test.each(failures)('after a commit of unknown outcome is said to be unknown: %s', async (_what, fail) => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 4 });
    let dropped = false;
    front.onRequest = ({ method }) => {
      if (method !== 'commit' || dropped) return 'pass';
      dropped = true;
      return 'drop';
    };
    const error = await failureOf(pool, async (transaction) => {
      await transaction.query('CREATE thing:1');
      await transaction.commit().catch(() => {});
      await fail(pool);
    });
    expect([outcomeOf(error), await isThere()]).toEqual(['unknown', true]);
  });

  test('and is rolled back, is said to be not applied, whatever became of that one', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 4 });
    const error = await failureOf(pool, async (transaction) => {
      await transaction.query('CREATE thing:1');
      await pool.withTransaction(async (other) => {
        await other.query('CREATE thing:other');
        await other.commit();
        await other.query('RETURN 1');
      });
    });
    expect(error).toBeInstanceOf(TransactionAbortedError);
    expect((error as TransactionAbortedError).cause).toBeInstanceOf(TransactionEndedError);
    expect([outcomeOf(error), await isThere()]).toEqual(['not-sent', false]);
  });

  test('of its own is given as it is', async () => {
    const pool = await own.connect(await own.listen());
    const mine = new Error('mine');
    const error = await failureOf(pool, async (transaction) => {
      await transaction.commit();
      throw mine;
    });
    expect(error).toBe(mine);
  });
});

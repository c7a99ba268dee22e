import { tracingChannel } from 'node:diagnostics_channel';
import { parseRpcError, RecordId, SurrealQueryable, UnsupportedFeatureError, WebSocketEngine } from 'surrealdb';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Transaction, type TransactionTrace } from '../../src/index.js';
import { methodNotFound } from '../support/rpc-errors.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());

/** Every step that is told from now on. */
function listen(): string[] {
  const told: string[] = [];
  const tell = (how: string) => (message: unknown) => {
    const { step, transaction, attempt } = message as TransactionTrace;
    told.push(`${transaction}.${attempt} ${step}${how}`);
  };
  const subscriber = {
    start: () => {},
    end: () => {},
    asyncStart: () => {},
    asyncEnd: tell(''),
    error: tell(' failed'),
  };
  const tracing = tracingChannel('surreal-pool:transaction');
  tracing.subscribe(subscriber);
  onTestFinished(() => void tracing.unsubscribe(subscriber));
  return told;
}

describe('the channel surreal-pool:transaction', () => {
  test('tells every step, with the number of the transaction and of the attempt', async () => {
    const front = await own.listen();
    const pool = await own.connect(front);
    await own.engine.query('CREATE thing:1 SET v = 0', place);
    const told = listen();
    await pool.withTransaction(async (transaction, attempt) => {
      await transaction.query('UPDATE thing:1 SET v += 1');
      if (attempt === 1) await own.engine.query('UPDATE thing:1 SET v += 1', place);
    });
    await expect(pool.withTransaction(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    let dropped = false;
    front.onRequest = ({ method }) => {
      if (method !== 'commit' || dropped) return 'pass';
      dropped = true;
      return 'drop';
    };
    await pool.withTransaction((transaction) => transaction.create(new RecordId('thing', 2)), { verifyCommit: true });
    expect(told).toEqual([
      '1.1 begin',
      '1.1 commit failed',
      '1.1 commit',
      '1.1 retry',
      '2.2 begin',
      '2.2 commit',
      '3.1 begin',
      '3.1 rollback',
      '4.1 begin',
      '4.1 fence',
      '4.1 commit',
    ]);
  });
});

describe('savepoints on the channel', () => {
  test('are told as steps: made, released, rolled back to, with or without success', async () => {
    const pool = await own.connect(await own.listen());
    await own.engine.query('CREATE thing:1 SET v = 0', place);
    const told = listen();
    const work = async (transaction: Transaction): Promise<void> => {
      await transaction.select(new RecordId('thing', 1));
      const savepoint = await transaction.savepoint();
      await transaction.create(new RecordId('thing', 2));
      await savepoint.rollback();
      await transaction.query('THROW "no"').responses();
      await savepoint.release();
      await transaction.savepoint();
      await own.engine.query('UPDATE thing:1 SET v += 1', place);
      await transaction.query('THROW "no"').responses();
    };
    await expect(pool.withTransaction(work, { retry: false, onStatementError: 'savepoint' })).rejects.toMatchObject({
      cause: { code: 'ERR_POOL_SAVEPOINT_DIVERGED' },
    });
    expect(told).toEqual([
      '1.1 begin',
      '1.1 savepoint',
      '1.1 rollbackToSavepoint',
      '1.1 rollbackToSavepoint',
      '1.1 releaseSavepoint',
      '1.1 savepoint',
      '1.1 rollbackToSavepoint failed',
      '1.1 rollbackToSavepoint',
      '1.1 commit failed',
      '1.1 commit',
    ]);
    const { replayTime, replayedCalls, ...counts } = pool.poolStats().savepoints;
    expect(counts).toEqual({
      created: 2,
      rollbacks: 2,
      divergences: 1,
      refusedUnsupported: 0,
      refusedLimit: 0,
    });
    expect(replayTime.count).toBe(2);
    // How many depends on what can be verified where; the rollback that failed had made calls again, too.
    expect(replayedCalls).toBeGreaterThan(3);
  });
});

describe('a server without interactive transactions', () => {
  test('is said to have none', async () => {
    const begin = vi
      .spyOn(WebSocketEngine.prototype, 'begin')
      .mockRejectedValue(parseRpcError(methodNotFound('begin')));
    onTestFinished(() => begin.mockRestore());
    const pool = await own.connect(await own.listen());
    await expect(pool.withTransaction(() => {})).rejects.toThrow(UnsupportedFeatureError);
    expect(pool.poolStats()).toMatchObject({ leased: 0, transactions: { begun: 0 } });
  });
});

describe('the makers of queries', () => {
  test('are all counted: whatever the SDK adds has to be looked at', () => {
    const all = Object.getOwnPropertyNames(SurrealQueryable.prototype).filter((name) => name !== 'constructor');
    const counted = all.filter((name) => Object.hasOwn(Transaction.prototype, name));
    expect(all.filter((name) => !counted.includes(name)).sort()).toEqual(['live', 'liveOf']);
  });
});

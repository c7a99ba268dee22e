import { describe, expect, test, vi } from 'vitest';
import { type Transaction, TransactionAbortedError, TransactionEndedError, UsageError } from '../../src/index.js';
import { ownText } from '../support/own-text.js';
import { surroundings } from '../support/surroundings.js';
import { id, storedThings } from '../support/things.js';

const own = surroundings();
const stored = () => storedThings(own);
const failing = 'CREATE thing:90; THROW "no"';

describe('withTransaction', () => {
  test('commits what returned and gives its result', async () => {
    const pool = await own.connect(await own.listen());
    const result = await pool.withTransaction(async (transaction, attempt) => {
      await transaction.create(id(1));
      return attempt;
    });
    expect(result).toBe(1);
    expect(await pool.withTransaction((transaction) => transaction.query('RETURN 5'))).toEqual([5]);
    expect(await stored()).toEqual([1]);
    expect(pool.poolStats()).toMatchObject({ leased: 0, transactions: { begun: 2, committed: 2 } });
  });

  test('rolls back what threw, and the error is the same', async () => {
    const pool = await own.connect(await own.listen());
    const error = new Error('mine');
    const work = async (transaction: Transaction): Promise<never> => {
      await transaction.create(id(1));
      throw error;
    };
    const [result] = await Promise.allSettled([pool.withTransaction(work)]);
    expect(result.status === 'rejected' && result.reason).toBe(error);
    expect(await stored()).toEqual([]);
    expect(pool.poolStats().transactions).toMatchObject({ rolledBack: 1, abandoned: 0 });
  });

  test('rejects when the work hides the failure of a call', async () => {
    const pool = await own.connect(await own.listen());
    const hiding = pool.withTransaction(async (transaction) => {
      await transaction
        .query(failing)
        .collect()
        .catch(() => {});
      return 'all is well';
    });
    await expect(hiding).rejects.toThrow(TransactionAbortedError);
    expect(await stored()).toEqual([]);
  });

  test('lets the work end the transaction by itself', async () => {
    const pool = await own.connect(await own.listen());
    const end = (how: 'commit' | 'rollback', number: number) =>
      pool.withTransaction(async (transaction) => {
        await transaction.create(id(number));
        await transaction[how]();
        return how;
      });
    expect([await end('commit', 1), await end('rollback', 2)]).toEqual(['commit', 'rollback']);
    await pool.withTransaction((transaction) => {
      transaction.create(id(3)).then();
      // Not waited for; the end of the work does.
      void transaction.commit();
    });
    expect(await stored()).toEqual([1, 3]);
  });

  test('gives an error to work that outlives it, and no stray write', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 1 });
    let goOn = (): void => {};
    let outlived: Promise<unknown> = Promise.resolve();
    await pool.withTransaction(async (transaction) => {
      await transaction.create(id(1));
      outlived = new Promise<void>((resolve) => {
        goOn = resolve;
      }).then(() => transaction.create(id(2)));
    });
    goOn();
    await expect(outlived).rejects.toThrow(TransactionEndedError);
    expect(await stored()).toEqual([1]);
  });
});

describe('the limits of a transaction', () => {
  test('end it at its timeout, whatever the work does; the connection is kept when no call was cut off', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 1 });
    let transaction: Transaction | undefined;
    const never = pool.withTransaction(
      async (open) => {
        transaction = open;
        await open.create(id(1));
        await new Promise(() => {});
      },
      { timeout: 200 },
    );
    await expect(never).rejects.toMatchObject({
      code: 'ERR_POOL_TRANSACTION_ABORTED',
      cause: { code: 'ERR_POOL_DEADLINE' },
    });
    await expect(transaction?.create(id(2)).then()).rejects.toThrow(TransactionEndedError);
    await pool.query('RETURN 1');
    expect(await stored()).toEqual([]);
    expect(pool.poolStats()).toMatchObject({ opened: 1, transactions: { rolledBack: 1, open: 0 } });
  });

  test('cut off the begin as well', async () => {
    const front = await own.listen();
    const pool = await own.connect(front);
    front.onRequest = ({ method }) => (method === 'begin' ? 'swallow' : 'pass');
    await expect(pool.withTransaction(() => {}, { timeout: 50 })).rejects.toThrow(TransactionAbortedError);
    await using connection = await pool.acquire();
    await expect(connection.beginTransaction({ signal: AbortSignal.timeout(50) })).rejects.toThrow(
      TransactionAbortedError,
    );
  });

  test('cut off a call that is under way, with the connection', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const controller = new AbortController();
    const arrived = new Promise<void>((resolve) => {
      front.onRequest = ({ params }) => {
        if (ownText(params[0]) !== 'CREATE thing:1') return 'pass';
        resolve();
        return 'swallow';
      };
    });
    const stuck = pool.withTransaction((transaction) => transaction.query('CREATE thing:1'), {
      signal: controller.signal,
    });
    await arrived;
    controller.abort(new Error('enough'));
    await expect(stuck).rejects.toMatchObject({ cause: { message: 'enough' } });
    expect(await pool.query('RETURN 1')).toEqual([1]);
    await vi.waitFor(async () => expect(await stored()).toEqual([]));
    expect(pool.poolStats()).toMatchObject({ opened: 2, transactions: { lost: 1, open: 0 } });
  });

  test('refuse a transaction whose signal is aborted already, or whose options are none', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    const signal = AbortSignal.abort(new Error('no'));
    await expect(connection.beginTransaction({ signal })).rejects.toThrow(TransactionAbortedError);
    await expect(connection.beginTransaction({ timeout: 'soon' })).rejects.toMatchObject({
      code: 'ERR_POOL_CONFIGURATION',
    });
    await expect(connection.withTransaction(() => {}, { retry: { maxAttempts: 0 } })).rejects.toThrow(UsageError);
    await expect(connection.withTransaction(() => {}, { retry: { multiplier: 0.5 } })).rejects.toThrow(UsageError);
    expect(pool.poolStats().transactions.begun).toBe(0);
  });

  test('leave no timer behind', async () => {
    const pool = await own.connect(await own.listen());
    const { signal } = new AbortController();
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    await pool.withTransaction(() => {}, { timeout: '1h', signal });
    await using connection = await pool.acquire();
    await (await connection.beginTransaction({ timeout: '1h', signal })).rollback();
    const after = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    // A timer of something else may have ended meanwhile.
    expect(after).toBeLessThanOrEqual(before);
  });
});

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RecordId, Table } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import {
  ConnectionLostError,
  type ConnectionManager,
  LeaseReleasedError,
  type Transaction,
  TransactionAbortedError,
  TransactionEndedError,
  TransactionLostError,
  UsageError,
} from '../../src/index.js';
import type { Fault } from '../support/front.js';
import { ownText } from '../support/own-text.js';
import { place, surroundings } from '../support/surroundings.js';
import { settled } from '../support/virtual-clock.js';

// The collector is asked to do its work now instead of whenever it likes.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const own = surroundings();
const thing = new Table('thing');
const id = (number: number) => new RecordId('thing', number);

/** The numbers of the things that are stored, whoever stored them. */
async function stored(): Promise<unknown> {
  const [numbers] = await own.engine.query('RETURN (SELECT VALUE record::id(id) FROM thing).sort()', place);
  return numbers;
}

const failing = 'CREATE thing:90; THROW "no"';

describe('a transaction', () => {
  test('applies all at its commit, and nothing before', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.create(id(1)).content({ name: 'one' });
    await transaction.query('CREATE thing:2');
    expect(await transaction.select(thing)).toHaveLength(2);
    expect(await stored()).toEqual([]);
    await transaction.commit();
    expect(await stored()).toEqual([1, 2]);
    expect(transaction.state).toBe('committed');
    expect(pool.poolStats().transactions).toMatchObject({ begun: 1, committed: 1, open: 0 });
  });

  test('undoes all at its rollback, once or twice, and by "await using"', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 1 });
    await using connection = await pool.acquire();
    {
      await using transaction = await connection.beginTransaction();
      await transaction.create(id(1));
    }
    const transaction = await connection.beginTransaction();
    await transaction.create(id(2));
    await Promise.all([transaction.rollback(), transaction.rollback()]);
    await transaction.rollback();
    expect(await stored()).toEqual([]);
    expect(pool.poolStats().transactions).toMatchObject({ begun: 2, rolledBack: 2, open: 0 });
    expect(connection.isMarkedForRecycling()).toBe(false);
  });

  test('holds what the connection itself is asked, while it is open', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    const before = connection.create(id(1)).content({});
    await connection.beginTransaction();
    await before;
    await connection.create(id(2));
    expect(await stored()).toEqual([]);
    await connection.rollbackTransaction();
    await connection.create(id(3));
    expect(await stored()).toEqual([3]);
    await connection.beginTransaction();
    await connection.create(id(4));
    await connection.commitTransaction();
    expect(await stored()).toEqual([3, 4]);
  });

  test('is one at a time on a connection, whose state stays as it is meanwhile', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    await expect(connection.commitTransaction()).rejects.toThrow(UsageError);
    await connection.beginTransaction();
    await expect(connection.beginTransaction()).rejects.toThrow(UsageError);
    await using other = await pool.acquire();
    const both = await Promise.allSettled([other.beginTransaction(), other.beginTransaction()]);
    expect(both).toMatchObject([{ status: 'fulfilled' }, { reason: { code: 'ERR_POOL_USAGE' } }]);
    for (const change of [
      connection.set('a', 1),
      connection.unset('a'),
      connection.use({ namespace: 'test', database: 'other' }),
      connection.invalidate(),
    ]) {
      await expect(change).rejects.toThrow(UsageError);
    }
    await connection.commitTransaction();
    await connection.set('a', 1);
    expect(await connection.query('RETURN $a')).toEqual([1]);
  });

  test('takes nothing more once it is over, not from what was made before', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    for (const end of ['commit', 'rollback'] as const) {
      const transaction = await connection.beginTransaction();
      const kept = transaction.query('CREATE thing:7');
      await kept;
      await transaction[end]();
      await expect(kept.collect()).rejects.toThrow(TransactionEndedError);
      await expect(transaction.create(id(8)).then()).rejects.toThrow(TransactionEndedError);
      await expect(transaction.api().get('/x').then()).rejects.toThrow(TransactionEndedError);
      await expect(transaction.commit()).rejects.toThrow(TransactionEndedError);
      if (end === 'commit') await expect(transaction.rollback()).rejects.toThrow(TransactionEndedError);
      await own.engine.query('DELETE thing', place);
    }
    expect(await stored()).toEqual([]);
  });
});

describe('a failed call', () => {
  let pool: ConnectionManager;
  const begin = async () => {
    pool = await own.connect(await own.listen());
    const connection = await pool.acquire();
    return { connection, transaction: await connection.beginTransaction() };
  };

  const failures: readonly [string, (transaction: Transaction) => Promise<unknown>][] = [
    ['a statement that throws', (transaction) => transaction.query(failing).collect()],
    ['one whose answer is read without an exception', (transaction) => transaction.query(failing).responses()],
    [
      'one whose stream is not read to its end',
      async (transaction) => {
        for await (const _ of transaction.query(failing).stream()) break;
      },
    ],
    [
      'a record that is there already',
      async (transaction) => {
        await transaction.create(id(1));
        await transaction.create(id(1));
      },
    ],
    ['a text that cannot be read', (transaction) => transaction.query('CREAT thing:1').collect()],
  ];
  test.each(failures)('leaves nothing but the rollback: %s', async (_name, fail) => {
    const { connection, transaction } = await begin();
    await transaction.create(id(50));
    await fail(transaction).catch(() => {});
    expect(transaction.state).toBe('aborted');
    await expect(transaction.query('CREATE thing:91').collect()).rejects.toThrow(TransactionAbortedError);
    await expect(connection.query('CREATE thing:92').collect()).rejects.toThrow(TransactionAbortedError);
    await expect(transaction.commit()).rejects.toThrow(TransactionAbortedError);
    expect(await stored()).toEqual([]);
    expect(pool.poolStats().transactions).toMatchObject({ aborted: 1, rolledBack: 1, committed: 0, open: 0 });
    expect(connection.isMarkedForRecycling()).toBe(false);
    connection.release();
  });

  const refusals: readonly [string, (transaction: Transaction) => Promise<unknown>][] = [
    ['a value that cannot be sent', (transaction) => transaction.query('RETURN $a', { a: 2n ** 70n }).collect()],
    ['a change of the database', (transaction) => transaction.query('USE DB other').collect()],
    ['a commit as text', (transaction) => transaction.query('CREATE thing:91; COMMIT').collect()],
    ['a lone LET', (transaction) => transaction.query('LET $a = 1').collect()],
    ['a live query', (transaction) => transaction.live(thing).then()],
    ['a live query as text', (transaction) => transaction.query('LIVE SELECT * FROM thing').collect()],
  ];
  test.each(refusals)('that was refused before it was sent leaves the transaction as it was: %s', async (_name, fail) => {
    const { connection, transaction } = await begin();
    await transaction.create(id(50));
    await expect(fail(transaction)).rejects.toThrow(UsageError);
    expect(transaction.state).toBe('active');
    await transaction.create(id(51));
    await transaction.commit();
    expect(await stored()).toEqual([50, 51]);
    expect(pool.poolStats().transactions).toMatchObject({ aborted: 0, committed: 1, open: 0 });
    connection.release();
  });

  test('is named by the errors that follow, with its cause and without its values', async () => {
    const { connection, transaction } = await begin();
    const failed = transaction.query('THROW $secret', { secret: 'hunter2' });
    const [cause] = await Promise.allSettled([failed.collect()]);
    const [commit] = await Promise.allSettled([transaction.commit()]);
    expect(commit).toMatchObject({
      reason: { code: 'ERR_POOL_TRANSACTION_ABORTED', statement: 'THROW $secret', retryable: false },
    });
    expect(commit.status === 'rejected' && commit.reason.cause).toBe(cause.status === 'rejected' && cause.reason);
    expect(commit.status === 'rejected' && commit.reason.message).toContain('because this failed: THROW $secret');
    connection.release();
  });
});

describe('the calls of a transaction', () => {
  test('run one after the other, as they were begun, builders and texts alike', async () => {
    const front = await own.listen();
    const texts: string[] = [];
    let running = 0;
    let most = 0;
    const pool = await own.connect(front);
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    front.onRequest = async ({ method, params }): Promise<Fault> => {
      if (method !== 'query') return 'pass';
      texts.push(ownText(params[0]));
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return 'pass';
    };
    await Promise.all([
      transaction.create(id(1)).content({ n: 1 }),
      transaction.query('UPDATE thing:1 SET n += 1'),
      transaction.update(id(1)).merge({ m: 1 }),
      transaction.query('UPDATE thing:1 SET n += 2'),
      connection.query('UPDATE thing:1 SET n += 3'),
    ]);
    await transaction.commit();
    expect(texts.map((text) => text.split(' ')[0])).toEqual(['CREATE', 'UPDATE', 'UPDATE', 'UPDATE', 'UPDATE']);
    expect(most).toBe(1);
    expect(await own.engine.query('SELECT VALUE [n, m] FROM thing', place)).toEqual([[[7, 1]]]);
  });

  test('behind a failed one are not sent', async () => {
    const front = await own.listen();
    const pool = await own.connect(front);
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    const sent: string[] = [];
    front.onRequest = ({ method, params }) => {
      if (method === 'query') sent.push(ownText(params[0]));
      return 'pass';
    };
    const results = await Promise.allSettled([
      transaction.query('CREATE thing:1').collect(),
      transaction.query('THROW "no"').collect(),
      transaction.query('CREATE thing:2').collect(),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(sent).toEqual(['CREATE thing:1', 'THROW "no"']);
    await expect(transaction.commit()).rejects.toThrow(TransactionAbortedError);
  });

  test('begun before the commit are waited for, those begun after it are refused', async () => {
    const front = await own.listen();
    const pool = await own.connect(front);
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    const late = transaction.query('CREATE thing:9');
    await late;
    const before = [transaction.create(id(1)).then(), transaction.query('SLEEP 20ms; CREATE thing:2').collect()];
    const commit = transaction.commit();
    const after = [late.collect(), transaction.create(id(3)).then(), connection.create(id(4)).then()];
    for (const call of after) await expect(call).rejects.toThrow(TransactionEndedError);
    await Promise.all(before);
    await commit;
    expect(await stored()).toEqual([1, 2, 9]);
  });

  test('that fail while the commit waits for them make it a rollback', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    const failing = transaction.query('CREATE thing:1; SLEEP 20ms; THROW "late"').collect();
    failing.catch(() => {});
    await expect(transaction.commit()).rejects.toThrow(TransactionAbortedError);
    expect(await stored()).toEqual([]);
  });

  const forgotten: readonly [string, (transaction: Transaction) => unknown][] = [
    ['query', (transaction) => transaction.query('CREATE thing:1')],
    ['create', (transaction) => transaction.create(id(1)).content({ name: 'one' })],
    ['api.get', (transaction) => transaction.api().get('/x')],
    ['run', (transaction) => transaction.run('math::max', [[1]])],
    ['select', (transaction) => transaction.select(thing).stream()],
  ];
  test.each(forgotten)('that were made and never awaited fail the commit: %s', async (name, forget) => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.create(id(5));
    forget(transaction);
    await expect(transaction.commit()).rejects.toThrow(`1 of its queries were made and never sent (${name})`);
    expect(await stored()).toEqual([]);
  });

  test('that were made on the connection and never awaited fail the commit as well', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    await connection.beginTransaction();
    connection.create(id(1));
    await expect(connection.commitTransaction()).rejects.toThrow('never sent (create)');
  });

  test('that fail before they are sent fail the commit, and keep nobody waiting', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    const wrong = transaction.run('not a name', []).then();
    const next = transaction.create(id(1)).then();
    await expect(wrong).rejects.toThrow('Invalid function name');
    await next;
    await expect(transaction.commit()).rejects.toThrow('never sent (run)');
    expect(await stored()).toEqual([]);
  });
});

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
    expect(after).toBe(before);
  });
});

describe('the end of a connection', () => {
  test('with a transaction open at its release: cancelled, told, and kept', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const told: unknown[] = [];
    pool.subscribe('transactionAbandoned', (event) => told.push(event));
    const connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.create(id(1));
    connection.release();
    await expect(transaction.create(id(2)).then()).rejects.toThrow(LeaseReleasedError);
    expect(await pool.query('RETURN 1')).toEqual([1]);
    await settled();
    expect(told).toEqual([{ connection: connection.id }]);
    expect(front.requests.get('cancel')).toBe(1);
    expect(pool.poolStats()).toMatchObject({ opened: 1, resets: 1, transactions: { abandoned: 1, open: 0 } });
    expect(await stored()).toEqual([]);
  });

  test('with a transaction that is just being begun at its release: undone, and the next lease is not told', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    const arrived = new Promise<void>((resolve) => {
      front.onRequest = ({ method }) => {
        if (method !== 'begin') return 'pass';
        resolve();
        return { delay: 20 };
      };
    });
    const begun = connection.beginTransaction();
    await arrived;
    connection.release();
    await expect(begun).rejects.toThrow(LeaseReleasedError);
    (await pool.acquire()).release();
    expect(front.requests.get('cancel')).toBe(1);
    expect(pool.poolStats()).toMatchObject({ opened: 1, transactions: { begun: 0 } });
  });

  test('with a transaction that cannot be cancelled at its release: closed', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1, resetTimeout: 100 });
    front.onRequest = ({ method }) => (method === 'cancel' ? 'swallow' : 'pass');
    const connection = await pool.acquire();
    await connection.beginTransaction();
    connection.release();
    expect(await pool.query('RETURN 1')).toEqual([1]);
    expect(pool.poolStats()).toMatchObject({ opened: 2, resetsFailed: 1 });
  });

  test('whose rollback is not answered: told, and closed at its release', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1, resetTimeout: 100 });
    const told: object[] = [];
    pool.subscribe('rollbackFailed', (event) => told.push(event));
    front.onRequest = ({ method }) => (method === 'cancel' ? 'swallow' : 'pass');
    const error = new Error('mine');
    await expect(pool.withTransaction(() => Promise.reject(error))).rejects.toBe(error);
    expect(await pool.query('RETURN 1')).toEqual([1]);
    expect(told).toMatchObject([{ connection: 1, error: { code: 'ERR_POOL_DEADLINE' } }]);
    expect(pool.poolStats()).toMatchObject({ opened: 2, transactions: { lost: 1, open: 0 } });
  });

  test('that is lost is the end of its transaction', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.create(id(1));
    const asked = transaction.query('SLEEP 5s').collect();
    asked.catch(() => {});
    front.dropAll();
    await expect(asked).rejects.toThrow(TransactionLostError);
    await expect(transaction.create(id(2)).then()).rejects.toThrow(TransactionLostError);
    await expect(transaction.commit()).rejects.toMatchObject({ retryable: true, cause: { outcome: 'unknown' } });
    await transaction.rollback();
    expect(transaction.state).toBe('lost');
    connection.release();
    expect(await stored()).toEqual([]);
    expect(pool.poolStats().transactions).toMatchObject({ lost: 1, open: 0 });
  });

  test('that is lost while nothing is asked is the end of its transaction as well', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    front.dropAll();
    await vi.waitFor(() => expect(transaction.state).toBe('lost'));
    await expect(transaction.query('RETURN 1').collect()).rejects.toThrow(TransactionLostError);
    await expect(connection.query('RETURN 1').collect()).rejects.toThrow(ConnectionLostError);
  });

  test('on a shared socket cancels its transaction, which would live on there', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 2, sessionsPerTransport: 2 });
    await using other = await pool.acquire();
    const connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.create(id(1));
    connection.markForRecycling();
    connection.release();
    await vi.waitFor(() => expect(front.requests.get('cancel')).toBe(1));
    expect(await other.query('RETURN 1')).toEqual([1]);
  });
});

describe('a transaction that nobody holds any more', () => {
  test('is taken back with its lease', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 1, leakDetectionThreshold: '1h' });
    await (async () => {
      const connection = await pool.acquire();
      await (await connection.beginTransaction()).create(id(1));
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
});

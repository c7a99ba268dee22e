import { describe, expect, test } from 'vitest';
import {
  type ConnectionManager,
  type Transaction,
  TransactionAbortedError,
  TransactionEndedError,
  UsageError,
} from '../../src/index.js';
import type { Fault } from '../support/front.js';
import { ownText } from '../support/own-text.js';
import { place, surroundings } from '../support/surroundings.js';
import { id, storedThings, thing } from '../support/things.js';

const own = surroundings();
const stored = () => storedThings(own);
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
  test.each(refusals)(
    'that was refused before it was sent leaves the transaction as it was: %s',
    async (_name, fail) => {
      const { connection, transaction } = await begin();
      await transaction.create(id(50));
      await expect(fail(transaction)).rejects.toThrow(UsageError);
      expect(transaction.state).toBe('active');
      await transaction.create(id(51));
      await transaction.commit();
      expect(await stored()).toEqual([50, 51]);
      expect(pool.poolStats().transactions).toMatchObject({ aborted: 0, committed: 1, open: 0 });
      connection.release();
    },
  );

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

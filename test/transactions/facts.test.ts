import { QueryError, RecordId, ServerError, type Surreal } from 'surrealdb';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type ConnectionManager,
  TransactionAbortedError,
  TransactionConflictError,
  TransactionEndedError,
  TransactionLostError,
  UsageError,
} from '../../src/index.js';
import { bareSdk } from '../support/bare.js';
import { type ByVersion, cellOf, versionOf } from '../support/server-version.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

// What SurrealDB's interactive transactions are like, each fact on the SDK by itself and then through the pool.

const own = surroundings(rocksdbUrl());
const bare = bareSdk();
const record = (number: number) => new RecordId('thing', number);

/** The facts that differ between servers, each as it is from a version on. */
const facts = {
  'the kind of the error for a conflict at the commit': { '3.0.0': 'Internal', '3.1.0': 'Query' },
  'the SDK knows a conflict at the commit': { '3.0.0': false, '3.1.0': true },
  'what the SDK shows a record user in a transaction': { '3.0.0': ["nobody's"], '3.1.0': ['mine'] },
  'the pool begins a transaction for a record user': { '3.0.0': false, '3.1.0': true },
  'USE in the text moves the rest of the query': { '3.0.0': 'other' },
  'the database of the query behind a USE': { '3.0.0': undefined, '3.1.0': 'test' },
  'the type of the answer to LIVE': { '3.0.0': 'other', '3.2.0': 'live' },
  'a commit after its session was closed': { '3.0.0': 'fulfilled', '3.1.0': 'rejected' },
} satisfies Record<string, ByVersion<unknown>>;

/** Compares what was seen with the cell of the table for this server. */
async function holds(fact: keyof typeof facts, seen: unknown): Promise<void> {
  const version = await versionOf(client);
  expect(seen, `${fact}, on SurrealDB ${version}`).toEqual(cellOf<unknown>(facts[fact], version));
}

let client: Surreal;
let pool: ConnectionManager;

beforeEach(async () => {
  const front = await own.listen();
  client = await bare.connect(front.url, { ...place, reconnect: false });
  pool = await own.connect(front, { maxConnections: 2 });
});

/** The numbers and values of the things that are stored. */
async function stored(): Promise<unknown> {
  const [rows] = await own.engine.query('RETURN (SELECT VALUE [record::id(id), v] FROM thing).sort()', place);
  return rows;
}

describe('1: a conflict appears only at the commit', () => {
  beforeEach(() => own.engine.query('CREATE thing:1 SET v = 0', place));

  test('the SDK by itself knows none of 3.0, so its retry does nothing', async () => {
    const [one, two] = [await client.beginTransaction(), await client.beginTransaction()];
    await one.query('UPDATE thing:1 SET v += 1');
    await two.query('UPDATE thing:1 SET v += 1');
    await one.commit();
    const error = await two.commit().catch((reason: unknown) => reason);
    await holds(
      'the kind of the error for a conflict at the commit',
      error instanceof ServerError ? error.kind : error,
    );
    await holds('the SDK knows a conflict at the commit', error instanceof QueryError && error.isTransactionConflict);
  });

  test('ours is typed, and withTransaction does it all again', async () => {
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.query('UPDATE thing:1 SET v += 1');
    await client.query('UPDATE thing:1 SET v += 1');
    await expect(transaction.commit()).rejects.toThrow(TransactionConflictError);
    expect(transaction.state).toBe('conflicted');

    const attempts: number[] = [];
    await connection.withTransaction(async (again, attempt) => {
      attempts.push(attempt);
      await again.query('UPDATE thing:1 SET v += 1');
      if (attempt < 3) await client.query('UPDATE thing:1 SET v += 1');
    });
    expect(attempts).toEqual([1, 2, 3]);
    expect(await stored()).toEqual([[1, 4]]);
    expect(pool.poolStats().transactions).toMatchObject({ begun: 4, committed: 1, conflicts: 3, retries: 2 });
    expect(connection.isMarkedForRecycling()).toBe(false);
  });
});

describe('2: a failed statement keeps what it had written, and the commit stores it', () => {
  beforeEach(() =>
    own.engine.query(
      `REMOVE TABLE IF EXISTS tag; DEFINE TABLE tag; DEFINE INDEX only ON tag FIELDS name UNIQUE;
       CREATE tag:0 SET name = 'taken'`,
      place,
    ),
  );
  const tags = () => own.engine.query('SELECT VALUE record::id(id) FROM tag WHERE id != tag:0', place);

  const partial: readonly [string, string, number][] = [
    ['the first rows of an INSERT', 'INSERT INTO tag [{ id: 1, name: "new" }, { id: 2, name: "taken" }]', 1],
    ['the very row that violates a UNIQUE index', 'CREATE tag:3 SET name = "taken"', 3],
    ['what a loop had done', 'FOR $i IN [4] { CREATE tag:4 SET name = "four"; THROW "no" }', 4],
  ];
  test.each(partial)('the SDK by itself: %s', async (_name, text, left) => {
    const transaction = await client.beginTransaction();
    await expect(transaction.query(text).collect()).rejects.toThrow();
    await transaction.commit();
    expect(await tags()).toEqual([[left]]);
  });

  test.each(partial)('ours stores nothing of %s', async (_name, text) => {
    const hiding = pool.withTransaction(async (transaction) => {
      await transaction.query('CREATE tag:9 SET name = "nine"');
      await transaction.query(text).responses();
    });
    await expect(hiding).rejects.toThrow(TransactionAbortedError);
    expect(await tags()).toEqual([[]]);
  });
});

describe('3: a record user is nobody inside of a transaction, on 3.0', () => {
  const signup = { ...place, access: 'member', variables: {} };
  const notes = 'SELECT VALUE text FROM note';
  const writeNote = 'CREATE note SET text = "mine", owner = $auth RETURN NONE';
  beforeEach(() =>
    own.engine.query(
      `REMOVE TABLE IF EXISTS note;
       DEFINE TABLE note PERMISSIONS FOR select, create WHERE owner = $auth;
       CREATE note SET text = "nobody's";
       DEFINE ACCESS OVERWRITE member ON DATABASE TYPE RECORD SIGNUP (CREATE thing)`,
      place,
    ),
  );

  test('the SDK by itself shows them what is not theirs', async () => {
    await client.signup(signup);
    await client.query(writeNote);
    const transaction = await client.beginTransaction();
    const [seen] = await transaction.query(notes);
    await holds('what the SDK shows a record user in a transaction', seen);
    await transaction.cancel();
  });

  test('ours is refused there, unless it is asked for, and nothing of it stays open', async () => {
    await using connection = await pool.acquire();
    await connection.beginTransaction().then((open) => open.rollback());
    await connection.signup(signup);
    await connection.query(writeNote);
    const [begun] = await Promise.allSettled([connection.beginTransaction()]);
    await holds('the pool begins a transaction for a record user', begun.status === 'fulfilled');
    if (begun.status === 'fulfilled') {
      await begun.value.rollback();
    } else {
      expect(begun.reason).toBeInstanceOf(UsageError);
      await expect(connection.withTransaction(() => {})).rejects.toThrow('forgets a record user');
    }
    const transaction = await connection.beginTransaction({ allowWithoutUser: true });
    const [seen] = await transaction.query(notes);
    await holds('what the SDK shows a record user in a transaction', seen);
    await transaction.rollback();
    expect(await connection.query(notes)).toEqual([['mine']]);
  });
});

describe('4: BEGIN, COMMIT, CANCEL, USE and LIVE in the text do nothing, or something else', () => {
  test('the SDK by itself: USE moves the rest of the query', async () => {
    const transaction = await client.beginTransaction();
    const [, database] = await transaction.query('USE DB other; RETURN session::db()').collect();
    await holds('USE in the text moves the rest of the query', database);
    const [behind] = await transaction.query('RETURN session::db()');
    await holds('the database of the query behind a USE', behind);
    await transaction.cancel();
  });

  test('the SDK by itself: LIVE answers and never tells', async () => {
    const transaction = await client.beginTransaction();
    const [live] = await transaction.query('LIVE SELECT * FROM thing').responses();
    expect(live).toMatchObject({ success: true });
    await holds('the type of the answer to LIVE', live?.success === true ? live.type : live);
    await expect(transaction.query('COMMIT').collect()).rejects.toThrow();
    await transaction.commit();
  });

  test.each(['USE DB other; RETURN session::db()', 'LIVE SELECT * FROM thing', 'COMMIT', 'BEGIN', 'CANCEL'])(
    'ours refuses: %s',
    async (text) => {
      await expect(pool.withTransaction((transaction) => transaction.query(text))).rejects.toThrow(UsageError);
    },
  );
});

describe('5: queries of one transaction run side by side, and a commit waits for none of them', () => {
  test('the SDK by itself loses what came after the commit', async () => {
    const transaction = await client.beginTransaction();
    const slow = Promise.allSettled([transaction.query('SLEEP 200ms; CREATE thing:2').collect()]);
    await transaction.commit();
    expect(await slow).toMatchObject([{ status: 'rejected' }]);
    expect(await stored()).toEqual([]);
  });

  test('ours waits', async () => {
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    const slow = transaction.query('CREATE thing:1; SLEEP 200ms; CREATE thing:2').responses();
    await transaction.commit();
    expect((await slow).map(({ success }) => success)).toEqual([true, true, true]);
    expect(await stored()).toEqual([
      [1, undefined],
      [2, undefined],
    ]);
  });
});

describe('6: after its end the server knows a transaction no more', () => {
  test('the SDK by itself says "Transaction not found", whatever had become of it', async () => {
    const transaction = await client.beginTransaction();
    await transaction.commit();
    await expect(transaction.query('CREATE thing:1').collect()).rejects.toThrow('Transaction not found');
    await expect(transaction.commit()).rejects.toThrow('Transaction not found');
  });

  test('ours says what had become of it, and sends nothing', async () => {
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.commit();
    await expect(transaction.query('CREATE thing:1').collect()).rejects.toThrow(TransactionEndedError);
    await expect(transaction.commit()).rejects.toThrow('the transaction was committed');
  });
});

describe('7: a transaction that is forgotten stays open on the server, on 3.0', () => {
  test('the SDK by itself: closing its session does not end it there', async () => {
    const session = await client.forkSession();
    const transaction = await session.beginTransaction();
    await transaction.query('CREATE thing:1');
    await session.closeSession();
    const [commit] = await Promise.allSettled([transaction.commit()]);
    await holds('a commit after its session was closed', commit.status);
    expect(await stored()).toEqual(commit.status === 'fulfilled' ? [[1, undefined]] : []);
  });

  test('ours ends with its lease', async () => {
    const connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.create(record(1));
    connection.release();
    await expect(transaction.commit()).rejects.toThrow('it was open when its connection was released');
    expect(await stored()).toEqual([]);
  });
});

describe('8: a socket that closes takes its transactions with it', () => {
  test('the SDK by itself says only that the call was terminated', async () => {
    const front = await own.listen();
    const other = await bare.connect(front.url, { ...place, reconnect: false });
    const transaction = await other.beginTransaction();
    const asked = transaction.query('CREATE thing:1; SLEEP 1s').collect();
    asked.catch(() => {});
    front.dropAll();
    await expect(asked).rejects.toThrow('terminated');
  });

  test('ours says that nothing was applied', async () => {
    const front = await own.listen();
    const lost = await own.connect(front);
    await using connection = await lost.acquire();
    const transaction = await connection.beginTransaction();
    const asked = transaction.query('CREATE thing:1; SLEEP 1s').collect();
    asked.catch(() => {});
    front.dropAll();
    await expect(asked).rejects.toThrow(TransactionLostError);
    expect(await stored()).toEqual([]);
  });
});

describe('9: a builder that is not awaited is not sent', () => {
  test('the SDK by itself commits without it', async () => {
    const transaction = await client.beginTransaction();
    transaction.create(record(1));
    await transaction.create(record(2));
    await transaction.commit();
    expect(await stored()).toEqual([[2, undefined]]);
  });

  test('ours does not commit', async () => {
    const forgetful = pool.withTransaction(async (transaction) => {
      transaction.create(record(1));
      await transaction.create(record(2));
    });
    await expect(forgetful).rejects.toThrow('1 of its queries were made and never sent (create)');
    expect(await stored()).toEqual([]);
  });
});

describe('10: isolation is snapshot isolation, and no more', () => {
  beforeEach(() => own.engine.query('CREATE thing:1 SET v = 1; CREATE thing:2 SET v = 1', place));
  const all = 'RETURN (SELECT VALUE v FROM thing).sort()';

  test('a transaction sees the database as it was at its begin, and its own writes', async () => {
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await client.query('UPDATE thing:1 SET v = 5; CREATE thing:3 SET v = 9');
    expect(await transaction.query(all)).toEqual([[1, 1]]);
    await transaction.query('UPDATE thing:2 SET v = 7');
    expect(await transaction.query(all)).toEqual([[1, 7]]);
    expect(await client.query(all)).toEqual([[1, 5, 9]]);
    await transaction.commit();
    expect(await client.query(all)).toEqual([[5, 7, 9]]);
  });

  test('write skew is possible: two transactions read both records and write one each', async () => {
    await using one = await pool.acquire();
    await using other = await pool.acquire();
    const [first, second] = [await one.beginTransaction(), await other.beginTransaction()];
    expect([await first.query(all), await second.query(all)]).toEqual([[[1, 1]], [[1, 1]]]);
    await first.query('UPDATE thing:1 SET v = 0');
    await second.query('UPDATE thing:2 SET v = 0');
    await first.commit();
    await second.commit();
    expect(await client.query(all)).toEqual([[0, 0]]);
  });
});

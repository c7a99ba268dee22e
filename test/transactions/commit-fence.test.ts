import { RecordId, Uuid } from 'surrealdb';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  CommitOutcomeUnknownError,
  CommitVerificationError,
  type ConnectionManager,
  TransactionConflictError,
  TransactionLostError,
} from '../../src/index.js';
import { markerTable } from '../../src/transactions/commit-fence.js';
import type { Place } from '../support/backend.js';
import { bareSdk } from '../support/bare.js';
import { firstCommit, newDatabase } from '../support/commits.js';
import type { Front } from '../support/front.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl, temporaryFolder } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const bare = bareSdk();
const verified = { verifyCommit: true };
const id = (number: number) => new RecordId('thing', number);

let place: Place;
let front: Front;
let pool: ConnectionManager;

beforeEach(async () => {
  place = await newDatabase(own.engine);
  front = await own.listen();
  // As many connections as holders, so that finding out must not need one more of the pool's.
  pool = await own.connect(front, { ...place, maxConnections: 1, connectionTimeout: 2_000 });
});

async function stored(): Promise<unknown> {
  const [numbers] = await own.engine.query('RETURN (SELECT VALUE record::id(id) FROM thing).sort()', place);
  return numbers;
}

const markers = () => own.engine.query(`SELECT VALUE state FROM ${markerTable}`, place);

const create = (options: object = verified) =>
  pool.withTransaction(async (transaction, attempt) => {
    await transaction.create(id(attempt));
    return attempt;
  }, options);

describe('a commit whose answer was lost', () => {
  test('is unknown without verifyCommit, applied or not', async () => {
    for (const fault of ['drop', 'kill'] as const) {
      front.onRequest = firstCommit(fault);
      await expect(create({})).rejects.toMatchObject({
        code: 'ERR_POOL_COMMIT_OUTCOME_UNKNOWN',
        outcome: 'unknown',
        retryable: false,
      });
      expect(await stored()).toEqual(fault === 'drop' ? [1] : []);
      await own.engine.query('DELETE thing', place);
    }
    expect(pool.poolStats().transactions).toMatchObject({ unknown: 2, fenced: 0, open: 0 });
  });

  test('is known to be applied with verifyCommit', async () => {
    front.onRequest = firstCommit('drop');
    expect(await create()).toBe(1);
    expect(await stored()).toEqual([1]);
    expect(await markers()).toEqual([['committed']]);
    expect(pool.poolStats().transactions).toMatchObject({ committed: 1, fenced: 1, unknown: 0 });
    await own.engine.query('DELETE thing', place);
    expect(await create(), 'and the pool goes on').toBe(1);
  });

  test('is known not to be applied with verifyCommit', async () => {
    front.onRequest = firstCommit('kill');
    await expect(create()).rejects.toThrow(TransactionLostError);
    expect(await stored()).toEqual([]);
    expect(await markers()).toEqual([['fenced']]);
    expect(pool.poolStats().transactions).toMatchObject({ lost: 1, fenced: 1, unknown: 0 });
  });

  test('is found out although the answer to the fence was lost as well', async () => {
    for (const fault of ['drop', 'kill'] as const) {
      let lose = 2;
      front.onRequest = firstCommit(fault, ({ method, params }) => {
        const fences = method === 'query' && JSON.stringify(params).includes('"fenced"');
        return fences && lose-- > 0 ? 'drop' : 'pass';
      });
      const [result] = await Promise.allSettled([create()]);
      expect(result.status).toBe(fault === 'drop' ? 'fulfilled' : 'rejected');
      expect(lose).toBeLessThanOrEqual(0);
      expect(await stored()).toEqual(fault === 'drop' ? [1] : []);
      await own.engine.query('DELETE thing', place);
    }
    expect(pool.poolStats().transactions).toMatchObject({ committed: 1, lost: 1, fenced: 2 });
  });

  test('is unknown when no node can be reached to find out', async () => {
    await create();
    await own.engine.query('DELETE thing', place);
    front.onRequest = firstCommit('drop', () => 'kill');
    await expect(create()).rejects.toThrow(CommitOutcomeUnknownError);
    front.onRequest = () => 'pass';
    expect(await stored()).toEqual([1]);
    expect(pool.poolStats().transactions).toMatchObject({ unknown: 1, fenced: 0 });
  });

  test('is found out when its time was up, and the commit was still going on', async () => {
    await create();
    await own.engine.query('DELETE thing', place);
    front.onRequest = firstCommit('swallow');
    expect(await create({ ...verified, timeout: 300 })).toBe(1);
    expect(await stored()).toEqual([1]);
  });

  test('is no reason to do it all again', async () => {
    let calls = 0;
    front.onRequest = firstCommit('kill');
    const work = pool.withTransaction(async (transaction) => {
      calls++;
      await transaction.create(id(1));
    }, verified);
    await expect(work).rejects.toThrow(TransactionLostError);
    expect(calls).toBe(1);
  });

  test('ends its finding out at the shutdown', async () => {
    pool = await own.connect(front, { ...place, maxConnections: 1, connectionTimeout: 0 });
    await create();
    await own.engine.query('DELETE thing', place);
    front.onRequest = firstCommit('drop', () => 'kill');
    const before = front.accepted;
    const lost = Promise.allSettled([create()]);
    await vi.waitFor(() => expect(front.accepted).toBeGreaterThan(before + 1));
    await pool.shutdown({ gracePeriod: 0 });
    expect(await lost).toMatchObject([{ reason: { code: 'ERR_POOL_COMMIT_OUTCOME_UNKNOWN' } }]);
  });
});

describe('a fence', () => {
  test('refuses a commit that comes later, which a look at the marker would not', async () => {
    const client = await bare.connect(front.url, { ...place, reconnect: false });
    await own.engine.query(`DEFINE TABLE ${markerTable}`, place);
    for (const look of [true, false]) {
      const transaction = await client.beginTransaction();
      const marker = new RecordId(markerTable, Uuid.v4());
      await transaction.query('CREATE ONLY $marker SET state = "committed"', { marker });
      if (look) {
        expect(await own.engine.query('SELECT * FROM $marker', place, { marker })).toEqual([[]]);
        await transaction.commit();
      } else {
        await own.engine.query('CREATE ONLY $marker SET state = "fenced"', place, { marker });
        await expect(transaction.commit()).rejects.toThrow('This transaction can be retried');
      }
    }
  });

  test('that races with the commit itself: one of them wins, and the caller knows which', async () => {
    for (let round = 0; round < 20; round++) {
      front.onRequest = ({ method }, connection) => {
        // Executed while its socket goes away, so that the fence comes at the same time.
        if (method === 'commit') setImmediate(() => connection.terminate());
        return 'pass';
      };
      const [result] = await Promise.allSettled([
        pool.withTransaction((transaction) => transaction.create(id(round)), verified),
      ]);
      const rows = (await stored()) as number[];
      expect(rows.includes(round), `round ${round}: ${JSON.stringify(result)}`).toBe(result.status === 'fulfilled');
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(TransactionLostError);
    }
    expect(pool.poolStats().transactions.unknown).toBe(0);
  });
});

describe('verifyCommit', () => {
  test('works for the user and the database that the connection was lent for', async () => {
    const other = await newDatabase(own.engine);
    for (const fault of ['drop', 'kill'] as const) {
      front.onRequest = firstCommit(fault);
      const elsewhere = pool.withTransaction((transaction) => transaction.create(id(7)), { ...verified, ...other });
      const [result] = await Promise.allSettled([elsewhere]);
      expect(result.status).toBe(fault === 'drop' ? 'fulfilled' : 'rejected');
      expect(await own.engine.query('RETURN count(DELETE thing RETURN BEFORE)', other)).toEqual([
        fault === 'drop' ? 1 : 0,
      ]);
    }
    expect(await own.engine.query(`RETURN (SELECT VALUE state FROM ${markerTable}).sort()`, other)).toEqual([
      ['committed', 'fenced'],
    ]);
    expect(pool.poolStats().transactions).toMatchObject({ unknown: 0, fenced: 2 });
  });

  test('leaves conflicts what they are', async () => {
    await own.engine.query('CREATE thing:1 SET v = 0', place);
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction(verified);
    await transaction.query('UPDATE thing:1 SET v += 1');
    await own.engine.query('UPDATE thing:1 SET v += 1', place);
    await expect(transaction.commit()).rejects.toThrow(TransactionConflictError);
    expect(await markers()).toEqual([[]]);
  });

  test('is refused at the begin to a user without the right to it, and nothing stays open', async () => {
    await own.engine.query('DEFINE USER OVERWRITE viewer ON ROOT PASSWORD "secret" ROLES VIEWER', place);
    const viewers = await own.connect(front, { ...place, credentials: { username: 'viewer', password: 'secret' } });
    await using connection = await viewers.acquire();
    await expect(connection.beginTransaction(verified)).rejects.toThrow(CommitVerificationError);
    const plain = await connection.beginTransaction();
    await plain.rollback();
    expect(viewers.poolStats()).toMatchObject({ total: 1, transactions: { begun: 1, open: 0 } });
  });

  test('is refused also when somebody else has defined the table already', async () => {
    await own.engine.query('DEFINE USER OVERWRITE viewer ON ROOT PASSWORD "secret" ROLES VIEWER', place);
    await create();
    await using viewer = await pool.acquire({ credentials: { username: 'viewer', password: 'secret' } });
    await expect(viewer.beginTransaction(verified)).rejects.toThrow('who may create records in the table');
    expect(front.requests.get('cancel')).toBe(1);
  });

  test('is not refused to one who may define the table, because another one who may not came first', async () => {
    await own.engine.query('DEFINE USER OVERWRITE viewer ON ROOT PASSWORD "secret" ROLES VIEWER', place);
    const both = await own.connect(front, {
      ...place,
      credentials: { username: 'root', password: 'secret' },
      maxConnections: 2,
    });
    await using viewer = await both.acquire({ credentials: { username: 'viewer', password: 'secret' } });
    await using owner = await both.acquire();
    const [refused, begun] = await Promise.allSettled([
      viewer.beginTransaction(verified),
      owner.beginTransaction(verified),
    ]);
    expect([refused.status, begun.status]).toEqual(['rejected', 'fulfilled']);
    await owner.commitTransaction();
  });

  test('is refused on a connection that was moved, or signed in as somebody else', async () => {
    await using connection = await pool.acquire();
    await connection.use({ namespace: 'test', database: 'other' });
    await expect(connection.beginTransaction(verified)).rejects.toThrow(CommitVerificationError);
  });

  test('is refused on a connection that is moved while the transaction is begun', async () => {
    await using connection = await pool.acquire();
    const begun = expect(connection.beginTransaction(verified)).rejects.toThrow(CommitVerificationError);
    await connection.use({ namespace: 'test', database: 'other' });
    await begun;
  });

  test('is refused on surrealkv, and works on the other engines inside the process', async () => {
    const lossy = await own.pool(`surrealkv://${temporaryFolder()}/db`);
    await expect(lossy.withTransaction(() => {}, verified)).rejects.toThrow('lets a commit and its fence both succeed');
    const memory = await own.pool('mem://');
    expect(await memory.withTransaction(() => 'well', verified)).toBe('well');
    expect(await memory.query(`SELECT VALUE state FROM ${markerTable}`)).toEqual([['committed']]);
  });

  test('defines its table once, beside the connections of the pool, and keeps nothing open', async () => {
    const before = front.connections;
    const many = await own.connect(front, { ...place, maxConnections: 4 });
    await Promise.all([1, 2, 3, 4].map((number) => many.withTransaction((open) => open.create(id(number)), verified)));
    expect(await stored()).toEqual([1, 2, 3, 4]);
    expect(await markers()).toEqual([['committed', 'committed', 'committed', 'committed']]);
    expect(many.poolStats().total).toBeLessThanOrEqual(4);
    await many.shutdown();
    await vi.waitFor(() => expect(front.connections).toBe(before));
  });

  test('sweeps old markers, and fences only hours later', async () => {
    await own.engine.query(
      `DEFINE TABLE ${markerTable};
       CREATE ${markerTable}:1 SET state = 'committed', at = time::now() - 2h;
       CREATE ${markerTable}:2 SET state = 'fenced', at = time::now() - 2h;
       CREATE ${markerTable}:3 SET state = 'fenced', at = time::now() - 7h;
       CREATE ${markerTable}:4 SET state = 'committed', at = time::now() - 10m`,
      place,
    );
    await create();
    const left = () =>
      own.engine.query(`SELECT VALUE record::id(id) FROM ${markerTable} WHERE record::id(id) < 9`, place);
    await vi.waitFor(async () => expect(await left()).toEqual([[2, 4]]));
  });
});

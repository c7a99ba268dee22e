import { RecordId } from 'surrealdb';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  CommitOutcomeUnknownError,
  CommitVerificationError,
  type ConnectionManager,
  TransactionLostError,
} from '../../src/index.js';
import { markerTable } from '../../src/transactions/commit-fence.js';
import type { Place } from '../support/backend.js';
import { firstCommit, newDatabase } from '../support/commits.js';
import type { Fault, Front } from '../support/front.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const verified = { verifyCommit: true };

let place: Place;
let front: Front;
let pool: ConnectionManager;
let written = 0;

beforeEach(async () => {
  front = await own.listen();
  written = 0;
});

/** A pool on a database of its own, in which a verified transaction has been committed. */
async function prepared(kind: 'STRICT' | ''): Promise<void> {
  place = await newDatabase(own.engine, kind);
  pool = await own.connect(front, { ...place, maxConnections: 4, connectionTimeout: 2_000 });
  await write();
}

async function write(): Promise<void> {
  const id = new RecordId('thing', ++written);
  await pool.withTransaction((open) => open.create(id), verified);
}

const removeTable = () => own.engine.query(`REMOVE TABLE ${markerTable}`, place);
const stored = async () => (await own.engine.query('RETURN (SELECT VALUE record::id(id) FROM thing).sort()', place))[0];
const markers = async () => (await own.engine.query(`SELECT VALUE state FROM ${markerTable}`, place))[0];

/** Removes a database, or its whole namespace, and makes it again with the table that the tests write to. */
/** A server conflicts with itself now and then, and a session that uses what is gone makes it by itself. */
async function makeAgain(what: 'database' | 'namespace', kind: 'STRICT' | ''): Promise<void> {
  const { namespace, database } = place;
  const define = `USE NS ${namespace}; DEFINE DATABASE OVERWRITE ${database} ${kind}`;
  const text =
    what === 'namespace'
      ? `REMOVE NAMESPACE IF EXISTS ${namespace}; DEFINE NAMESPACE OVERWRITE ${namespace}; ${define}`
      : `USE NS ${namespace}; REMOVE DATABASE IF EXISTS ${database}; ${define}`;
  await vi.waitFor(() => own.engine.query(text), { timeout: 5000 });
  await own.engine.query('DEFINE TABLE thing', place);
}

describe.each(['STRICT', ''] as const)('in a database %s, the pool goes on', (kind) => {
  test('when the table of markers was removed, each time', async () => {
    await prepared(kind);
    for (let round = 0; round < 3; round++) {
      await removeTable();
      await write();
      expect(await markers()).toEqual(['committed']);
    }
    expect(await stored()).toEqual([1, 2, 3, 4]);
    expect(pool.poolStats().transactions).toMatchObject({ open: 0, unknown: 0 });
  });

  test.each(['database', 'namespace'] as const)('when the %s was made again', async (what) => {
    await prepared(kind);
    await makeAgain(what, kind);
    await write();
    await write();
    expect(await stored()).toEqual([2, 3]);
    expect(await markers()).toEqual(['committed', 'committed']);
  });

  test('when several transactions find the table gone at once', async () => {
    await prepared(kind);
    await removeTable();
    const results = await Promise.allSettled([write(), write(), write(), write()]);
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(await stored()).toEqual([1, 2, 3, 4, 5]);
  });

  test('with beginTransaction() on a lease, and the work is not done twice', async () => {
    await prepared(kind);
    await using connection = await pool.acquire();
    await removeTable();
    const transaction = await connection.beginTransaction(verified);
    await transaction.query('CREATE thing:7');
    await transaction.commit();
    expect(await stored()).toEqual([1, 7]);
    expect(pool.poolStats().transactions).toMatchObject({ open: 0 });
  });

  test('when the table is removed before a rollback to a savepoint begins another transaction', async () => {
    await prepared(kind);
    await pool.withTransaction(async (transaction) => {
      await transaction.query('CREATE thing:8');
      const savepoint = await transaction.savepoint();
      await transaction.query('CREATE thing:9');
      await removeTable();
      await savepoint.rollback();
    }, verified);
    expect(await stored()).toEqual([1, 8]);
    expect(await markers()).toEqual(['committed']);
  });

  test('and its fences tell the truth again', async () => {
    await prepared(kind);
    await removeTable();
    // A table that the server makes by itself was not defined by the pool, which finds that out at the first fence.
    if (kind === 'STRICT') await write();
    else await pool.shutdown().then(async () => (pool = await own.connect(front, { ...place, maxConnections: 4 })));
    for (const fault of ['drop', 'kill'] as const) {
      front.onRequest = firstCommit(fault);
      const [result] = await Promise.allSettled([write()]);
      expect(result.status).toBe(fault === 'drop' ? 'fulfilled' : 'rejected');
    }
    expect(pool.poolStats().transactions).toMatchObject({ fenced: 2, unknown: 0 });
  });
});

test('a table that is removed each time is given up, and nothing stays open', async () => {
  await prepared('STRICT');
  front.onRequest = async ({ method }): Promise<Fault> => {
    if (method === 'begin') await own.engine.query(`REMOVE TABLE IF EXISTS ${markerTable}`, place);
    return 'pass';
  };
  const error = await write().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CommitVerificationError);
  expect(error).toMatchObject({ message: expect.stringContaining('removed twice') });
  expect(front.requests.get('cancel')).toBe(2);
  expect(await stored()).toEqual([1]);
  front.onRequest = () => 'pass';
  await write();
});

describe.each(['STRICT', ''] as const)('in a database %s, a lost commit is unknown, committed or not', (kind) => {
  const removals = {
    'its table was removed': () => removeTable(),
    'its table was removed and defined again': () => removeTable().then(() => defineAgain()),
    'another pool has defined its table again': () => removeTable().then(() => writeByAnother()),
    'its database was made again': () => makeAgain('database', kind),
  };
  const defineAgain = () => own.engine.query(`DEFINE TABLE ${markerTable} SCHEMALESS PERMISSIONS NONE`, place);
  const writeByAnother = async () => {
    const other = await own.listen();
    const another = await own.connect(other, { ...place });
    await another.withTransaction(() => {}, verified);
  };

  test.each(Object.entries(removals))('when %s meanwhile', async (_, remove) => {
    for (const fault of ['drop', 'kill'] as const) {
      await prepared(kind);
      let gone = false;
      front.onRequest = firstCommit(fault, async ({ method, params }): Promise<Fault> => {
        // Before the fence comes, and after the commit was executed, or was not.
        if (!gone && method === 'query' && JSON.stringify(params).includes('"fenced"')) {
          gone = true;
          await remove();
        }
        return 'pass';
      });
      const error = await write().catch((reason: unknown) => reason);
      expect(gone).toBe(true);
      expect(error, `the commit: ${fault}`).toBeInstanceOf(CommitOutcomeUnknownError);
      expect(error).toMatchObject({ cause: expect.any(CommitVerificationError) });
      front.onRequest = () => 'pass';
      await write();
      // The next lost commit is found out again.
      front.onRequest = firstCommit('drop');
      await write();
      front.onRequest = firstCommit('kill');
      await expect(write()).rejects.toBeInstanceOf(TransactionLostError);
      expect(pool.poolStats().transactions).toMatchObject({ unknown: 1, fenced: 2, open: 0 });
    }
  });

  test('when its table was removed by one and defined by the next transaction of the same pool', async () => {
    await prepared(kind);
    let gone = false;
    front.onRequest = firstCommit('drop', async ({ method, params }): Promise<Fault> => {
      if (!gone && method === 'query' && JSON.stringify(params).includes('"fenced"')) {
        gone = true;
        await removeTable();
        await write();
      }
      return 'pass';
    });
    await expect(write()).rejects.toBeInstanceOf(CommitOutcomeUnknownError);
  });
});

test('a table without a comment, of an older version or defined by hand, is taken and named', async () => {
  place = await newDatabase(own.engine, 'STRICT');
  await own.engine.query(`DEFINE TABLE ${markerTable} SCHEMALESS PERMISSIONS NONE`, place);
  const pools = await Promise.all([1, 2, 3].map(() => own.connect(front, { ...place })));
  await Promise.all(pools.map((one) => one.withTransaction(() => {}, verified)));
  for (const one of pools) {
    front.onRequest = firstCommit('kill');
    const error = await one.withTransaction(() => {}, verified).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_POOL_TRANSACTION_LOST' });
  }
});

import { RecordId, type Surreal, type SurrealQueryable } from 'surrealdb';
import { beforeEach, describe, expect, test } from 'vitest';
import { type ConnectionManager, type Transaction, TransactionConflictError } from '../../src/index.js';
import { bareSdk } from '../support/bare.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

// SurrealDB writes nothing when an UPDATE leaves a record as it was. Such a statement guards nothing: the transaction does
// not conflict with another one that changes the record meanwhile. What does conflict has to change something.

const own = surroundings(rocksdbUrl());
const bare = bareSdk();
const thing = new RecordId('thing', 1);

type Queries = Pick<SurrealQueryable, 'query' | 'update'>;

/** The versions on which these were seen; a later one is held against the last that is not later. */
const versions = ['3.0.2', '3.0.5', '3.1.6', '3.3.5'] as const;
type Version = (typeof versions)[number];
const none: readonly Version[] = [];

/** Statements that leave `v` at 0, and on which versions they write. (`v = v` in an UPSERT of 3.0.2 takes `v` away.) */
const touches: readonly (readonly [string, readonly Version[], (queries: Queries) => PromiseLike<unknown>])[] = [
  ['UPDATE thing:1', none, (queries) => queries.query('UPDATE thing:1')],
  ['UPDATE … SET v = v', none, (queries) => queries.query('UPDATE thing:1 SET v = v')],
  ['UPDATE … SET v += 0', none, (queries) => queries.query('UPDATE thing:1 SET v += 0')],
  ['UPDATE … MERGE {}', none, (queries) => queries.query('UPDATE thing:1 MERGE {}')],
  ['UPDATE … PATCH []', none, (queries) => queries.query('UPDATE thing:1 PATCH []')],
  ['UPDATE … CONTENT the same', none, (queries) => queries.query('UPDATE thing:1 CONTENT { v: 0 }')],
  ['update().merge() of the same', none, (queries) => queries.update(thing).merge({ v: 0 })],
  ['UPSERT … SET v = 0', ['3.1.6', '3.3.5'], (queries) => queries.query('UPSERT thing:1 SET v = 0')],
  [
    'INSERT … ON DUPLICATE KEY UPDATE v = 0',
    ['3.1.6', '3.3.5'],
    (queries) => queries.query('INSERT INTO thing { id: 1, v: 0 } ON DUPLICATE KEY UPDATE v = 0'),
  ],
  ['there and back', versions, (queries) => queries.query('UPDATE thing:1 SET v = 7; UPDATE thing:1 SET v = 0')],
  ['a counter that grows', versions, (queries) => queries.query('UPDATE thing:1 SET reads += 1')],
  [
    'a new value of its own',
    versions,
    (queries) => queries.query('UPDATE thing:1 SET read = $by', { by: crypto.randomUUID() }),
  ],
];

let client: Surreal;
let pool: ConnectionManager;
let version: Version;

beforeEach(async () => {
  const front = await own.listen();
  client = await bare.connect(front.url, { ...place, reconnect: false });
  pool = await own.connect(front);
  version = known((await client.version()).version);
  await client.query('CREATE thing:1 SET v = 0');
});

function known(version: string): Version {
  const number = (text: string) => text.split('.').reduce((sum, part) => 1000 * sum + Number.parseInt(part, 10), 0);
  const found = number(version.replace(/^surrealdb-/, ''));
  return versions.findLast((each) => number(each) <= found) ?? versions[0];
}

const change = () => client.query('UPDATE thing:1 SET v = 5');
const stored = async (): Promise<unknown> => (await client.query('SELECT VALUE v FROM ONLY thing:1'))[0];

describe('a transaction that reads a record and touches it, while another one changes it', () => {
  test.each(touches)('the SDK by itself: %s', async (_name, writesOn, touch) => {
    const transaction = await client.beginTransaction();
    expect(await transaction.query('SELECT VALUE v FROM ONLY thing:1')).toEqual([0]);
    await touch(transaction);
    await change();
    const [result] = await Promise.allSettled([transaction.commit()]);
    expect(result.status, version).toBe(writesOn.includes(version) ? 'rejected' : 'fulfilled');
    expect(await stored()).toBe(5);
  });

  const once = (
    touch: (queries: Queries) => PromiseLike<unknown>,
    on: ConnectionManager,
    meanwhile: () => PromiseLike<unknown>,
  ) =>
    on.withTransaction(
      async (transaction: Transaction) => {
        await transaction.select(thing);
        await touch(transaction);
        await meanwhile();
      },
      { retry: false },
    );

  test.each(touches)('ours: %s', async (_name, writesOn, touch) => {
    const work = once(touch, pool, change);
    if (writesOn.includes(version)) await expect(work, version).rejects.toThrow(TransactionConflictError);
    else await work;
    expect(await stored()).toBe(5);
  });

  test.each(touches)('ours, in the process: %s', async (_name, writesOn, touch) => {
    const embedded = await own.pool(rocksdbUrl());
    await embedded.query('CREATE thing:1 SET v = 0');
    const work = once(touch, embedded, () => embedded.query('UPDATE thing:1 SET v = 5'));
    if (writesOn.includes('3.0.2')) await expect(work).rejects.toThrow(TransactionConflictError);
    else await work;
    expect(await embedded.query('SELECT VALUE v FROM ONLY thing:1')).toEqual([5]);
  });
});

describe('a transaction that changes a record, while another one touches it', () => {
  test.each(touches)('ours: %s', async (_name, writesOn, touch) => {
    const work = once(() => touch(client));
    if (writesOn.includes(version)) await expect(work, version).rejects.toThrow(TransactionConflictError);
    else await work;
    expect(await stored()).toBe(writesOn.includes(version) ? 0 : 9);
  });

  const once = (meanwhile: () => PromiseLike<unknown>) =>
    pool.withTransaction(
      async (transaction) => {
        await transaction.query('UPDATE thing:1 SET v = 9');
        await meanwhile();
      },
      { retry: false },
    );
});

describe('a rule over two records, which write skew breaks', () => {
  // As in docs/transactions.md: each may leave while another one stays.
  const leave = (name: string, guard: string, meanwhile: () => Promise<unknown>) =>
    pool.withTransaction(async (transaction, attempt) => {
      const [onCall] = await transaction.query<[unknown[]]>('SELECT VALUE name FROM thing WHERE on_call');
      if (onCall.length < 2) return 'stays';
      await transaction.query('UPDATE thing SET on_call = false WHERE name = $name', { name });
      await transaction.query(guard);
      if (attempt === 1) await meanwhile();
      return 'left';
    });
  const both = async (guard: string): Promise<string[]> => {
    let bob = '';
    const ada = await leave('ada', guard, async () => {
      bob = await leave('bob', guard, async () => {});
    });
    return [ada, bob];
  };
  beforeEach(() =>
    client.query(`DELETE thing; CREATE thing:ada SET name = 'ada', on_call = true;
      CREATE thing:bob SET name = 'bob', on_call = true; CREATE thing:roster SET changes = 0`),
  );

  test('is not guarded by a record that both only touch', async () => {
    expect(await both('UPDATE thing:roster SET changes += 0')).toEqual(['left', 'left']);
  });

  test('is guarded by a record that both change', async () => {
    expect(await both('UPDATE thing:roster SET changes += 1')).toEqual(['stays', 'left']);
  });
});

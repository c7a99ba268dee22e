import { beforeAll, describe, expect, test } from 'vitest';
import { type ConnectionManager, createPool, type Transaction } from '../../../src/index.js';
import { textOf } from '../../support/savepoint-programs/answers.js';
import { rocksdbUrl } from '../../support/temporary.js';
import { prepared, refusal, undo } from '../../support/undone-parts.js';

/** Random values that the text of a call does not show: what a program was told of one is what is stored. */
let pool: ConnectionManager;
beforeAll(async () => {
  pool = await createPool(rocksdbUrl(), { namespace: 'test', database: 'test', minConnections: 0, maxConnections: 4 });
  return () => pool.shutdown({ gracePeriod: 0 });
});

const tables = ['user', 'voucher', 'pair', 'out'];
const quiet = "CREATE user:1 SET name = 'ada' RETURN NONE";

interface Case {
  readonly schema: string;
  readonly write?: string;
  readonly read: string;
  /** How the undone part is told, where it is not by the same read. */
  readonly ask?: (transaction: Transaction) => PromiseLike<unknown>;
}

const token = 'DEFINE FIELD token ON user DEFAULT rand::string(12)';
const readToken = 'SELECT VALUE token FROM ONLY user:1';

const cases: Readonly<Record<string, Case>> = {
  'a DEFAULT': { schema: token, read: readToken },
  'a DEFAULT of a uuid': { schema: 'DEFINE FIELD token ON user DEFAULT rand::uuid()', read: readToken },
  'a VALUE': { schema: 'DEFINE FIELD token ON user VALUE rand::int(1, 1000000)', read: readToken },
  'a VALUE that an update makes again': {
    schema: 'DEFINE FIELD token ON user VALUE rand::int(1, 1000000); CREATE user:2',
    write: "UPDATE user SET name = 'eve' RETURN NONE",
    read: 'SELECT VALUE token FROM user',
  },
  'a function in a DEFAULT': {
    schema:
      'DEFINE FUNCTION OVERWRITE fn::token() { RETURN rand::string(12) }; DEFINE FIELD token ON user DEFAULT fn::token()',
    read: readToken,
  },
  'a DEFAULT that depends on a random choice': {
    schema: 'DEFINE FIELD token ON user DEFAULT IF rand::bool() { rand::int(1, 99999) } ELSE { rand::int(1, 99999) }',
    read: readToken,
  },
  'the id of what an event creates': {
    schema: 'DEFINE EVENT v ON user WHEN true THEN { CREATE voucher SET of = $after.id }',
    read: 'SELECT VALUE id FROM voucher',
  },
  'what an event writes': {
    schema: 'DEFINE EVENT v ON user WHEN true THEN { UPSERT voucher:1 SET code = rand::string(12) }',
    read: 'SELECT VALUE code FROM ONLY voucher:1',
  },
  'the order in which an event chooses': {
    schema: 'DEFINE EVENT v ON user WHEN true THEN { UPSERT voucher:1 SET list = array::shuffle(array::range(0, 30)) }',
    read: 'SELECT VALUE list FROM ONLY voucher:1',
  },
  'a generated value in an edge': {
    schema: 'DEFINE FIELD token ON pair DEFAULT rand::string(12)',
    write: 'RELATE user:1->pair:1->user:2 RETURN NONE',
    read: 'SELECT VALUE token FROM pair',
  },
  'the same by a hash': { schema: token, read: `RETURN crypto::sha256((${readToken}))` },
  'the same by a comparison': {
    schema: 'DEFINE FIELD token ON user VALUE rand::int(0, 1000000)',
    read: 'SELECT VALUE token % 1000 FROM user',
  },
  'what a THROW says of it': {
    schema: token,
    read: readToken,
    ask: (transaction) =>
      transaction.query(`THROW 'is ' + (${readToken})`).then(
        () => undefined,
        (error: unknown) => /is (\w{12})/.exec(String(error))?.[1],
      ),
  },
  'what the failed call answered before': {
    schema: token,
    read: readToken,
    ask: async (transaction) => {
      const [first] = await transaction.query(`${readToken}; THROW 'no'`).responses();
      return first?.success ? first.result : undefined;
    },
  },
  'what an undone DELETE says was there': {
    schema: token,
    read: readToken,
    ask: async (transaction) => {
      const [[gone]] = await transaction.query<[[{ token: unknown }]]>('DELETE user:1 RETURN BEFORE');
      return gone.token;
    },
  },
  'what an undone copy of it shows': {
    schema: token,
    read: readToken,
    ask: async (transaction) => {
      const [[copy]] = await transaction.query<[[{ t: unknown }]]>(`CREATE out:9 SET t = (${readToken})`);
      return copy.t;
    },
  },
};

async function told({ schema, write = quiet, read, ask }: Case, isRolledBack: boolean): Promise<unknown[]> {
  await prepared(pool, { schema, tables });
  const asked = ask ?? (async (transaction: Transaction) => (await transaction.query(read))[0]);
  let within: unknown;
  const [result] = await Promise.allSettled([
    pool.withTransaction(
      async (transaction) => {
        await transaction.query(write);
        if (!isRolledBack) {
          within = (await transaction.query(read))[0];
          return;
        }
        await undo(transaction, async () => {
          within = await asked(transaction);
          await transaction.query('CREATE out:1');
        });
        await transaction.query('CREATE out:2');
      },
      { retry: { maxAttempts: 3, initialBackoff: 1 } },
    ),
  ]);
  if (result.status === 'rejected') {
    if (refusal(result.reason) === undefined) throw result.reason;
    return [];
  }
  return [within, (await pool.query(read))[0]].map(textOf);
}

describe('a random value that an undone part was told of is the one that is stored, or the rollback is refused:', () => {
  test.each(Object.entries(cases))('%s', async (_, each) => {
    const [plain, same] = await told(each, false);
    expect(same, 'without a rollback').toBe(plain);
    const [within, stored] = await told(each, true);
    expect(stored).toBe(within);
  });

  test('a value that nobody was told of refuses nothing', async () => {
    await prepared(pool, { schema: token, tables });
    await pool.withTransaction(
      async (transaction) => {
        await transaction.query(quiet);
        await undo(transaction, () => transaction.query('CREATE out:1'));
      },
      { retry: false },
    );
    expect(await pool.query('RETURN string::len((SELECT VALUE token FROM ONLY user:1))')).toEqual([12]);
  });
});

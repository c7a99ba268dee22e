import { RecordId } from 'surrealdb';
import { beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { CommitOutcomeUnknownError, type ConnectionManager, type PoolOptions } from '../../src/index.js';
import { Forwarder } from '../support/forwarder.js';
import { seededRandom } from '../support/seeded-random.js';
import { cuts } from '../support/socket-cuts.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

/**
 * Money moves between accounts while the sockets are cut at random. Whatever happens, no money is made or lost, every
 * transfer that the caller was told of is there once, and every one that was refused is not.
 */
const own = surroundings(rocksdbUrl());

const accounts = 12;
const initial = 100;
const callers = 8;
const transfersEach = 15;
const account = (number: number) => new RecordId('account', number);
const transfer = (number: number) => new RecordId('transfer', number);

const patient: Partial<PoolOptions> = {
  maxConnections: callers,
  connectionTimeout: '30s',
  circuitBreaker: { failureThreshold: 0 },
  retryPolicy: { initialBackoff: 1, maxBackoff: 20 },
};

interface Transfer {
  readonly from: number;
  readonly to: number;
  readonly amount: number;
}

beforeEach(async () => {
  const rows = Array.from({ length: accounts }, (_, number) => `CREATE account:${number} SET balance = ${initial};`);
  await own.engine.query(
    `DEFINE TABLE OVERWRITE account; DEFINE TABLE OVERWRITE transfer; DELETE account; DELETE transfer; ${rows.join('')}`,
    place,
  );
});

async function move(pool: ConnectionManager, number: number, what: Transfer, verifyCommit: boolean): Promise<void> {
  await pool.withTransaction(
    async (transaction) => {
      const from = await transaction.select<{ balance: number }>(account(what.from));
      const to = await transaction.select<{ balance: number }>(account(what.to));
      if (from === undefined || to === undefined) throw new Error('an account is missing');
      await transaction.update(account(what.from)).merge({ balance: from.balance - what.amount });
      await transaction.update(account(what.to)).merge({ balance: to.balance + what.amount });
      await transaction.create(transfer(number)).content({ ...what });
    },
    { verifyCommit, retry: { maxAttempts: 50 } },
  );
}

/** Runs all transfers, and checks what is stored against what their callers were told. Says how many stayed unknown. */
async function bank(pool: ConnectionManager, random: () => number, verifyCommit: boolean, between = () => {}) {
  const told = new Map<number, PromiseSettledResult<void>>();
  const transfers = new Map<number, Transfer>();
  const caller = async (index: number): Promise<void> => {
    for (let round = 0; round < transfersEach; round++) {
      const number = index * transfersEach + round;
      const from = Math.floor(random() * accounts);
      const to = (from + 1 + Math.floor(random() * (accounts - 1))) % accounts;
      const what = { from, to, amount: 1 + Math.floor(random() * 10) };
      transfers.set(number, what);
      const [result] = await Promise.allSettled([move(pool, number, what, verifyCommit)]);
      told.set(number, result);
      between();
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, index) => caller(index)));

  const [done] = await own.engine.query('SELECT VALUE record::id(id) FROM transfer', place);
  const there = new Set(done as number[]);
  let unknown = 0;
  const expected = new Array<number>(accounts).fill(initial);
  for (const [number, result] of told) {
    const { from, to, amount } = transfers.get(number) ?? { from: 0, to: 0, amount: 0 };
    if (result.status === 'rejected' && result.reason instanceof CommitOutcomeUnknownError) unknown++;
    else expect(there.has(number), `transfer ${number}: ${JSON.stringify(result)}`).toBe(result.status === 'fulfilled');
    if (!there.has(number)) continue;
    expected[from] = (expected[from] ?? 0) - amount;
    expected[to] = (expected[to] ?? 0) + amount;
  }
  const balances = await own.engine.query('RETURN (SELECT VALUE [record::id(id), balance] FROM account).sort()', place);
  expect(balances).toEqual([expected.map((balance, number) => [number, balance])]);
  return { unknown, succeeded: [...told.values()].filter(({ status }) => status === 'fulfilled').length };
}

function seed(): () => number {
  const chosen = Math.floor(Math.random() * 2 ** 31);
  onTestFailed(() => console.error(`the seed was ${chosen}`));
  return seededRandom(chosen);
}

describe('a bank over sockets that are cut at random', () => {
  test('keeps every promise, and with verifyCommit nothing is unknown', async () => {
    const random = seed();
    const front = await own.listen();
    front.onRequest = cuts(random);
    const pool = await own.connect(front, patient);
    const { unknown, succeeded } = await bank(pool, random, true);
    expect(unknown).toBe(0);
    expect(succeeded).toBeGreaterThan((callers * transfersEach) / 4);
    const { fenced, lost, open, conflicts, retries } = pool.poolStats().transactions;
    expect(open).toBe(0);
    expect(Math.min(fenced, lost, conflicts, retries), 'each of them happened').toBeGreaterThan(0);
  });

  test('keeps every promise without verifyCommit, and says of which commits nothing is known', async () => {
    const random = seed();
    const front = await own.listen();
    front.onRequest = cuts(random);
    const pool = await own.connect(front, patient);
    const { unknown } = await bank(pool, random, false);
    expect(unknown).toBeGreaterThan(0);
    expect(pool.poolStats().transactions).toMatchObject({ unknown, fenced: 0, open: 0 });
  });

  test('keeps every promise when the network resets all connections at any moment', async () => {
    const random = seed();
    const front = await own.listen();
    const network = await Forwarder.listen(front.port);
    try {
      const pool = await own.pool(network.url, patient);
      front.onRequest = ({ method }) => {
        if (method !== 'ping' && random() < 0.02) network.cut();
        return 'pass';
      };
      const { unknown } = await bank(pool, random, true);
      expect(unknown).toBe(0);
      expect(pool.poolStats().transactions.lost).toBeGreaterThan(0);
    } finally {
      await network.close();
    }
  });
});

describe('a record that everybody changes', () => {
  test('ends at the exact sum: 64 callers, 20 times each', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 8, connectionTimeout: 0 });
    await own.engine.query('CREATE thing:1 SET count = 0', place);
    const attempts: number[] = [];
    const caller = async (): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        const increment = pool.withTransaction(
          async (transaction, attempt) => {
            const row = await transaction.select<{ count: number }>(new RecordId('thing', 1));
            await transaction.update(new RecordId('thing', 1)).merge({ count: (row?.count ?? 0) + 1 });
            return attempt;
          },
          { retry: { maxAttempts: Number.POSITIVE_INFINITY, maxBackoff: 50 } },
        );
        attempts.push(await increment);
      }
    };
    await Promise.all(Array.from({ length: 64 }, caller));
    expect(await own.engine.query('SELECT VALUE count FROM thing', place)).toEqual([[1280]]);
    const { begun, committed, conflicts, retries } = pool.poolStats().transactions;
    const tried = attempts.reduce((sum, attempt) => sum + attempt, 0);
    expect({ committed, begun, conflicts, retries }).toEqual({
      committed: 1280,
      begun: tried,
      conflicts: tried - 1280,
      retries: tried - 1280,
    });
  });

  test('is given up after so many attempts, which the error tells', async () => {
    const pool = await own.connect(await own.listen());
    await own.engine.query('CREATE thing:1 SET count = 0', place);
    const unlucky = (retry: object | false | undefined, timeout?: number) =>
      pool.withTransaction(
        async (transaction) => {
          await transaction.query('UPDATE thing:1 SET count += 1');
          await own.engine.query('UPDATE thing:1 SET count += 1', place);
        },
        { ...(retry === undefined ? {} : { retry }), ...(timeout === undefined ? {} : { timeout }) },
      );
    const refusal = { code: 'ERR_POOL_TRANSACTION_CONFLICT', retryable: true };
    await expect(unlucky({ maxAttempts: 3, initialBackoff: 0 })).rejects.toMatchObject({ ...refusal, attempts: 3 });
    await expect(unlucky(false)).rejects.toMatchObject({ ...refusal, attempts: 1 });
    await expect(unlucky(undefined)).rejects.toMatchObject({ ...refusal, attempts: 10 });
    const hopeless = unlucky({ maxAttempts: Number.POSITIVE_INFINITY }, 300);
    await expect(hopeless).rejects.toMatchObject({ code: expect.stringMatching(/CONFLICT|ABORTED/) });
  });
});

import { describe, expect, test, vi } from 'vitest';
import {
  CommitOutcomeUnknownError,
  type ConnectionManager,
  outcomeOf,
  type Transaction,
  TransactionAbortedError,
  TransactionEndedError,
} from '../../src/index.js';
import type { Fault, Front, RpcCall } from '../support/front.js';
import { ownText } from '../support/own-text.js';
import { isPending } from '../support/pending.js';
import { asked, place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';
import { id, storedThings } from '../support/things.js';

const own = surroundings(rocksdbUrl());
const stored = () => storedThings(own);

/** What something rejects with. */
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => expect.unreachable(`it succeeded: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

describe('work that commits by itself', () => {
  test('is not done again when something fails with a conflict behind it', async () => {
    const pool = await own.connect(await own.listen());
    await own.engine.query('CREATE thing:0 SET v = 0', place);
    let attempts = 0;
    const work = pool.withTransaction(async (transaction) => {
      attempts++;
      await transaction.create(id(1));
      await transaction.commit();
      await using connection = await pool.acquire();
      const second = await connection.beginTransaction();
      await second.query('UPDATE thing:0 SET v += 1');
      await own.engine.query('UPDATE thing:0 SET v += 1', place);
      await second.commit();
    });
    const error = await failure(work);
    expect(error).toBeInstanceOf(TransactionEndedError);
    expect(error).toMatchObject({ cause: { code: 'ERR_POOL_TRANSACTION_CONFLICT', attempts: 1 } });
    expect(outcomeOf(error)).toBe('applied');
    expect(attempts).toBe(1);
    expect(await stored()).toEqual([0, 1]);
    expect(pool.poolStats().transactions).toMatchObject({ committed: 1, conflicts: 1, retries: 0, open: 0 });
  });

  test('and calls once more is told that it was applied', async () => {
    const pool = await own.connect(await own.listen());
    const late = pool.withTransaction(async (transaction) => {
      await transaction.create(id(1));
      await transaction.commit();
      await transaction.create(id(2));
    });
    const error = await failure(late);
    expect(error).toBeInstanceOf(TransactionEndedError);
    expect(error).toMatchObject({ state: 'committed', retryable: false });
    expect(outcomeOf(error)).toBe('applied');
    expect(await stored()).toEqual([1]);
  });

  const faults = ['pass', 'swallow', 'drop', 'kill'] as const;
  test.each(faults.flatMap((fault) => [false, true].map((verifyCommit) => ({ fault, verifyCommit }))))(
    'and whose time is up meanwhile is told the truth: $fault, verifyCommit: $verifyCommit',
    async ({ fault, verifyCommit }) => {
      const front = await own.listen();
      const pool = await own.connect(front);
      await pool.withTransaction(() => {}, { verifyCommit });
      const controller = new AbortController();
      let commits = 0;
      front.onRequest = ({ method }) => {
        if (method !== 'commit' || ++commits > 1) return 'pass';
        controller.abort(new Error('enough'));
        return fault;
      };
      const work = async (transaction: Transaction): Promise<void> => {
        await transaction.create(id(1));
        await transaction.commit();
      };
      const error = await failure(pool.withTransaction(work, { verifyCommit, signal: controller.signal }));
      // Not the reason of the signal, which says that nothing was applied.
      expect(error).not.toBeInstanceOf(TransactionAbortedError);
      const outcome = outcomeOf(error);
      if (!verifyCommit) expect(outcome).toBe('unknown');
      await vi.waitFor(() => expect(pool.poolStats().leased).toBe(0));
      if (outcome === 'applied') expect(await stored()).toEqual([1]);
      else if (outcome === 'not-sent') expect(await stored()).toEqual([]);
      else expect(error).toBeInstanceOf(CommitOutcomeUnknownError);
    },
  );

  test('and outlives its signal afterwards is told that it was applied', async () => {
    const pool = await own.connect(await own.listen());
    const controller = new AbortController();
    const work = pool.withTransaction(
      async (transaction) => {
        await transaction.create(id(1));
        await transaction.commit();
        controller.abort(new Error('enough'));
        await new Promise(() => {});
      },
      { signal: controller.signal },
    );
    expect(outcomeOf(await failure(work))).toBe('applied');
    expect(await stored()).toEqual([1]);
  });
});

describe('a transaction whose commit was never sent', () => {
  const isBegin = ({ method }: RpcCall): boolean => method === 'begin';
  const isCall = ({ method, params }: RpcCall): boolean =>
    method === 'query' && ownText(params[0]) === 'CREATE thing:1';
  const isMarker = ({ method, params }: RpcCall): boolean =>
    method === 'query' && String(params[0]).includes('state = $state');

  /** Has the first such request meet the fault. */
  function strike(front: Front, isIt: (call: RpcCall) => boolean, fault: Fault): void {
    let struck = false;
    front.onRequest = (call) => {
      if (struck || !isIt(call)) return 'pass';
      struck = true;
      return fault;
    };
  }

  const cases: readonly [what: string, isIt: (call: RpcCall) => boolean, fault: Fault, code: string][] = [
    ['begin was lost', isBegin, 'drop', 'ERR_POOL_TRANSACTION_LOST'],
    ['begin was lost before it was executed', isBegin, 'kill', 'ERR_POOL_TRANSACTION_LOST'],
    ['marker was lost', isMarker, 'drop', 'ERR_POOL_TRANSACTION_LOST'],
    ['call was lost', isCall, 'drop', 'ERR_POOL_TRANSACTION_LOST'],
    ['call was lost before it was executed', isCall, 'kill', 'ERR_POOL_TRANSACTION_LOST'],
    ['begin was not answered in time', isBegin, 'swallow', 'ERR_POOL_TRANSACTION_LOST'],
    ['call was not answered in time', isCall, 'swallow', 'ERR_POOL_QUERY_TIMEOUT'],
  ];
  for (const verifyCommit of [false, true]) {
    test.each(cases.filter(([, isIt]) => verifyCommit || isIt !== isMarker))(
      `is known not to be applied: its %s (verifyCommit: ${verifyCommit})`,
      async (_what, isIt, fault, code) => {
        const front = await own.listen();
        const limits = fault === 'swallow' ? { queryTimeout: 300 } : {};
        const pool = await own.connect(front, { maxConnections: 1, ...limits });
        await pool.withTransaction(() => {}, { verifyCommit });
        const before = asked(front, 'commit');
        strike(front, isIt, fault);
        const error = await failure(pool.withTransaction((open) => open.query('CREATE thing:1'), { verifyCommit }));
        expect(error).toMatchObject({ code, retryable: true });
        expect(outcomeOf(error)).toBe('not-sent');
        expect(asked(front, 'commit')).toBe(before);
        await pool.query('RETURN 1');
        expect(await stored()).toEqual([]);
        expect(pool.poolStats()).toMatchObject({ opened: 2, transactions: { open: 0, unknown: 0 } });
      },
    );
  }
});

describe('a commit', () => {
  /** A pool whose next commit arrives when it says so, and goes on when it is told to. */
  async function held(): Promise<{ pool: ConnectionManager; front: Front; arrived: Promise<void>; goOn: () => void }> {
    const front = await own.listen();
    const pool = await own.connect(front);
    let goOn = (): void => {};
    const going = new Promise<Fault>((resolve) => {
      goOn = () => resolve('pass');
    });
    const arrived = new Promise<void>((resolve) => {
      front.onRequest = ({ method }) => {
        if (method !== 'commit') return 'pass';
        resolve();
        return going;
      };
    });
    return { pool, front, arrived, goOn };
  }

  test('first waits for the calls before it (draining), then is sent (committing)', async () => {
    const { pool, arrived, goOn } = await held();
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    const slow = transaction.query('CREATE thing:1; SLEEP 20ms').collect();
    const committed = transaction.commit();
    expect(transaction.state).toBe('draining');
    await expect(transaction.create(id(2)).then()).rejects.toMatchObject({ state: 'draining' });
    await slow;
    await arrived;
    expect(transaction.state).toBe('committing');
    await expect(transaction.create(id(3)).then()).rejects.toMatchObject({ state: 'committing' });
    await expect(transaction.rollback()).rejects.toThrow(TransactionEndedError);
    goOn();
    await committed;
    expect(await stored()).toEqual([1]);
  });

  test('that is asked for twice is one, and both learn what became of it', async () => {
    const { pool, front, arrived, goOn } = await held();
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.create(id(1));
    const both = [transaction.commit(), transaction.commit()];
    await arrived;
    both.push(connection.commitTransaction());
    for (const commit of both) expect(await isPending(commit)).toBe(true);
    goOn();
    await Promise.all(both);
    expect(asked(front, 'commit')).toBe(1);
  });

  test('is refused where a query was made during a rollback to a savepoint, and never awaited', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    const savepoint = await transaction.savepoint();
    await transaction.create(id(1));
    const back = savepoint.rollback();
    transaction.create(id(2));
    await back;
    await expect(transaction.commit()).rejects.toThrow('never sent (create)');
    expect(await stored()).toEqual([]);
  });
});

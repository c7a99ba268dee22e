import { RecordId } from 'surrealdb';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  CommitOutcomeUnknownError,
  CommitVerificationError,
  type ConnectionManager,
  outcomeOf,
  PoolError,
  PoolShutdownError,
  TransactionAbortedError,
} from '../../src/index.js';
import type { Place } from '../support/backend.js';
import { firstCommit, newDatabase } from '../support/commits.js';
import type { Fault, Front, RpcCall } from '../support/front.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const verified = { verifyCommit: true };
const never = (): Promise<Fault> => new Promise(() => {});
const defines = ({ method, params }: RpcCall): boolean =>
  method === 'query' && JSON.stringify(params).includes('DEFINE TABLE IF NOT EXISTS');
const fences = ({ method, params }: RpcCall): boolean =>
  method === 'query' && JSON.stringify(params).includes('"fenced"');

let place: Place;
let front: Front;

beforeEach(async () => {
  place = await newDatabase(own.engine);
  front = await own.listen();
});

/** All limits but those of the test are so long that a test that needs them does not end. */
const connect = (options: object = {}) =>
  own.connect(front, { ...place, maxConnections: 4, openTimeout: '10m', connectionTimeout: 0, ...options });

const write = (pool: ConnectionManager, options: object = {}) =>
  pool.withTransaction((open) => open.create(new RecordId('thing', 1)), { ...verified, ...options });

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => expect.unreachable(`it succeeded: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

async function stored(): Promise<number> {
  const [numbers] = (await own.engine.query('SELECT VALUE id FROM thing', place)) as [unknown[]];
  return numbers.length;
}

describe('while the table of markers is prepared', () => {
  /** Shuts a pool down when its definition of the table has come. */
  async function shutDownAtDefinition(pool: ConnectionManager): Promise<void> {
    const defined = new Promise<void>((resolve) => {
      front.onRequest = (request) => {
        if (!defines(request)) return 'pass';
        resolve();
        return never();
      };
    });
    await defined;
    await pool.shutdown({ gracePeriod: 0 });
  }

  test.each(['withTransaction()', 'beginTransaction()'])('a shutdown ends %s, which has sent nothing', async (how) => {
    const pool = await connect();
    const over = shutDownAtDefinition(pool);
    const begin = async (): Promise<void> => {
      const connection = await pool.acquire();
      await connection.beginTransaction(verified);
    };
    const error = await failure(how === 'withTransaction()' ? write(pool) : begin());
    await over;
    expect(error).toBeInstanceOf(PoolShutdownError);
    expect(outcomeOf(error)).toBe('not-sent');
    expect(front.requests.get('begin')).toBeUndefined();
  });

  test('a shutdown ends all who wait for the same definition', async () => {
    const pool = await connect();
    const over = shutDownAtDefinition(pool);
    const errors = await Promise.all([1, 2, 3].map(() => failure(write(pool))));
    await over;
    for (const error of errors) {
      expect(error).toBeInstanceOf(PoolError);
      expect(outcomeOf(error)).toBe('not-sent');
    }
  });

  test.each(['swallow', 'kill', 'drop'] as const)(
    'a definition without an answer (%s) means: not begun, try again',
    async (fault) => {
      const pool = await connect({ openTimeout: 500 });
      front.onRequest = (request) => (defines(request) ? fault : 'pass');
      const error = await failure(write(pool));
      expect(error).toBeInstanceOf(CommitVerificationError);
      expect(error).toMatchObject({ retryable: true, message: expect.stringContaining('was not begun; try it again') });
      expect(outcomeOf(error)).toBe('not-sent');
      front.onRequest = () => 'pass';
      await write(pool);
      expect(await stored()).toBe(1);
    },
  );

  test('a node that takes no more connections means: not begun', async () => {
    const pool = await connect({ openTimeout: 500 });
    await pool.query('RETURN 1');
    front.refuse = true;
    const error = await failure(write(pool));
    expect(error).toBeInstanceOf(PoolError);
    expect(outcomeOf(error)).toBe('not-sent');
  });

  test.each(['timeout', 'signal'])('the %s of the transaction ends the waiting', async (what) => {
    const pool = await connect();
    const controller = new AbortController();
    front.onRequest = (request) => {
      if (!defines(request)) return 'pass';
      if (what === 'signal') controller.abort(new Error('enough'));
      return never();
    };
    const error = await failure(write(pool, what === 'signal' ? { signal: controller.signal } : { timeout: 300 }));
    expect(error).toBeInstanceOf(TransactionAbortedError);
    expect(outcomeOf(error)).toBe('not-sent');
  });

  test('another transaction goes on when the one that began the definition gives up', async () => {
    const pool = await connect();
    let goOn: (fault: Fault) => void = () => {};
    const held = new Promise<Fault>((resolve) => {
      goOn = resolve;
    });
    const defined = new Promise<void>((resolve) => {
      front.onRequest = (request) => {
        if (!defines(request)) return 'pass';
        resolve();
        return held;
      };
    });
    const controller = new AbortController();
    const first = failure(write(pool, { signal: controller.signal }));
    await defined;
    const second = write(pool);
    controller.abort();
    expect(await first).toBeInstanceOf(TransactionAbortedError);
    goOn('pass');
    await second;
    expect(await stored()).toBe(1);
  });
});

describe('while the outcome of a commit is sought', () => {
  /** Has the next commit executed without an answer, and calls back at the first fence. */
  function loseCommit(fault: Fault, atFence: () => Fault | Promise<Fault> = () => 'pass'): void {
    front.onRequest = firstCommit(fault, (request) => (fences(request) ? atFence() : 'pass'));
  }

  async function ready(options: object = {}): Promise<ConnectionManager> {
    const pool = await connect(options);
    await pool.withTransaction(() => {}, verified);
    return pool;
  }

  test.each(['fence gets no answer', 'node answers no upgrade', 'node refuses', 'node cuts'])(
    'the timeout of the transaction ends it when the %s',
    async (how) => {
      const pool = await ready();
      loseCommit('drop', how === 'node cuts' ? () => 'kill' : never);
      const lost = failure(write(pool, { timeout: 400 }));
      await vi.waitFor(() => expect(front.requests.get('commit')).toBe(2));
      if (how === 'node answers no upgrade') front.blackHole = true;
      if (how === 'node refuses') front.refuse = true;
      const error = await lost;
      expect(error).toBeInstanceOf(CommitOutcomeUnknownError);
      expect(error).toMatchObject({ outcome: 'unknown', cause: expect.any(TransactionAbortedError) });
      expect(await stored()).toBe(1);
      // Nor does the search keep a connection.
      await vi.waitFor(() => expect(front.connections).toBe(0));
    },
  );

  test('the timeout ends it with a transaction that was begun on a lease', async () => {
    const pool = await ready();
    loseCommit('drop', never);
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction({ ...verified, timeout: 400 });
    expect(await failure(transaction.commit())).toBeInstanceOf(CommitOutcomeUnknownError);
    expect(transaction.state).toBe('unknown');
  });

  test.each([0, '10m'])('the signal of the transaction ends it (connectionTimeout: %s)', async (connectionTimeout) => {
    const pool = await ready({ connectionTimeout });
    const controller = new AbortController();
    loseCommit('drop', () => {
      controller.abort(new Error('enough'));
      return never();
    });
    const error = await failure(write(pool, { signal: controller.signal }));
    expect(error).toBeInstanceOf(CommitOutcomeUnknownError);
    expect(outcomeOf(error)).toBe('unknown');
  });

  test('connectionTimeout ends it although openTimeout is longer', async () => {
    const pool = await ready({ connectionTimeout: 400 });
    loseCommit('drop', never);
    expect(await failure(write(pool))).toBeInstanceOf(CommitOutcomeUnknownError);
  });

  test.each(['drop', 'kill'] as const)('a fence in time is believed (%s)', async (fault) => {
    const pool = await ready();
    loseCommit(fault);
    const [result] = await Promise.allSettled([write(pool, { timeout: '5m' })]);
    expect(result.status).toBe(fault === 'drop' ? 'fulfilled' : 'rejected');
    expect(pool.poolStats().transactions).toMatchObject({ fenced: 1, unknown: 0 });
  });

  test('what a commit came to that was cut off by the time of the transaction is still found out', async () => {
    const pool = await ready();
    loseCommit('swallow');
    await write(pool, { timeout: 300 });
    expect(await stored()).toBe(1);
  });

  test('a shutdown ends it, and is named', async () => {
    const pool = await ready();
    let fenced = (): void => {};
    const begun = new Promise<void>((resolve) => {
      fenced = resolve;
    });
    loseCommit('drop', () => {
      fenced();
      return never();
    });
    const lost = failure(write(pool));
    await begun;
    await pool.shutdown({ gracePeriod: 0 });
    expect(await lost).toMatchObject({ outcome: 'unknown', cause: expect.any(PoolShutdownError) });
  });

  test('one transaction that gives up does not end the search of another', async () => {
    const pool = await ready();
    await own.engine.query('DEFINE TABLE other', place);
    const controller = new AbortController();
    let commits = 0;
    let fencing = 0;
    let goOn: (fault: Fault) => void = () => {};
    const held = new Promise<Fault>((resolve) => {
      goOn = resolve;
    });
    front.onRequest = (request) => {
      if (request.method === 'commit' && ++commits <= 2) return 'drop';
      if (!fences(request)) return 'pass';
      fencing++;
      return held;
    };
    const first = failure(write(pool, { signal: controller.signal }));
    const second = pool.withTransaction((open) => open.query('CREATE other:1'), verified);
    await vi.waitFor(() => expect(fencing).toBe(2));
    controller.abort();
    expect(await first).toBeInstanceOf(CommitOutcomeUnknownError);
    goOn('pass');
    await second;
    expect(pool.poolStats().transactions).toMatchObject({ fenced: 1, unknown: 1 });
  });
});

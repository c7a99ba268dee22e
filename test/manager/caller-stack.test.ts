import { isNativeError } from 'node:util/types';
import { RecordId, ServerError, type SurrealQueryable, Table } from 'surrealdb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  AcquireTimeoutError,
  ConnectionLostError,
  type ConnectionManager,
  PoolShutdownError,
  QueryTimeoutError,
  TransactionAbortedError,
  TransactionConflictError,
  UsageError,
} from '../../src/index.js';
import type { Front } from '../support/front.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

const { stackTraceLimit } = Error;
beforeEach(() => {
  // Node's default.
  Error.stackTraceLimit = 10;
});
afterEach(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

/** What a function of this name was rejected with. Its promise is awaited by another function of the program. */
async function failureOf(work: () => PromiseLike<unknown>): Promise<Error> {
  async function theHandler(): Promise<unknown> {
    return await theCaller();
  }
  async function theCaller(): Promise<unknown> {
    return await work();
  }
  const failure: unknown = await theHandler().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(Error);
  return failure as Error;
}

/** Both functions are in the stack, under the error as it reads now. */
function expectCaller(error: Error): void {
  const [first, ...frames] = String(error.stack).split('\n    at ');
  expect(first).toBe(String(error));
  expect(frames.join('\n')).toContain('theCaller');
  expect(frames.join('\n')).toContain('theHandler');
}

const wrong = 'SELECT * FROM thing WHERE total = <int>"abc"; THROW "no"';

/** Everything that queries can be made from, in a pool of one connection. */
const sources: [string, (pool: ConnectionManager, work: (from: SurrealQueryable) => Promise<unknown>) => unknown][] = [
  ['a pool', (pool, work) => work(pool)],
  ['a view of it', (pool, work) => work(pool.scope({ namespace: 'test', database: 'test', variables: { who: 1 } }))],
  ['a lease', (pool, work) => pool.withConnection(work)],
  ['a transaction', (pool, work) => pool.withTransaction(work)],
  ['a transaction with a limit', (pool, work) => pool.withTransaction(work, { timeout: '10s' })],
];

describe.each(sources)('a call of %s', (_what, within) => {
  const failures: [string, (from: SurrealQueryable) => PromiseLike<unknown>][] = [
    ['a refused statement', (from) => from.query('THROW "no"')],
    ['the first of two refused', (from) => from.query(wrong)],
    ['a syntax error', (from) => from.query('SELEC 1')],
    [
      'a builder',
      async (from) => {
        await from.query('UPSERT thing:1');
        await from.create(new RecordId('thing', 1));
      },
    ],
    ['a function that is not there', (from) => from.run('fn::nothing')],
    ['one answer of several', (from) => from.query('RETURN 1; THROW 2').collect(1)],
    ['a statement that is refused before it is sent', (from) => from.query('BEGIN')],
    ['then', (from) => from.query('THROW 1').then((answer) => answer)],
    ['catch', (from) => from.query('THROW 1').catch((error: unknown) => Promise.reject(error))],
    ['finally', (from) => from.query('THROW 1').finally(() => {})],
    ['all of several', (from) => Promise.all([from.query('RETURN 1'), from.query('THROW 1')])],
    ['one of several', (from) => Promise.race([from.query('THROW 1')])],
    ['a function without async', (from) => ((): PromiseLike<unknown> => from.query('THROW 1'))()],
    [
      'a stream',
      async (from) => {
        for await (const frame of from.query('THROW 1').stream()) if (frame.isError()) throw frame.error;
      },
    ],
  ];

  test.each(failures)('names its caller: %s', async (_how, ask) => {
    const pool = await own.pool('mem://', { maxConnections: 1 });
    let failure: Error | undefined;
    await Promise.resolve(
      within(pool, async (from) => {
        failure = await failureOf(() => ask(from));
        throw failure;
      }),
    ).catch(() => {});
    expect(failure).toBeDefined();
    if (failure !== undefined) expectCaller(failure);
  });
});

describe('over a socket', () => {
  test('a call that was lost, timed out or is too late names its caller', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, {
      maxConnections: 2,
      queryTimeout: '100ms',
      circuitBreaker: { failureThreshold: 0 },
    });
    const isCreate: Front['onRequest'] = ({ params }) => (/^CREATE/.test(String(params[0])) ? 'swallow' : 'pass');
    front.onRequest = isCreate;
    const late = await failureOf(() => pool.query('CREATE thing'));
    expect(late).toBeInstanceOf(QueryTimeoutError);
    expectCaller(late);
    front.onRequest = (call, socket) => (isCreate(call, socket) === 'pass' ? 'pass' : 'drop');
    const lost = await failureOf(() => pool.query('CREATE thing'));
    expect(lost).toBeInstanceOf(ConnectionLostError);
    expectCaller(lost);
    front.onRequest = () => 'pass';
    const connection = await pool.acquire();
    connection.release();
    expectCaller(await failureOf(() => connection.query('RETURN 1')));
    expectCaller(await failureOf(() => connection.set('name', 1)));
    await pool.shutdown();
    const over = await failureOf(() => pool.query('RETURN 1'));
    expect(over).toBeInstanceOf(PoolShutdownError);
    expectCaller(over);
  });

  test('each of the calls that went in one message and were lost with it has an error of its own', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1, minConnections: 1 });
    for (const text of ['CREATE thing:one', 'CREATE thing:two', 'CREATE thing:three']) await pool.query(text);
    await pool.query('DELETE thing');
    front.onRequest = ({ method }) => (method === 'query' ? 'drop' : 'pass');
    async function first(): Promise<unknown> {
      return await pool.query('CREATE thing:one');
    }
    async function second(): Promise<unknown> {
      return await pool.query('CREATE thing:two');
    }
    async function third(): Promise<unknown> {
      return await pool.query('CREATE thing:three');
    }
    const before = pool.poolStats().messages.sent;
    const settled = await Promise.allSettled([first(), second(), third()]);
    expect(pool.poolStats().messages.sent - before, 'one message').toBe(1);
    const errors = settled.map((result) => (result as PromiseRejectedResult).reason as ConnectionLostError);
    expect(new Set(errors).size).toBe(3);
    for (const [index, error] of errors.entries()) {
      expect(error).toBeInstanceOf(ConnectionLostError);
      expect(isNativeError(error)).toBe(true);
      expect(error).toMatchObject({
        code: 'ERR_POOL_CONNECTION_LOST',
        outcome: 'unknown',
        message: errors[0]?.message,
      });
      expect(error.cause).toBe(errors[0]?.cause);
      const [its, ...others] = [
        [first, second, third][index],
        ...[first, second, third].filter((_, other) => other !== index),
      ];
      expect(error.stack).toContain(its?.name);
      for (const other of others) expect(error.stack).not.toMatch(new RegExp(`at (async )?${other.name}\\b`));
      expect(error.asked?.statement).toBe(`CREATE thing:${['one', 'two', 'three'][index]}`);
    }
  });
});

describe('an acquire', () => {
  test('that timed out, was aborted, refused or misused names its caller', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1, maxWaiters: 1 });
    const held = await pool.acquire();
    const timedOut = await failureOf(() => pool.acquire({ timeout: 20 }));
    expect(timedOut).toBeInstanceOf(AcquireTimeoutError);
    expectCaller(timedOut);
    expectCaller(await failureOf(() => pool.withConnection(() => {}, { timeout: 20 })));
    expectCaller(await failureOf(() => pool.acquire({ signal: AbortSignal.timeout(20) })));
    expectCaller(await failureOf(() => pool.acquire({ signal: AbortSignal.abort() })));
    const waiter = pool.acquire();
    waiter.catch(() => {});
    expectCaller(await failureOf(() => pool.acquire()));
    expectCaller(await failureOf(() => pool.query('RETURN 1')));
    const waiting = failureOf(() => pool.acquire({ timeout: '1h' }));
    expectCaller(await waiting);
    held.release();
    (await waiter).release();
    await pool.shutdown();
    expectCaller(await failureOf(() => pool.acquire()));
    expectCaller(await failureOf(() => pool.warm()));
  });

  test('keeps the lines of functions that await nothing', async () => {
    const pool = await own.pool('mem://');
    await pool.shutdown();
    let failure: Error | undefined;
    function theStart(): void {
      pool.acquire().catch((error: Error) => {
        failure = error;
      });
    }
    theStart();
    await vi.waitFor(() => expect(failure).toBeDefined());
    expect(failure?.stack).toContain('theStart');
  });

  test('of a pool that cannot be made names its caller', async () => {
    const front = await own.listen();
    await front.close();
    expectCaller(await failureOf(() => own.connect(front, { retryPolicy: { maxAttempts: 1 } })));
  });
});

describe('a step of a transaction', () => {
  test('names its caller: each call after the one that failed, and the commit, with an error of its own', async () => {
    const pool = await own.pool('mem://');
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await failureOf(() => transaction.query('THROW 1'));
    const second = await failureOf(() => transaction.query('RETURN 2'));
    const third = await failureOf(async () => await transaction.select(new Table('thing')));
    const commit = await failureOf(() => transaction.commit());
    for (const error of [second, third, commit]) {
      expect(error).toBeInstanceOf(TransactionAbortedError);
      expect((error as TransactionAbortedError).statement).toBe('THROW 1');
      expect(error.cause).toBeInstanceOf(ServerError);
      expectCaller(error);
    }
    expect(new Set([second, third, commit]).size).toBe(3);
    expectCaller(await failureOf(() => transaction.query('RETURN 3')));
    expectCaller(await failureOf(() => transaction.savepoint()));
    expectCaller(await failureOf(() => transaction.rollbackToSavepoint('nowhere')));
    expectCaller(await failureOf(() => connection.rollbackToSavepoint('nowhere')));
  });

  test('names its caller: a begin within another, a change of the session, a conflict, the end of its time', async () => {
    const pool = await own.pool('mem://');
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    const nested = await failureOf(() => connection.beginTransaction());
    expect(nested).toBeInstanceOf(UsageError);
    expectCaller(nested);
    const change = await failureOf(() => connection.set('name', 1));
    expect(change).toMatchObject({ asked: { connection: connection.id } });
    expectCaller(change);
    await transaction.rollback();
    const refused = await failureOf(() => connection.set('auth', 1));
    expect(refused).toBeInstanceOf(ServerError);
    expectCaller(refused);

    await pool.query('CREATE thing:conflict SET n = 0');
    const conflict = await failureOf(() =>
      pool.withTransaction(
        async (one) => {
          await one.query('UPDATE thing:conflict SET n += 1');
          await pool.query('UPDATE thing:conflict SET n += 1');
        },
        { retry: { maxAttempts: 1 } },
      ),
    );
    expect(conflict).toBeInstanceOf(TransactionConflictError);
    expect(conflict).toMatchObject({ asked: { transaction: 3, database: 'test' } });
    expectCaller(conflict);

    const late = await failureOf(() =>
      pool.withTransaction(() => new Promise((resolve) => setTimeout(resolve, 1_000)), { timeout: 30 }),
    );
    expect(late).toBeInstanceOf(TransactionAbortedError);
    expectCaller(late);
  });

  test('leaves the errors of the work as they are', async () => {
    const pool = await own.pool('mem://');
    const mine = new Error('mine');
    const { stack } = mine;
    const failure = await failureOf(() => pool.withTransaction(() => Promise.reject(mine)));
    expect(failure).toBe(mine);
    expect(failure.stack).toBe(stack);
    expect(failure).not.toHaveProperty('asked');
  });

  test('passes the error of a call on to the caller of the whole as the work was given it', async () => {
    const pool = await own.pool('mem://');
    let within: unknown;
    const failure = await failureOf(() =>
      pool.withTransaction(async (transaction) => {
        within = await failureOf(() => transaction.query('THROW 1'));
        throw within;
      }),
    );
    expect(failure).toBe(within);
    expect(failure).toMatchObject({ asked: { statement: 'THROW 1', transaction: 1 } });
  });
});

test('of ten lines of the program that await each other, all are in the stack', async () => {
  const pool = await own.pool('mem://');
  async function deeper(levels: number): Promise<unknown> {
    return levels === 0 ? await pool.query('THROW 1') : await deeper(levels - 1);
  }
  const failure = await failureOf(() => deeper(6));
  expect(failure.stack?.split(/at (?:async )?deeper/)).toHaveLength(8);
  expectCaller(failure);
});

describe('a program that sets what stacks are', () => {
  test('to none gets none', async () => {
    const pool = await own.pool('mem://');
    Error.stackTraceLimit = 0;
    const failure = await failureOf(() => pool.query('THROW 1'));
    expect(failure.stack).not.toContain('theCaller');
    expect(Error.stackTraceLimit).toBe(0);
  });

  test('to something else than text, or throws, gets its error all the same', async () => {
    const pool = await own.pool('mem://');
    const { prepareStackTrace } = Error;
    try {
      Error.prepareStackTrace = (_error, frames) => frames;
      expect(await failureOf(() => pool.query('THROW 1'))).toBeInstanceOf(ServerError);
      Error.prepareStackTrace = () => {
        throw new Error('not now');
      };
      expect(await failureOf(() => pool.query('THROW 1'))).toBeInstanceOf(ServerError);
    } finally {
      Error.prepareStackTrace = prepareStackTrace;
    }
    expect(Error.stackTraceLimit).toBe(10);
  });
});

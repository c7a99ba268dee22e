import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  AcquireTimeoutError,
  AgentLimitError,
  type AgentSession,
  type ConnectionManager,
  outcomeOf,
  type PoolOptions,
} from '../../src/index.js';
import { between, oneOf, seededRandom } from '../support/seeded-random.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const url = rocksdbUrl();
const own = surroundings(url);
const seed = Number(process.env.AGENTS_SEED ?? Math.trunc(Math.random() * 2 ** 31));

const onFront = async (options?: Partial<PoolOptions>): Promise<ConnectionManager> =>
  await own.connect(await own.listen(), options);

const failure = (work: Promise<unknown> | PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(work).then(
    (value) => expect.unreachable(`it succeeded: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('maxOperations', () => {
  test('admits exactly as many, however many come at once', async () => {
    const pool = await onFront();
    const session = pool.createSession({ agentId: 'a', limits: { maxOperations: 50 } });
    const calls = Array.from({ length: 200 }, () => session.query('RETURN 1').then((value) => value));
    const ended = await Promise.allSettled(calls);
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(50);
    for (const one of ended) {
      if (one.status === 'fulfilled') continue;
      expect(one.reason).toBeInstanceOf(AgentLimitError);
      expect(one.reason).toMatchObject({ limit: 'maxOperations', max: 50, value: 50, scope: 'session' });
      expect(outcomeOf(one.reason)).toBe('not-sent');
    }
    expect(session.sessionStats()).toMatchObject({ totalOperations: 50, refused: { maxOperations: 150 } });
    session.changeLimits({ maxOperations: 51 });
    await session.query('RETURN 1');
    session.changeLimits({ maxOperations: null });
    await session.query('RETURN 1');
    expect(session.sessionStats().totalOperations).toBe(52);
  });

  test('counts no repeat, no replay and no statement of the pool', async () => {
    const front = await own.listen();
    const pool = await own.connect(front);
    const session = pool.createSession({ agentId: 'a', variables: { who: 'ada' } });
    let lost = 0;
    front.onRequest = ({ method }) => (method === 'query' && lost++ < 1 ? 'kill' : 'pass');
    // Read, so the pool repeats it on another connection.
    await session.query('SELECT * FROM thing');
    front.onRequest = () => 'pass';
    await session.withTransaction(async (transaction) => {
      await transaction.query('CREATE thing:1');
      const savepoint = await transaction.savepoint();
      await transaction.query('CREATE thing:2');
      await savepoint.rollback();
      await transaction.query('CREATE thing:3');
    });
    expect(session.sessionStats()).toMatchObject({ totalOperations: 4, totalTransactions: 1 });
    const [, transaction] = session.transactionHistory();
    expect(transaction).toMatchObject({ statements: ['CREATE thing:?', 'CREATE thing:?'], outcome: 'committed' });
  });

  test('gives back what never ran: waits that time out or are aborted, and calls on a lost connection', async () => {
    const pool = await onFront({ maxConnections: 1 });
    const session = pool.createSession({ agentId: 'a', limits: { maxOperations: 2 }, timeout: '20ms' });
    const held = await pool.acquire();
    for (let time = 0; time < 5; time++) {
      expect(await failure(session.query('CREATE thing'))).toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
    }
    const aborted = session.scope({ signal: AbortSignal.abort() });
    expect(await failure(aborted.query('CREATE thing'))).toMatchObject({ code: 'ERR_POOL_ACQUIRE_ABORTED' });
    held.release();
    expect(session.sessionStats()).toMatchObject({ totalOperations: 0, activeConnections: 0 });
    await session.query('CREATE thing');
    await session.query('CREATE thing');
    expect(await failure(session.query('CREATE thing'))).toBeInstanceOf(AgentLimitError);
  });

  test('refuses within a transaction without ending it', async () => {
    const pool = await onFront();
    const session = pool.createSession({ agentId: 'a', limits: { maxOperations: 1 } });
    await session.withTransaction(async (transaction) => {
      await transaction.query('CREATE thing:1');
      expect(await failure(transaction.query('CREATE thing:2'))).toMatchObject({ limit: 'maxOperations' });
      expect(transaction.state).toBe('active');
    });
    expect(await own.engine.query('SELECT VALUE record::id(id) FROM thing', place)).toEqual([[1]]);
  });
});

describe('a parent', () => {
  test('bears the use of its children, and says whose limit it is', async () => {
    const pool = await onFront();
    const root = pool.createSession({ agentId: 'root', limits: { maxOperations: 30, maxTransactions: 3 } });
    const middle = pool.createSession({ agentId: 'middle', parent: root });
    const leaves = [1, 2, 3].map((leaf) => pool.createSession({ agentId: `leaf ${leaf}`, parent: middle }));
    const calls = leaves.flatMap((leaf) =>
      Array.from({ length: 40 }, () => leaf.query('RETURN 1').then((value) => value)),
    );
    const ended = await Promise.allSettled(calls);
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(30);
    const refused = ended.find((one): one is PromiseRejectedResult => one.status === 'rejected')?.reason;
    expect(refused).toMatchObject({ scope: 'parent', limitOf: 'root', limit: 'maxOperations' });
    const counts = leaves.map((leaf) => leaf.sessionStats().totalOperations);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(30);
    expect([root, middle].map((session) => session.sessionStats().totalOperations)).toEqual([30, 30]);
    root.changeLimits({ maxOperations: null });
    for (let time = 0; time < 3; time++) await leaves[time]?.withTransaction(() => {});
    expect(await failure(middle.withTransaction(() => {}))).toMatchObject({
      limit: 'maxTransactions',
      limitOf: 'root',
    });
  });
});

describe('maxConnections', () => {
  test('refuses one more, and counts leases and single calls', async () => {
    const pool = await onFront();
    const session = pool.createSession({ agentId: 'a', limits: { maxConnections: 2 } });
    const one = await session.acquire();
    const call = session.query('SLEEP 100ms').then((value) => value);
    while (session.sessionStats().activeConnections < 2) await tick();
    for (const error of [await failure(session.acquire()), await failure(session.query('RETURN 1'))]) {
      expect(error).toMatchObject({ limit: 'maxConnections', max: 2, value: 2, retryable: true });
    }
    expect(session.isWithinLimits()).toBe(false);
    // Calls on a connection that it has need no further one.
    await one.query('RETURN 1');
    await call;
    one.release();
    one.release();
    expect(session.sessionStats()).toMatchObject({ activeConnections: 0, totalOperations: 2 });
    (await session.acquire()).release();
  });

  test('waits instead, when asked to, and never has more', async () => {
    const pool = await onFront();
    const session = pool.createSession({ agentId: 'a', limits: { maxConnections: 2, atMaxConnections: 'wait' } });
    let present = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 20 }, () =>
        session.withConnection(async (connection) => {
          most = Math.max(most, ++present);
          await connection.query('SLEEP 2ms');
          present--;
        }),
      ),
    );
    expect(most).toBe(2);
    expect(session.sessionStats()).toMatchObject({ totalOperations: 20, activeConnections: 0, refused: {} });
  });

  test('lets no more wait than maxWaiting', async () => {
    const pool = await onFront({ maxConnections: 1 });
    const session = pool.createSession({ agentId: 'a', limits: { maxWaiting: 2 } });
    const held = await session.acquire();
    const waiting = [session.acquire(), session.acquire()];
    while (session.sessionStats().waiting < 2) await tick();
    expect(await failure(session.acquire())).toMatchObject({ limit: 'maxWaiting', max: 2, value: 2 });
    expect(await failure(session.query('RETURN 1'))).toMatchObject({ limit: 'maxWaiting' });
    held.release();
    for (const acquire of waiting) (await acquire).release();
    expect(session.sessionStats()).toMatchObject({ activeConnections: 0, waiting: 0, totalOperations: 0 });
  });
});

test('operationsPerSecond refuses until the time that it names', async () => {
  const pool = await onFront();
  const session = pool.createSession({ agentId: 'a', limits: { operationsPerSecond: 50, burst: 5 } });
  const ended = await Promise.allSettled(
    Array.from({ length: 20 }, () => session.query('RETURN 1').then((value) => value)),
  );
  expect(ended.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(5);
  const error = ended.find((one): one is PromiseRejectedResult => one.status === 'rejected')?.reason as AgentLimitError;
  expect(error).toMatchObject({ limit: 'operationsPerSecond', max: 50, retryable: true });
  expect(session.sessionStats().totalOperations).toBe(ended.filter(({ status }) => status === 'fulfilled').length);
  await wait(error.retryAfter ?? Number.NaN);
  await session.query('RETURN 1');
});

describe('the size of an answer', () => {
  test.each([
    ['maxRows', { maxRows: 10 }, 'RETURN array::range(0, 10)', 'RETURN array::range(0, 11)'],
    ['maxBytes', { maxBytes: 1_000 }, 'RETURN string::repeat("x", 500)', 'RETURN string::repeat("x", 1_000)'],
  ])('is limited by %s, on every way', async (limit, limits, small, large) => {
    for (const pool of [await onFront(), await own.pool('mem://')]) {
      const session = pool.createSession({ agentId: 'a', limits });
      const connection = await session.acquire();
      for (const ask of [session, connection, session.scope()]) {
        await ask.query(small);
        await ask.query(small);
        const error = await failure(ask.query(large));
        expect(error).toMatchObject({ code: 'ERR_POOL_AGENT_LIMIT', limit, outcome: 'unknown' });
      }
      connection.release();
      const inTransaction = failure(
        session.withTransaction(async (transaction) => {
          await transaction.query('CREATE thing:1');
          await transaction.query(large);
        }),
      );
      expect(await inTransaction).toMatchObject({ limit, outcome: 'not-sent' });
      expect(session.sessionStats()).toMatchObject({ abortedTransactions: 1, refused: { [limit]: 4 } });
      expect((await pool.query<[unknown[]]>('RETURN (SELECT * FROM thing) ?? []').catch(() => [[]]))[0]).toEqual([]);
    }
  });

  test('is measured in bytes of the reply, with shared messages for all others', async () => {
    const pool = await onFront();
    const measured = pool.createSession({ agentId: 'a', limits: { maxBytes: 100_000 } });
    const other = pool.createSession({ agentId: 'b' });
    const text = 'RETURN 1';
    for (let time = 0; time < 5; time++) for (const one of [measured, other]) await one.query(text);
    const bytes = measured.sessionStats().bytes;
    expect(bytes).toBeGreaterThan(5 * 20);
    await Promise.all(Array.from({ length: 20 }, () => measured.query(text).then((value) => value)));
    // Had some shared a message, theirs could not be told apart, and the sum would be another one.
    expect(measured.sessionStats().bytes - bytes).toBeGreaterThanOrEqual(20 * 20);
    expect(other.sessionStats()).toMatchObject({ bytes: 0, rows: 5 });
  });
});

test('queryTimeout is the shortest of the call, the session and its parents', async () => {
  const pool = await onFront();
  const parent = pool.createSession({ agentId: 'p', limits: { queryTimeout: '30ms' } });
  const session = pool.createSession({ agentId: 'a', parent, queryTimeout: '60s', limits: { queryTimeout: '50s' } });
  expect(await failure(session.query('SLEEP 5s'))).toMatchObject({ code: 'ERR_POOL_QUERY_TIMEOUT' });
  const connection = await session.acquire({ queryTimeout: '40s' });
  expect(await failure(connection.query('SLEEP 5s'))).toMatchObject({ code: 'ERR_POOL_QUERY_TIMEOUT' });
  connection.release();
  parent.changeLimits({ queryTimeout: null });
  await session.query('SLEEP 60ms');
});

test('maxTransactionAge rolls a transaction back, and counts all attempts of one', async () => {
  const pool = await onFront();
  const session = pool.createSession({ agentId: 'a', limits: { maxTransactionAge: '50ms' } });
  const work = session.withTransaction(async (transaction) => {
    await transaction.query('CREATE thing:1');
    await wait(5_000, undefined, { ref: false });
  });
  expect(await failure(work)).toMatchObject({
    code: 'ERR_POOL_TRANSACTION_ABORTED',
    cause: { message: expect.stringContaining('maxTransactionAge') },
  });
  const connection = await session.acquire();
  const transaction = await connection.beginTransaction({ timeout: '60s' });
  await wait(80);
  expect(await failure(transaction.query('CREATE thing:1'))).toMatchObject({ code: 'ERR_POOL_TRANSACTION_ABORTED' });
  await transaction.rollback();
  connection.release();
  expect(session.sessionStats()).toMatchObject({ totalTransactions: 2, abortedTransactions: 2, openTransactions: 0 });
});

test('maxHold ends a lease that is kept, and no other one', async () => {
  const pool = await onFront();
  const told: unknown[] = [];
  pool.subscribe('leaseExpired', (event) => told.push(event));
  pool.subscribe('releasedTwice', (event) => told.push(event));
  const session = pool.createSession({ agentId: 'a', limits: { maxHold: '60ms' } });
  for (let time = 0; time < 10; time++) (await session.acquire()).release();
  const kept = await session.acquire();
  const plain = await pool.acquire();
  while (session.sessionStats().activeConnections > 0) await wait(10);
  expect(await failure(kept.query('RETURN 1'))).toMatchObject({
    code: 'ERR_POOL_LEASE_RELEASED',
    message: expect.stringContaining('maxHold'),
  });
  kept.release();
  await plain.query('RETURN 1');
  plain.release();
  expect(told).toMatchObject([{ connection: kept.id, maxHold: 60 }]);
});

test(`counters are exact under conflicts, faults, time-outs and aborts (AGENTS_SEED=${seed})`, async () => {
  const random = seededRandom(seed);
  const front = await own.listen();
  const pool = await own.connect(front, { maxConnections: 4, sessionsPerTransport: 1, queryTimeout: '2s' });
  const limit = 400;
  const parent = pool.createSession({ agentId: 'parent', limits: { maxOperations: limit } });
  const sessions = [1, 2, 3].map((number) => pool.createSession({ agentId: `agent ${number}`, parent }));
  await own.engine.query('CREATE thing:0 SET n = 0', place);
  // In a transaction a call that was lost is told as one that did nothing, so there it cannot be counted from outside.
  front.onRequest = ({ method, transaction }) =>
    method === 'query' && transaction === undefined && random() < 0.03 ? oneOf(random, ['drop', 'kill']) : 'pass';
  // What the test itself counts: calls that were not certainly never sent.
  let ran = 0;
  let committed = 0;
  const counted = async <T>(ask: () => PromiseLike<T>): Promise<T> => {
    try {
      const answer = await ask();
      ran++;
      return answer;
    } catch (error) {
      if (outcomeOf(error) !== 'not-sent') ran++;
      throw error;
    }
  };
  const step = async (session: AgentSession): Promise<void> => {
    const dice = random();
    if (dice < 0.4) await counted(() => session.query('UPDATE thing:0 SET n += 1'));
    else if (dice < 0.6) {
      const signal = AbortSignal.timeout(between(random, 0, 3));
      await counted(() => session.scope({ signal }).query('SLEEP 1ms'));
    } else if (dice < 0.8) {
      await counted(() => session.scope({ timeout: 1 }).query('SELECT * FROM thing'));
    } else {
      await session.withTransaction(async (transaction) => {
        await counted(() => transaction.query('UPDATE thing:0 SET n += 1'));
        await counted(() => transaction.query('SELECT * FROM thing'));
      });
      committed++;
    }
  };
  const worker = async (session: AgentSession): Promise<void> => {
    for (let time = 0; time < 60; time++) await step(session).catch(() => {});
  };
  await Promise.all(sessions.flatMap((session) => [worker(session), worker(session)]));
  front.onRequest = () => 'pass';
  const stats = parent.sessionStats();
  const children = sessions.map((session) => session.sessionStats());
  const sum = (name: 'totalOperations' | 'totalTransactions' | 'committedTransactions' | 'rows'): number =>
    children.reduce((total, one) => total + one[name], 0);
  for (const name of ['totalOperations', 'totalTransactions', 'committedTransactions', 'rows'] as const) {
    expect(sum(name)).toBe(stats[name]);
  }
  expect(stats).toMatchObject({
    totalOperations: ran,
    committedTransactions: committed,
    ...{ activeConnections: 0, waiting: 0, openTransactions: 0 },
  });
  expect(ran).toBeLessThanOrEqual(limit);
  expect(stats.totalTransactions).toBe(
    stats.committedTransactions + stats.abortedTransactions + stats.unknownTransactions,
  );
  expect(pool.poolStats()).toMatchObject({ leased: 0, waiting: 0 });
  // What is left of the budget can be used to the last operation.
  for (let left = limit - ran; left > 0; left--) await sessions[0]?.query('RETURN 1');
  expect(await failure(sessions[0]?.query('RETURN 1') ?? Promise.resolve())).toBeInstanceOf(AgentLimitError);
});

test('a caller who waits for a connection that its own work holds is told so', async () => {
  const pool = await own.pool('mem://', { maxConnections: 3, connectionTimeout: 40 });
  const parent = pool.createSession({ agentId: 'team', limits: { maxConnections: 1, atMaxConnections: 'wait' } });
  const session = pool.createSession({ agentId: 'a', parent });
  const error = await failure(session.withConnection(() => session.query('RETURN 1').then((answer) => answer)));
  expect(error).toBeInstanceOf(AcquireTimeoutError);
  expect(error).toMatchObject({ message: expect.stringContaining('"team" has its maxConnections (1) in use') });
  expect(parent.sessionStats()).toMatchObject({ activeConnections: 0, totalOperations: 0 });
});

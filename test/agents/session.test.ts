import { Table } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import {
  AgentSession,
  type AgentSessionOptions,
  ConfigurationError,
  type ConnectionManager,
  LeaseReleasedError,
  outcomeOf,
  type PoolEvents,
  UsageError,
} from '../../src/index.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const pooled = (): Promise<ConnectionManager> => own.pool('mem://');

/** What something rejects with. */
const failure = (work: Promise<unknown> | PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(work).then(
    (value) => expect.unreachable(`it succeeded: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the request's example", () => {
  test('runs as it stands, in a namespace that does not exist yet', async () => {
    const manager = await pooled();
    const session = await AgentSession.createWithLimits('analysis-agent-001', manager, 'agent_namespace', {
      maxConcurrentConnections: 10,
      maxOperations: 100_000,
      maxTransactionLogSize: 5_000,
    });
    const connection = await session.acquire();
    const id = session.recordTransaction({ type: 'Write', path: '/data/file.json', contentHash: 'abc123' });
    await connection.create(new Table('file')).content({ path: '/data/file.json' });
    session.commitTransaction(id);
    connection.release();

    const stats = session.sessionStats();
    expect(stats).toMatchObject({
      agentId: 'analysis-agent-001',
      sessionId: session.sessionId,
      namespace: 'agent_namespace',
      activeConnections: 0,
      totalOperations: 1,
      // What was recorded is a transaction too, and the only one here.
      totalTransactions: 1,
      committedTransactions: 1,
      abortedTransactions: 0,
      recordedTransactions: { recorded: 1, committed: 1, aborted: 0 },
      resourceLimits: {
        ...{ maxConnections: 10, maxOperations: 100_000, maxLog: 5_000 },
        ...{ maxConcurrentConnections: 10, maxTransactionLogSize: 5_000 },
      },
    });
    expect(session.isWithinLimits()).toBe(true);
    expect(session.transactionHistory()).toMatchObject([
      { kind: 'operation', id, outcome: 'committed', operation: { type: 'Write', path: '/data/file.json' } },
      { kind: 'call', outcome: 'committed' },
    ]);
    await session.close();
    expect(await AgentSession.create('my-agent', manager, 'agent_ns')).toBeInstanceOf(AgentSession);
  });
});

describe('a session', () => {
  test('is made by createSession() alone', async () => {
    const pool = await pooled();
    expect(() => Reflect.construct(AgentSession, [{}])).toThrow(UsageError);
    expect(() => pool.createSession({} as AgentSessionOptions)).toThrow(ConfigurationError);
    expect(() => pool.createSession({ agentId: 'a', wieght: 2 } as AgentSessionOptions)).toThrow(/weight/);
    for (const wrong of [
      { agentId: '' },
      { weight: 0 },
      // The order of the pool divides by it.
      { weight: 5e-324 },
      { weight: 0.0009 },
      { weight: 1_001 },
      { weight: Number.NaN },
      { weight: '2' as never },
      { weight: Number.POSITIVE_INFINITY },
      { reserve: -1 },
      { reserve: 1.5 },
      { access: 'all' },
      { confirmDestructive: 1 },
      { guard: 'no' },
      { audit: 'yes' },
      { auditTable: 'a; REMOVE TABLE x' },
      { log: { chain: true } },
      { limits: { maxOperations: -1 } },
      { namespace: '' },
      { timeout: 'soon' },
      { signal: {} },
    ]) {
      const options = { agentId: 'a', ...wrong } as unknown as AgentSessionOptions;
      expect(() => pool.createSession(options), JSON.stringify(wrong)).toThrow(ConfigurationError);
    }
    expect(pool.sessions()).toMatchObject({ open: 0, created: 0 });
  });

  test('stays the same user in the same database', async () => {
    const pool = await pooled();
    const session = pool.createSession({ agentId: 'a', namespace: 'apart', database: 'own' });
    const others = [{ namespace: 'x', database: 'y' }, { credentials: null }, { credentials: { token: 'x' } }];
    for (const other of others) {
      expect(() => session.scope(other)).toThrow(UsageError);
      for (const error of [
        await failure(session.acquire(other)),
        await failure(session.withConnection(() => {}, other)),
        await failure(session.withTransaction(() => {}, other)),
        await failure(session.execute(() => {}, other)),
      ]) {
        expect(error).toBeInstanceOf(UsageError);
      }
    }
    const inner = session.scope({ variables: { who: 'ada' } });
    expect(await inner.query('RETURN [session::ns(), session::db(), $who]')).toEqual([['apart', 'own', 'ada']]);
    const connection = await session.acquire();
    for (const error of [
      await failure(connection.use(place)),
      await failure(connection.signin({ username: 'a', password: 'b' })),
      await failure(connection.authenticate('x.y.z')),
      await failure(connection.invalidate()),
    ]) {
      expect(error).toBeInstanceOf(UsageError);
    }
    expect(await failure(connection.query('USE NS test DB test; SELECT * FROM thing'))).toMatchObject({
      code: 'ERR_POOL_STATEMENT_REFUSED',
    });
    connection.release();
    // The scope within is the same session: its calls count, and the refused ones do not.
    expect(session.sessionStats()).toMatchObject({ totalOperations: 1, activeConnections: 0 });
  });

  test('has all methods of a pool, and each counts as what it is', async () => {
    const pool = await pooled();
    const session = pool.createSession({ agentId: 'a' });
    await session.query('CREATE thing:1');
    await session.select(new Table('thing'));
    await session.withConnection((connection) => connection.query('RETURN 1'));
    await session.execute((connection) => connection.query('RETURN 1'));
    await session.executeWithRetry((connection) => connection.query('RETURN 1'));
    await session.withTransaction((transaction) => transaction.query('CREATE thing:2'));
    await session.version();
    const text = await session.export();
    await session.import(text.replaceAll('thing', 'copy'));
    expect(await session.query('RETURN (SELECT VALUE record::id(id) FROM copy).sort()')).toEqual([[1, 2]]);
    expect(session.sessionStats()).toMatchObject({
      totalOperations: 9,
      totalTransactions: 1,
      committedTransactions: 1,
      activeConnections: 0,
    });
    const kinds = session.transactionHistory().map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'transaction')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'call')).toHaveLength(8);
  });

  test('passes the confirmation of a view on to confirmDestructive, and nowhere else', async () => {
    const pool = await pooled();
    const session = pool.createSession({ agentId: 'a', confirmDestructive: true });
    await session.query('CREATE thing:1');
    const refused = await failure(session.query('DELETE thing'));
    expect(refused).toMatchObject({ code: 'ERR_POOL_STATEMENT_REFUSED', rule: 'destructive' });
    expect(outcomeOf(refused)).toBe('not-sent');
    expect(await session.query('SELECT VALUE record::id(id) FROM thing')).toEqual([[1]]);
    const inTransaction = session.withTransaction(async (transaction) => {
      expect(await failure(transaction.query('DELETE thing'))).toMatchObject({ rule: 'destructive' });
      // Refused before it was sent, so the transaction goes on.
      await transaction.query('CREATE thing:2');
    });
    await inTransaction;
    await session.confirmed().query('DELETE thing');
    await session.confirmed().withTransaction((transaction) => transaction.query('DELETE thing'));
    expect(await session.query('SELECT * FROM thing')).toEqual([[]]);
    expect(session.sessionStats()).toMatchObject({ refusedByGuards: 2, totalOperations: 6, totalTransactions: 2 });
  });

  test('with access read writes nothing, on any way', async () => {
    const pool = await pooled();
    await pool.query('DEFINE TABLE IF NOT EXISTS thing');
    const session = pool.createSession({ agentId: 'a', access: 'read' });
    const child = pool.createSession({ agentId: 'b', parent: session });
    for (const one of [session, child]) {
      const connection = await one.acquire();
      const write = 'CREATE thing:1';
      for (const error of [
        await failure(one.query(write)),
        await failure(one.create(new Table('thing'))),
        await failure(one.confirmed().query(write)),
        await failure(one.scope().query(write)),
        await failure(connection.query(write)),
        await failure(connection.withTransaction((transaction) => transaction.query(write))),
      ]) {
        expect(error).toMatchObject({ code: 'ERR_POOL_STATEMENT_REFUSED', rule: 'access' });
      }
      expect(await failure(connection.import('CREATE thing:1;'))).toMatchObject({ applied: 0 });
      connection.release();
      await one.select(new Table('thing'));
    }
    expect(await pool.query('SELECT * FROM thing')).toEqual([[]]);
    expect(child.sessionStats()).toMatchObject({ totalOperations: 1, refusedByGuards: 7 });
  });

  test('waits for a guard that decides later, without holding a connection', async () => {
    const pool = await pooled();
    const asked: string[] = [];
    let decide: ((answer: 'allow' | 'refuse') => void) | undefined;
    const session = pool.createSession({
      agentId: 'a',
      guard: ({ text }) => {
        asked.push(text);
        return new Promise((resolve) => {
          decide = resolve;
        });
      },
    });
    const allowed = session.query('RETURN 1');
    const answer = allowed.then((value) => value);
    while (asked.length === 0) await tick();
    expect(pool.poolStats().leased).toBe(0);
    decide?.('allow');
    expect(await answer).toEqual([1]);
    const refused = failure(session.query('RETURN 2'));
    while (asked.length === 1) await tick();
    decide?.('refuse');
    expect(await refused).toMatchObject({ rule: 'guard' });
    expect(session.sessionStats()).toMatchObject({ totalOperations: 1, activeConnections: 0 });
  });

  test('asks a guard about each part of an import before it is sent', async () => {
    const pool = await pooled();
    await pool.query('DEFINE TABLE IF NOT EXISTS thing');
    const asked: string[] = [];
    const session = pool.createSession({
      agentId: 'a',
      guard: async ({ text }) => {
        asked.push(text);
        await tick();
        return text.includes('thing:2') ? 'refuse' : 'allow';
      },
    });
    await session.import('CREATE thing:1;');
    const error = await failure(session.import('CREATE thing:2;'));
    expect(error).toMatchObject({ code: 'ERR_POOL_IMPORT', applied: 0, outcome: 'not-sent' });
    expect(asked).toHaveLength(2);
    expect(await pool.query('SELECT VALUE record::id(id) FROM thing')).toEqual([[1]]);
    expect(session.sessionStats()).toMatchObject({ totalOperations: 1, activeConnections: 0 });
  });

  test('tells of itself by events', async () => {
    const pool = await pooled();
    const told: [keyof PoolEvents, object][] = [];
    for (const name of ['sessionOpened', 'sessionClosed', 'agentLimit'] as const) {
      pool.subscribe(name, (event) => told.push([name, event]));
    }
    const session = pool.createSession({ agentId: 'a', limits: { maxOperations: 1 } });
    await session.query('RETURN 1');
    for (let call = 0; call < 10; call++) await failure(session.query('RETURN 1'));
    await session.close();
    const { sessionId } = session;
    expect(told).toEqual([
      ['sessionOpened', { agentId: 'a', sessionId, ...place }],
      // Once a second at most.
      [
        'agentLimit',
        expect.objectContaining({ agentId: 'a', sessionId, limit: 'maxOperations', max: 1, value: 1, refused: 1 }),
      ],
      ['sessionClosed', { agentId: 'a', sessionId, operations: 1, busyTime: expect.any(Number) }],
    ]);
  });
});

describe('the end of a session', () => {
  /** Every public method that asks the pool for something. */
  const methods: Readonly<Record<string, (session: AgentSession) => unknown>> = {
    query: (session) => session.query('RETURN 1').then((value) => value),
    select: (session) => session.select(new Table('thing')).then((value) => value),
    acquire: async (session) => (await session.acquire()).release(),
    withConnection: (session) => session.withConnection(() => {}),
    execute: (session) => session.execute(() => {}),
    executeWithRetry: (session) => session.executeWithRetry(() => {}),
    withTransaction: (session) => session.withTransaction(() => {}),
    version: (session) => session.version(),
    export: (session) => session.export().then((value) => value),
    import: (session) => session.import('RETURN 1;'),
    scope: (session) =>
      session
        .scope()
        .query('RETURN 1')
        .then((value) => value),
    confirmed: (session) =>
      session
        .confirmed()
        .query('RETURN 1')
        .then((value) => value),
  };

  test('refuses every call by a UsageError, while it is being closed and when it is closed', async () => {
    const pool = await pooled();
    const session = pool.createSession({ agentId: 'a' });
    const held = await session.acquire();
    const closing = session.close();
    expect(session.state).toBe('closing');
    for (const state of ['closing', 'closed']) {
      for (const [name, call] of Object.entries(methods)) {
        const error = await failure((async () => await call(session))());
        expect(error, `${name} while ${state}`).toBeInstanceOf(UsageError);
        expect((error as Error).message).toContain('"a" is');
      }
      expect(session.isWithinLimits()).toBe(false);
      expect(session.sessionStats()).toMatchObject({ state });
      session.recordTransaction({ type: 'Read', path: '/' });
      expect(session.transactionHistory().length).toBeGreaterThan(0);
      session.changeLimits({ maxOperations: 5 });
      // What is under way goes on.
      if (state === 'closing') expect(await held.query('RETURN 1')).toEqual([1]);
      held.release();
      await closing;
    }
    await session.close();
    expect(() => pool.createSession({ agentId: 'b', parent: session })).toThrow(UsageError);
  });

  test('ends what goes on after the grace period', async () => {
    const pool = await own.connect(await own.listen());
    const session = pool.createSession({ agentId: 'a' });
    const held = await session.acquire();
    const slow = failure(held.query('SLEEP 20s'));
    const single = failure(session.query('SLEEP 20s'));
    while (pool.poolStats().leased < 2) await tick();
    await session.close({ gracePeriod: 10 });
    expect(await slow).toMatchObject({ outcome: 'unknown' });
    expect(await single).toMatchObject({ code: 'ERR_POOL_CALL_ABORTED', outcome: 'unknown' });
    expect(await failure(held.query('RETURN 1'))).toBeInstanceOf(LeaseReleasedError);
    expect(session.sessionStats()).toMatchObject({ activeConnections: 0, state: 'closed' });
    held.release();
  });

  test('ends its children, and comes with that of the pool', async () => {
    const pool = await pooled();
    const parent = pool.createSession({ agentId: 'a' });
    const child = pool.createSession({ agentId: 'b', parent });
    const other = pool.createSession({ agentId: 'c' });
    await Promise.all([parent.close(), parent.close()]);
    expect([parent.state, child.state, other.state]).toEqual(['closed', 'closed', 'open']);
    expect(pool.sessions()).toMatchObject({ open: 1, created: 3 });
    await pool.shutdown();
    expect(other.state).toBe('closed');
    expect(() => pool.createSession({ agentId: 'd' })).toThrow(UsageError);
  });

  test('is that of its block', async () => {
    const pool = await pooled();
    let kept: AgentSession;
    {
      await using session = pool.createSession({ agentId: 'a' });
      kept = session;
    }
    expect(kept.state).toBe('closed');
    expect(await failure(kept.close({ gracePeriod: 'never' }))).toBeInstanceOf(ConfigurationError);
  });
});

test('the statistics of all sessions add up, the closed ones included', async () => {
  const pool = await pooled();
  const [one, two] = ['one', 'two'].map((agentId) => pool.createSession({ agentId }));
  const child = pool.createSession({ agentId: 'child', parent: one });
  for (const session of [one, two, child, child]) await session?.query('RETURN 1');
  await child.withTransaction((transaction) => transaction.query('CREATE thing:1'));
  await failure(child.withTransaction(() => Promise.reject(new Error('not today'))));
  const totals = { totalOperations: 5, totalTransactions: 2, committedTransactions: 1, abortedTransactions: 1 };
  expect(pool.sessions()).toMatchObject({ open: 3, totals });
  expect(one?.sessionStats()).toMatchObject({ totalOperations: 4, totalTransactions: 2 });
  await child.close();
  await two?.close();
  expect(pool.sessions()).toMatchObject({ open: 1, created: 3, totals });
});

import { BoundQuery } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { hashOfCall, hashOfCalls } from '../../src/agents/canonical-calls.js';
import { type AgentSession, type ConnectionManager, outcomeOf } from '../../src/index.js';
import { oneOf, type Random, seededRandom } from '../support/seeded-random.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const seed = Number(process.env.AGENTS_SEED ?? Math.trunc(Math.random() * 2 ** 31));
/** How many transactions meet faults: a thousand in `AGENTS_TRANSACTIONS=1000`. */
const many = Number(process.env.AGENTS_TRANSACTIONS ?? 150);

const failure = (work: Promise<unknown> | PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(work).then(
    (value) => expect.unreachable(`it succeeded: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

interface Row {
  readonly agent: string;
  readonly session: string;
  readonly ms: number;
  readonly statements: readonly string[];
  readonly writeHash: string;
  readonly outcome: string;
  readonly error?: string;
}

async function rowsOf(table = 'agent_log'): Promise<Row[]> {
  const [rows] = await own.engine.query(`SELECT * FROM ${table} ORDER BY id`, place).catch(() => [[]]);
  return rows as Row[];
}

async function fresh(): Promise<ConnectionManager> {
  await own.engine.query('REMOVE TABLE IF EXISTS agent_log', place);
  return await own.connect(await own.listen());
}

describe('a strict audit', () => {
  test('has a row for what was committed, and for nothing else', async () => {
    const pool = await fresh();
    const session = pool.createSession({ agentId: 'a', audit: 'strict' });
    await session.query('CREATE thing:1 SET secret = $secret', { secret: 'hush' });
    await session.withTransaction(async (transaction) => {
      await transaction.query('CREATE thing:2');
      const savepoint = await transaction.savepoint();
      await transaction.query('CREATE thing:9');
      await savepoint.rollback();
      await transaction.query('CREATE thing:3');
    });
    await failure(session.query('CREATE thing:1'));
    // All statements of one call are applied, or none.
    await failure(session.query('CREATE thing:4; CREATE thing:1'));
    await failure(
      session.withTransaction(async (transaction) => {
        await transaction.query('CREATE thing:5');
        throw new Error('not today');
      }),
    );
    await session.withTransaction(() => {});
    const connection = await session.acquire();
    await connection.query('CREATE thing:6');
    await using transaction = await connection.beginTransaction();
    await transaction.query('CREATE thing:7');
    await transaction.rollback();
    connection.release();
    const rows = await rowsOf();
    expect(rows.map(({ statements }) => statements)).toEqual([
      ['CREATE thing:? SET secret = $secret'],
      ['CREATE thing:?', 'CREATE thing:?'],
      ['CREATE thing:?'],
    ]);
    expect(JSON.stringify(rows)).not.toContain('hush');
    expect(rows[0]).toMatchObject({
      agent: 'a',
      session: session.sessionId,
      outcome: 'committed',
      ms: expect.any(Number),
    });
    expect(rows[0]?.writeHash).toBe(
      hashOfCalls([hashOfCall('CREATE thing:1 SET secret = $secret', { secret: 'hush' })]),
    );
    expect(await own.engine.query('RETURN (SELECT VALUE record::id(id) FROM thing).sort()', place)).toEqual([
      [1, 2, 3, 6],
    ]);
    // One transaction of the session, for each withTransaction() and beginTransaction(); single calls are none.
    expect(session.sessionStats()).toMatchObject({ totalTransactions: 4, committedTransactions: 2 });
    // What only reads is written afterwards.
    await session.query('SELECT * FROM thing');
    await session.close();
    expect((await rowsOf()).map(({ statements }) => statements[0])).toContain('SELECT * FROM thing');
  });

  test('undoes the work when its row cannot be written', async () => {
    const pool = await fresh();
    await own.engine.query('DEFINE TABLE agent_log SCHEMAFULL; DEFINE FIELD agent ON agent_log TYPE int', place);
    const session = pool.createSession({ agentId: 'a', audit: 'strict' });
    for (const error of [
      await failure(session.query('CREATE thing:1')),
      await failure(session.withTransaction((transaction) => transaction.query('CREATE thing:1'))),
    ]) {
      expect(error).toMatchObject({ code: 'ERR_POOL_AUDIT' });
      expect(outcomeOf(error)).toBe('not-sent');
    }
    expect(await own.engine.query('SELECT * FROM thing', place)).toEqual([[]]);
    expect(session.sessionStats()).toMatchObject({ abortedTransactions: 1 });
  });

  test('refuses a user who may not write its table, whom the server only gives an empty answer', async () => {
    await own.engine.query(
      `REMOVE TABLE IF EXISTS agent_log; DEFINE TABLE IF NOT EXISTS thing; DEFINE TABLE OVERWRITE open PERMISSIONS FULL;
       UPSERT member:one; DEFINE TABLE OVERWRITE member PERMISSIONS FULL;
       DEFINE ACCESS OVERWRITE members ON DATABASE TYPE RECORD SIGNIN (SELECT * FROM member:one)`,
      place,
    );
    const credentials = { username: 'root', password: 'secret' };
    const pool = await own.connect(await own.listen({ auth: true }), { credentials });
    const member = { access: 'members', variables: {}, ...place };
    const session = pool.createSession({ agentId: 'a', audit: 'strict', credentials: member });
    const work = session.withTransaction((transaction) => transaction.query('CREATE open:1'), {
      allowWithoutUser: true,
    });
    expect(await failure(work)).toMatchObject({
      code: 'ERR_POOL_AUDIT',
      message: expect.stringContaining('may not create records in agent_log'),
    });
    expect(await own.engine.query('SELECT * FROM open', place)).toEqual([[]]);
    // The pool itself writes the rows of an audit afterwards.
    const after = pool.createSession({ agentId: 'b', audit: 'after', credentials: member });
    await after.query('CREATE open:2');
    await after.close();
    expect(await rowsOf()).toMatchObject([{ agent: 'b', outcome: 'committed' }]);
  });

  test('sends nothing when its table cannot be defined', async () => {
    const front = await own.listen({ auth: true });
    await own.engine.query('DEFINE USER IF NOT EXISTS viewer ON DATABASE PASSWORD "secret" ROLES VIEWER', place);
    await own.engine.query('REMOVE TABLE IF EXISTS no_right', place);
    const credentials = { username: 'viewer', password: 'secret', ...place };
    const pool = await own.connect(front, { credentials });
    const session = pool.createSession({ agentId: 'a', audit: 'strict', auditTable: 'no_right' });
    expect(await failure(session.query('CREATE thing:1'))).toMatchObject({ code: 'ERR_POOL_AUDIT' });
    expect(await own.engine.query('SELECT * FROM thing', place)).toEqual([[]]);
  });

  test.each(['DROP', 'SCHEMALESS PERMISSIONS FOR delete FULL', 'AS SELECT * FROM thing'])(
    'sends nothing when its table is there and is defined with %s',
    async (definition) => {
      const pool = await fresh();
      await pool.query(`REMOVE TABLE IF EXISTS taken; DEFINE TABLE taken ${definition}`);
      const session = pool.createSession({ agentId: 'a', audit: 'strict', auditTable: 'taken' });
      for (const work of [session.query('CREATE thing:1'), session.query('CREATE thing:2')]) {
        expect(await failure(work)).toMatchObject({
          code: 'ERR_POOL_AUDIT',
          message: expect.stringContaining('cannot be an audit table'),
        });
      }
      expect((await pool.query<[unknown[]]>('SELECT * FROM thing').catch(() => [[]]))[0]).toEqual([]);
      await pool.query('REMOVE TABLE taken');
      await session.query('CREATE thing:1');
      expect((await pool.query<[unknown[]]>('SELECT * FROM taken'))[0]).toHaveLength(1);
    },
  );

  test('keeps its table from the statements of the agent, on every way', async () => {
    const pool = await fresh();
    const session = pool.createSession({ agentId: 'a', audit: 'strict' });
    await session.query('CREATE thing:1');
    const connection = await session.acquire();
    const { Table, RecordId } = await import('surrealdb');
    const attempts: (() => PromiseLike<unknown>)[] = [
      () => session.query('DELETE agent_log'),
      () => session.query('SELECT * FROM `agent_log`'),
      () => session.query('DELETE $table', { table: new Table('agent_log') }),
      () => session.query('DELETE $in.table', { in: { table: new Table('agent_log') } }),
      () => session.query('DELETE $ids', { ids: [new RecordId('agent_log', 1)] }),
      () => session.query('DELETE type::table($name)', { name: 'agent_log' }),
      () => session.select(new Table('agent_log')),
      () => session.delete(new Table('agent_log')),
      () => session.confirmed().query('DELETE agent_log'),
      () => connection.query('REMOVE TABLE agent_log'),
      () => connection.withTransaction((transaction) => transaction.query('DELETE agent_log')),
      () => connection.import('DELETE agent_log;'),
    ];
    for (const attempt of attempts) {
      const error = await failure(attempt());
      const { code } = error as { code: string };
      // Under strict an import is refused, whatever it says.
      expect(['ERR_POOL_STATEMENT_REFUSED', 'ERR_POOL_IMPORT', 'ERR_POOL_USAGE'], String(attempt)).toContain(code);
    }
    connection.release();
    expect(await rowsOf()).toHaveLength(1);
  });

  test('refuses an import, whose row could not be written with its work', async () => {
    const pool = await fresh();
    const session = pool.createSession({ agentId: 'a', audit: 'strict' });
    await expect(session.import('CREATE thing:1;')).rejects.toThrow("audit: 'after'");
    await session.withConnection(async (connection) => {
      await expect(connection.import('CREATE thing:2;')).rejects.toThrow("audit: 'after'");
    });
    expect(await pool.query('SELECT * FROM thing').catch(() => [[]])).toEqual([[]]);
    expect(session.sessionStats().totalOperations).toBe(0);
  });

  test('refuses what cannot run in a transaction, and starts live queries outside of one', async () => {
    const pool = await fresh();
    const session = pool.createSession({ agentId: 'a', audit: 'strict' });
    const error = await failure(session.query('BEGIN; CREATE thing:1; COMMIT'));
    expect(error).toMatchObject({ code: 'ERR_POOL_USAGE' });
    expect(outcomeOf(error)).toBe('not-sent');
    const connection = await session.acquire();
    const { Table } = await import('surrealdb');
    const live = await connection.live(new Table('thing'));
    await session.query('CREATE thing:1');
    await live.kill();
    connection.release();
    expect(session.sessionStats()).toMatchObject({ openTransactions: 0, activeConnections: 0 });
  });

  test('repeats a single call after a conflict', async () => {
    const pool = await fresh();
    await own.engine.query('CREATE thing:0 SET n = 0', place);
    const session = pool.createSession({ agentId: 'a', audit: 'strict' });
    await Promise.all(
      Array.from({ length: 10 }, () => session.query('UPDATE thing:0 SET n += 1').then((value) => value)),
    );
    expect(await own.engine.query('RETURN thing:0.n', place)).toEqual([10]);
    expect(await rowsOf()).toHaveLength(10);
    expect(session.sessionStats()).toMatchObject({ totalOperations: 10, totalTransactions: 0 });
  });
});

describe('an audit afterwards', () => {
  test('has a row for everything, by the end of the session at the latest', async () => {
    const pool = await fresh();
    const session = pool.createSession({ agentId: 'a', audit: 'after' });
    await session.query('CREATE thing:1');
    await failure(session.query('CREATE thing:1'));
    await session.withTransaction((transaction) => transaction.query('CREATE thing:2'));
    await failure(
      session.withTransaction(async (transaction) => {
        await transaction.query('CREATE thing:3');
        throw new RangeError('not today');
      }),
    );
    await session.close();
    const rows = await rowsOf();
    expect(rows.map(({ outcome, error }) => [outcome, error])).toEqual([
      ['committed', undefined],
      ['aborted', 'AlreadyExists'],
      ['committed', undefined],
      ['aborted', 'RangeError'],
    ]);
  });

  test('tells of rows that it lost', async () => {
    const pool = await fresh();
    await own.engine.query('DEFINE TABLE agent_log SCHEMAFULL; DEFINE FIELD agent ON agent_log TYPE int', place);
    const told: unknown[] = [];
    pool.subscribe('auditLost', (event) => told.push(event));
    const session = pool.createSession({ agentId: 'a', audit: 'after' });
    await session.query('CREATE thing:1');
    await session.query('CREATE thing:2');
    await session.close();
    expect(told).toMatchObject([{ rows: 2 }]);
    expect(pool.sessions()).toMatchObject({ auditLost: 2 });
  });

  test('is written at the shutdown of the pool', async () => {
    const pool = await fresh();
    const session = pool.createSession({ agentId: 'a', audit: 'after' });
    await session.query('CREATE thing:1');
    await pool.shutdown();
    expect(await rowsOf()).toHaveLength(1);
  });
});

/** What one piece of work would write: its effect, and the hash that its row would have. */
interface Piece {
  readonly number: number;
  readonly hash: string;
  run(session: AgentSession): Promise<unknown>;
}

function pieceOf(number: number, random: Random): Piece {
  const create = new BoundQuery('CREATE type::record("thing", $number) SET at = $at', { number, at: random() });
  const count = 'UPDATE thing:tally SET n += 1';
  const created = hashOfCall(create.query, create.bindings);
  if (random() < 0.4) {
    return { number, hash: hashOfCalls([created]), run: async (session) => await session.query(create) };
  }
  const fails = random() < 0.15;
  return {
    number,
    hash: hashOfCalls([created, hashOfCall(count, {})]),
    run: (session) =>
      session.withTransaction(async (transaction) => {
        await transaction.query(create);
        if (fails) throw new Error('not today');
        await transaction.query(count);
      }),
  };
}

test(`the rows of a strict audit are the effects, whatever fails at whatever moment (AGENTS_SEED=${seed})`, async () => {
  const random = seededRandom(seed);
  await own.engine.query('REMOVE TABLE IF EXISTS agent_log; CREATE thing:tally SET n = 0', place);
  const front = await own.listen();
  const pool = await own.connect(front, { maxConnections: 5, sessionsPerTransport: 1, queryTimeout: '500ms' });
  const sessions = [1, 2, 3].map((number) => pool.createSession({ agentId: `agent ${number}`, audit: 'strict' }));
  // Define the table before anything fails, as a first session does.
  await sessions[0]?.query('UPDATE thing:nothing SET n = 1');
  const before = (await rowsOf()).length;
  const struck = new Map<string, number>();
  front.onRequest = ({ method }) => {
    if (!['query', 'begin', 'commit', 'cancel'].includes(method) || random() > 0.04) return 'pass';
    struck.set(method, (struck.get(method) ?? 0) + 1);
    return oneOf(random, ['drop', 'kill', 'drop', 'kill', 'swallow']);
  };
  const pieces = Array.from({ length: many }, (_, index) => pieceOf(index + 1, random));
  const waiting = [...pieces];
  const told = new Map<number, 'applied' | 'refused' | 'unknown'>();
  const worker = async (session: AgentSession): Promise<void> => {
    for (let piece = waiting.pop(); piece !== undefined; piece = waiting.pop()) {
      try {
        await piece.run(session);
        told.set(piece.number, 'applied');
      } catch (error) {
        told.set(piece.number, outcomeOf(error) === 'unknown' ? 'unknown' : 'refused');
      }
    }
  };
  await Promise.all(sessions.flatMap((session) => [worker(session), worker(session)]));
  front.onRequest = () => 'pass';
  await pool.shutdown({ gracePeriod: '1s' });
  const [stored] = (await own.engine.query(
    'RETURN (SELECT VALUE record::id(id) FROM thing WHERE at != NONE).sort()',
    place,
  )) as [number[]];
  const effects = new Set(stored);
  const rows = (await rowsOf()).slice(before);
  const expected = pieces.filter(({ number }) => effects.has(number)).map(({ hash }) => hash);
  expect(rows.map(({ writeHash }) => writeHash).sort()).toEqual(expected.sort());
  expect(rows.every(({ outcome }) => outcome === 'committed')).toBe(true);
  for (const [number, outcome] of told) {
    if (outcome !== 'unknown') expect(effects.has(number), `thing:${number} ${outcome}`).toBe(outcome === 'applied');
  }
  expect(told.size).toBe(many);
  expect(struck.size).toBeGreaterThan(2);
});

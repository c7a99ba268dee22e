import { setTimeout } from 'node:timers/promises';
import { ServerError } from 'surrealdb';
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { AcquireError, ConnectionLostError, type ConnectionManager, UsageError } from '../../src/index.js';
import type { Front } from '../support/front.js';
import { asked, place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const quick = { retryPolicy: { maxAttempts: 4, initialBackoff: 1, maxBackoff: 2 } };

async function things(): Promise<unknown> {
  const [count] = await own.engine.query('RETURN count(SELECT * FROM thing)', place);
  return count;
}

describe('executeWithRetry', () => {
  test('does it again when a concurrent transaction was first, and tells the number of the attempt', async () => {
    const pool = await own.connect(await own.listen(), { ...quick, maxConnections: 2 });
    await pool.query('UPSERT thing:1 SET v = 0');
    const attempts: number[] = [];
    let others = 0;
    await pool.executeWithRetry(async (connection, attempt) => {
      attempts.push(attempt);
      let over = false;
      const slow = connection.query('BEGIN; UPDATE thing:1 SET v += 1; SLEEP 100ms; COMMIT').collect();
      const settled = slow
        .catch(() => {})
        .finally(() => {
          over = true;
        });
      // Until it is over: when it has read the record cannot be seen from outside.
      while (attempt === 1 && !over) {
        await own.engine.query('UPDATE thing:1 SET v += 10', place);
        others++;
        await Promise.race([settled, setTimeout(5)]);
      }
      await slow;
    });
    expect(attempts).toEqual([1, 2]);
    expect(await pool.query('SELECT VALUE v FROM ONLY thing:1')).toEqual([10 * others + 1]);
  });

  test('does it again at once when nothing was sent, on another connection', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { ...quick, maxConnections: 2 });
    const ids: number[] = [];
    await pool.executeWithRetry(async (connection, attempt) => {
      ids.push(connection.id);
      if (attempt === 1) {
        front.dropAll();
        await connection
          .query('RETURN 1')
          .collect()
          .catch(() => {});
      }
      await connection.query('CREATE thing');
    });
    expect(new Set(ids).size).toBe(2);
    expect(await things()).toBe(1);
  });

  test('does not do it again when its outcome is unknown, unless twice is as good as once', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, quick);
    let lost = 0;
    front.onRequest = ({ params }) => (String(params[0]).startsWith('UPSERT') && lost++ % 2 === 0 ? 'drop' : 'pass');
    const upsert = (options: { idempotent?: boolean }) =>
      pool.executeWithRetry((connection) => connection.query('UPSERT thing:1').collect(), options);
    await expect(upsert({})).rejects.toMatchObject({ outcome: 'unknown' });
    expect(lost).toBe(1);
    lost = 0;
    await upsert({ idempotent: true });
    expect(lost).toBe(2);
  });

  test('ends after maxAttempts with what the last one threw, and at once with a mistake', async () => {
    const pool = await own.connect(await own.listen(), quick);
    let attempts = 0;
    const gone = new ConnectionLostError('gone', { outcome: 'not-sent' });
    const failing = pool.executeWithRetry(() => {
      attempts++;
      throw gone;
    });
    await expect(failing).rejects.toBe(gone);
    expect(attempts).toBe(4);
    const mistake = pool.executeWithRetry(() => {
      attempts++;
      throw new UsageError('wrong');
    });
    await expect(mistake).rejects.toThrow('wrong');
    expect(attempts).toBe(5);
  });

  test('stops when its signal is aborted', async () => {
    const pool = await own.connect(await own.listen(), {
      retryPolicy: { maxAttempts: 4, initialBackoff: '1h', maxBackoff: '1h' },
    });
    const abort = new AbortController();
    let attempts = 0;
    const work = pool.executeWithRetry(
      () => {
        attempts++;
        throw Object.assign(new Error('This transaction can be retried'));
      },
      { signal: abort.signal },
    );
    const failed = expect(work).rejects.toThrow('This transaction can be retried');
    while (attempts === 0) await new Promise((turn) => setImmediate(turn));
    abort.abort();
    await failed;
    expect(attempts).toBe(1);
  });
});

describe('a call of the pool itself', () => {
  test('is made again when a concurrent transaction was first: sixteen increments of one record are sixteen', async ({
    skip,
  }) => {
    // Its storage is in memory, and loses updates that come together.
    skip(inject('server') !== undefined, 'a real server is not asked to count exactly');
    const pool = await own.connect(await own.listen(), {
      maxConnections: 8,
      retryPolicy: { maxAttempts: 50, initialBackoff: 5, maxBackoff: 50 },
    });
    await pool.query('UPSERT thing:1 SET v = 0');
    await Promise.all(Array.from({ length: 16 }, () => pool.query('UPDATE thing:1 SET v += 1')));
    expect(await pool.query('SELECT VALUE v FROM ONLY thing:1')).toEqual([16]);
  });

  test('of several statements is not made again when one of them was applied', async () => {
    const pool = await own.connect(await own.listen(), quick);
    await pool.query('UPSERT thing:1 SET v = 0');
    const call = pool.query('CREATE thing; BEGIN; UPDATE thing:1 SET v += 1; SLEEP 200ms; COMMIT').collect();
    const failed = expect(call).rejects.toThrow();
    while ((await things()) !== 2) await new Promise((turn) => setImmediate(turn));
    await own.engine.query('UPDATE thing:1 SET v += 10', place);
    await failed;
    expect(await things()).toBe(2);
  });

  test('is not made again when its outcome is unknown, unless twice is as good as once', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, quick);
    let lost = 0;
    front.onRequest = ({ params }) => (params[0] === 'UPSERT thing:1' && lost++ % 2 === 0 ? 'drop' : 'pass');
    await expect(pool.query('UPSERT thing:1').collect()).rejects.toMatchObject({ outcome: 'unknown' });
    lost = 0;
    await pool.scope({ idempotent: true }).query('UPSERT thing:1');
    expect(lost).toBe(2);
    expect(asked(front, 'query')).toBeGreaterThanOrEqual(3);
  });

  test('that a draining node refuses is made again', async () => {
    const front = await own.listen();
    const patient = { maxAttempts: 100, initialBackoff: 5, maxBackoff: 20 };
    const pool = await own.connect(front, { retryPolicy: patient, maxConnections: 1 });
    front.draining = true;
    const call = pool.query('CREATE thing').collect();
    while (front.sockets.length > 0) await new Promise((turn) => setImmediate(turn));
    front.draining = false;
    await call;
    expect(await things()).toBe(1);
  });
});

describe('a brown-out', () => {
  const eager = { retryPolicy: { maxAttempts: 5, initialBackoff: 1, maxBackoff: 2 }, maxConnections: 20 };
  const refuse = (front: Front): void => {
    front.draining = true;
  };
  const loseReplies = (front: Front): void => {
    front.onRequest = ({ method }) => (method === 'query' ? 'drop' : 'pass');
  };
  const query = (pool: ConnectionManager) => pool.query('RETURN 1').collect();

  test.each<[string, (front: Front) => void, (pool: ConnectionManager) => Promise<unknown>, number]>([
    ['calls of the pool', refuse, query, 0],
    ['calls after a thousand that succeeded', refuse, query, 1_000],
    ['work', refuse, (pool) => pool.executeWithRetry((held) => held.query('RETURN 1').collect()), 0],
    [
      'calls as a view of the pool',
      refuse,
      (pool) =>
        pool
          .scope({ variables: { a: 1 } })
          .query('RETURN 1')
          .collect(),
      0,
    ],
    [
      'calls that may be done twice',
      loseReplies,
      (pool) => pool.scope({ idempotent: true }).query('RETURN 1').collect(),
      0,
    ],
  ])('makes at most 1.2 times as many requests of 200: %s', async (_, begin, call, before) => {
    const front = await own.listen();
    const pool = await own.connect(front, eager);
    for (let success = 0; success < before; success++) await call(pool);
    begin(front);
    const requests = asked(front, 'query');
    const errors: unknown[] = [];
    await Promise.all(Array.from({ length: 200 }, () => call(pool).catch((error: unknown) => errors.push(error))));
    const made = asked(front, 'query') - requests;
    expect(errors).toHaveLength(200);
    expect(made).toBeLessThanOrEqual(240);
    // A caller whose request was made is told what became of that, and not that a repetition found no connection.
    const told = errors.filter((error) => !(error instanceof AcquireError));
    expect(told.length).toBeGreaterThanOrEqual(Math.min(200, made - 40));
    expect(told.every((error) => error instanceof ServerError || error instanceof ConnectionLostError)).toBe(true);
  });

  test.each<[string, (front: Front) => void, object]>([
    ['what the server said', refuse, { kind: 'Internal', message: 'The server is gracefully shutting down' }],
    ['that its read was lost', loseReplies, { code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' }],
  ])('tells a caller %s, and not that the circuit refused the repetition', async (_, begin, expected) => {
    const front = await own.listen();
    const pool = await own.connect(front, { ...eager, circuitBreaker: { failureThreshold: 1 } });
    await query(pool);
    begin(front);
    front.refuse = true;
    const requests = asked(front, 'query');
    await expect(query(pool)).rejects.toMatchObject(expected);
    expect(asked(front, 'query')).toBe(requests + 1);
    // A caller that comes later has sent nothing, and is told of the circuit.
    await expect(query(pool)).rejects.toMatchObject({ code: 'ERR_POOL_CIRCUIT_OPEN', outcome: 'not-sent' });
  });

  test('does not keep single failures from being made good', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, eager);
    let request = 0;
    front.onRequest = ({ method }) => (method === 'query' && request++ % 10 === 9 ? 'drop' : 'pass');
    const view = pool.scope({ idempotent: true });
    for (let call = 0; call < 300; call++) expect(await view.query('RETURN 1')).toEqual([1]);
    expect(request).toBeGreaterThan(320);
  });

  test('has nothing to do with conflicts: transactions are tried as often as they are allowed to be', async () => {
    const pool = await own.connect(await own.listen(), eager);
    let attempts = 0;
    const conflict = () => {
      attempts++;
      throw new Error('This transaction can be retried');
    };
    const retry = { maxAttempts: 60, initialBackoff: 0, maxBackoff: 0 };
    await expect(pool.withTransaction(conflict, { retry })).rejects.toThrow('can be retried');
    expect(attempts).toBe(60);
    attempts = 0;
    for (let work = 0; work < 20; work++) await expect(pool.executeWithRetry(conflict)).rejects.toThrow();
    expect(attempts).toBe(20 * 5);
  });
});

describe('a shutdown', () => {
  const slow = {
    retryPolicy: { maxAttempts: 5, initialBackoff: '1h', maxBackoff: '1h' },
    // A call that is refused while the circuit is open pauses with that, and not with what the server said.
    circuitBreaker: { failureThreshold: 0 },
    maxConnections: 4,
  } as const;

  /** Calls that pause before their next attempt. */
  async function pausing(): Promise<{ pool: ConnectionManager; calls: Promise<unknown>[] }> {
    const front = await own.listen();
    const pool = await own.connect(front, slow);
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.999);
    onTestFinished(() => random.mockRestore());
    const failed = (call: Promise<unknown>) => call.then(String, (error: unknown) => error);
    const ask = () => [
      failed(pool.query('RETURN 1').collect()),
      failed(pool.executeWithRetry((held) => held.query('RETURN 1').collect())),
      failed(
        pool
          .scope({ variables: { a: 1 } })
          .query('RETURN 1')
          .collect(),
      ),
    ];
    // Each has a connection then, so that each is answered once by the node that drains.
    await Promise.all(ask());
    const { served } = pool.poolStats();
    front.draining = true;
    const calls = ask();
    while (pool.poolStats().served < served + calls.length || pool.poolStats().leased > 0) await nextTurn();
    return { pool, calls };
  }

  test('ends the pauses of retries with the failure before, and leaves no timer', async () => {
    const { pool, calls } = await pausing();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    await pool.shutdown();
    for (const error of await Promise.all(calls)) {
      expect(error).toBeInstanceOf(ServerError);
      expect(String(error)).toContain('gracefully shutting down');
    }
    expect(timers()).toBeLessThan(before);
  });

  test('ends them also when it does not wait', async () => {
    const { pool, calls } = await pausing();
    await pool.shutdown({ gracePeriod: 0 });
    for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(ServerError);
  });

  test('ends the pause of a transaction with the conflict, when its lease is taken away', async () => {
    const pool = await own.connect(await own.listen(), slow);
    let attempts = 0;
    const conflict = () => {
      attempts++;
      throw new Error('This transaction can be retried');
    };
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.999);
    onTestFinished(() => random.mockRestore());
    const retry = { maxAttempts: 5, initialBackoff: '1h', maxBackoff: '1h' } as const;
    const work = expect(pool.withTransaction(conflict, { retry })).rejects.toThrow('can be retried');
    while (attempts === 0 || pool.poolStats().transactions.open > 0) await nextTurn();
    await pool.shutdown({ gracePeriod: 0 });
    await work;
    expect(attempts).toBe(1);
  });
});

function nextTurn(): Promise<void> {
  return new Promise((turn) => setImmediate(turn));
}

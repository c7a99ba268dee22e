import { describe, expect, inject, test } from 'vitest';
import { ConnectionLostError, UsageError } from '../../src/index.js';
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
    await pool.executeWithRetry(async (connection, attempt) => {
      attempts.push(attempt);
      const slow = connection.query('BEGIN; UPDATE thing:1 SET v += 1; SLEEP 100ms; COMMIT').collect();
      if (attempt === 1) await own.engine.query('UPDATE thing:1 SET v += 10', place);
      await slow;
    });
    expect(attempts).toEqual([1, 2]);
    expect(await pool.query('SELECT VALUE v FROM ONLY thing:1')).toEqual([11]);
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
    await pool.with({ idempotent: true }).query('UPSERT thing:1');
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

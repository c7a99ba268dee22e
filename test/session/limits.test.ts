import { describe, expect, test, vi } from 'vitest';
import { CallAbortedError, outcomeOf, QueryTimeoutError } from '../../src/index.js';
import { asked, surroundings } from '../support/surroundings.js';
import { settled } from '../support/virtual-clock.js';

const own = surroundings();

describe.each(['over a socket', 'embedded'])('a call that takes too long, %s', (where) => {
  const onePool = async (options: { queryTimeout?: number } = {}) =>
    where === 'embedded'
      ? own.pool('mem://', { maxConnections: 1, ...options })
      : own.connect(await own.listen(), { maxConnections: 1, ...options });

  test('fails with an unknown outcome, and its connection is not lent again', async () => {
    const pool = await onePool({ queryTimeout: 30 });
    const connection = await pool.acquire();
    const slow = connection.query('SLEEP 10s').collect();
    await expect(slow).rejects.toThrow(QueryTimeoutError);
    await expect(slow).rejects.toMatchObject({ outcome: 'unknown', retryable: false });
    await expect(connection.query('RETURN 1').collect()).rejects.toMatchObject({ outcome: 'not-sent' });
    connection.release();
    const next = await pool.acquire();
    expect(next.id).not.toBe(connection.id);
    expect(await next.query('RETURN 1')).toEqual([1]);
    next.release();
    await vi.waitFor(() => expect(pool.poolStats().closedBy.unanswered).toBe(1));
  });

  test('is bounded on the pool itself, too, and one lease may set its own bound', async () => {
    const pool = await onePool({ queryTimeout: 30 });
    await expect(pool.query('SLEEP 10s').collect()).rejects.toThrow(QueryTimeoutError);
    await using patient = await pool.acquire({ queryTimeout: 0 });
    expect(await patient.query('SLEEP 60ms; RETURN 1')).toEqual([undefined, 1]);
  });

  test('can be aborted by the signal of its lease', async () => {
    const pool = await onePool();
    const abort = new AbortController();
    const connection = await pool.acquire({ signal: abort.signal });
    const slow = connection.query('SLEEP 10s').collect();
    slow.catch(() => {});
    await settled();
    const waiting = connection.set('a', 1);
    waiting.catch(() => {});
    abort.abort(new Error('closed tab'));
    await expect(slow).rejects.toThrow(CallAbortedError);
    await expect(slow).rejects.toMatchObject({ outcome: 'unknown', cause: new Error('closed tab') });
    await expect(waiting, 'a call that had not been sent says so').rejects.toMatchObject({ outcome: 'not-sent' });
    await expect(connection.query('RETURN 1').collect()).rejects.toMatchObject({ outcome: 'not-sent' });
    connection.release();
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });

  test('that ends in time leaves no trace', async () => {
    const pool = await onePool({ queryTimeout: 10_000 });
    const abort = new AbortController();
    const connection = await pool.acquire({ signal: abort.signal });
    expect(await connection.query('RETURN 1')).toEqual([1]);
    connection.release();
    abort.abort();
    expect(pool.poolStats()).toMatchObject({ idle: 1, closed: 0 });
  });
});

describe('the outcome of a call that failed', () => {
  test('is told by the error itself, and by outcomeOf() for every error', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const refused = await pool
      .query('THROW "no"')
      .collect()
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ outcome: 'refused' });
    expect(outcomeOf(refused)).toBe('refused');
    expect(
      outcomeOf(
        await pool
          .query('LET $a = 1')
          .collect()
          .catch((error: unknown) => error),
      ),
    ).toBe('not-sent');
    const [response] = await pool.query('THROW "no"').responses();
    expect(response).toMatchObject({ success: false, error: { outcome: 'refused' } });

    front.onRequest = ({ method }) => (method === 'query' ? 'drop' : 'pass');
    const lost = await pool
      .query('UPSERT thing:1')
      .collect()
      .catch((error: unknown) => error);
    expect(outcomeOf(lost)).toBe('unknown');
    expect(asked(front, 'query')).toBe(3);
    await pool.shutdown();
    expect(
      outcomeOf(
        await pool
          .query('RETURN 1')
          .collect()
          .catch((error: unknown) => error),
      ),
    ).toBe('not-sent');
  });
});

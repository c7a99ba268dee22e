import { RecordId, surql, Table } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/index.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const thing = new Table('thing');

describe('the pool is itself a queryable', () => {
  test('each call borrows a connection and gives it back with the answer', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 3 });
    const id = new RecordId('thing', 1);
    await pool.create(id).content({ name: 'one' });
    expect(await pool.select(thing)).toEqual([{ id, name: 'one' }]);
    expect(await pool.query(surql`RETURN ${1}`)).toEqual([1]);
    expect(await pool.run('math::max', [[1, 2]])).toBe(2);
    for await (const frame of pool.query('RETURN 5').stream()) {
      if (frame.isValue()) expect(frame.value).toBe(5);
    }
    expect(pool.poolStats()).toMatchObject({ leased: 0, waiting: 0, served: 5 });
  });

  test('a stream that its reader leaves, or never finishes, holds no connection', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1 });
    for await (const _ of pool.query('RETURN 1; RETURN 2').stream()) break;
    const unfinished = pool.query('RETURN 3; RETURN 4').stream()[Symbol.asyncIterator]();
    await unfinished.next();
    expect(pool.poolStats()).toMatchObject({ leased: 0, idle: 1, served: 2 });
    expect(await pool.query('RETURN 5')).toEqual([5]);
    expect(await unfinished.next(), 'the rest is there all the same').toMatchObject({ done: false });
  });

  test('a hundred calls at once share the connections there are', async () => {
    const pool = await own.pool('mem://', { maxConnections: 4 });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => pool.query(surql`RETURN ${n}`)));
    expect(answers.map(([n]) => n)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(pool.poolStats()).toMatchObject({ served: 100, leased: 0, waiting: 0 });
    expect(pool.poolStats().opened).toBeLessThanOrEqual(4);
  });

  test('a call that fails gives its connection back, too', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1 });
    await expect(pool.query('THROW "no"').collect()).rejects.toThrow('no');
    await expect(pool.query('this is no statement at all').collect()).rejects.toThrow(/Parse error/);
    await expect(pool.query('RETURN $circle', { circle: circle() }).collect()).rejects.toThrow();
    expect(pool.poolStats()).toMatchObject({ leased: 0, total: 1 });
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });

  test('live queries are refused, with what to do instead, however they are asked for', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1 });
    await pool.query('DEFINE TABLE thing');
    await expect(pool.live(thing).then()).rejects.toThrow(UsageError);
    await expect(pool.query('LIVE SELECT * FROM thing').collect()).rejects.toThrow(/acquire\(\)/);
    const [info] = await pool.query<[{ lives: object }]>('INFO FOR TABLE thing');
    expect(info.lives, 'and nothing is left running').toEqual({});
  });

  test('withConnection() gives the connection back however the work ends', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1 });
    expect(await pool.withConnection((connection) => connection.id)).toBe(1);
    await expect(
      pool.withConnection(() => {
        throw new Error('my own');
      }),
    ).rejects.toThrow('my own');
    await expect(pool.withConnection(() => Promise.reject(new Error('my other')))).rejects.toThrow('my other');
    expect(pool.poolStats()).toMatchObject({ leased: 0, idle: 1 });
  });

  test('acquire() takes a signal and a time, also in words', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1 });
    const held = await pool.acquire();
    await expect(pool.acquire({ timeout: '20ms' })).rejects.toMatchObject({
      code: 'ERR_POOL_ACQUIRE_TIMEOUT',
      message: expect.stringContaining('1 of at most 1 connections are leased'),
    });
    await expect(pool.acquire({ signal: AbortSignal.abort(new Error('changed my mind')) })).rejects.toMatchObject({
      code: 'ERR_POOL_ACQUIRE_ABORTED',
      cause: new Error('changed my mind'),
    });
    await expect(pool.acquire({ timeout: 'soon' })).rejects.toThrow(/soon/);
    await expect(pool.acquire({ timeout: -1 })).rejects.toThrow(/-1/);
    held.release();
  });
});

function circle(): object {
  const round: { self?: object } = {};
  round.self = round;
  return round;
}

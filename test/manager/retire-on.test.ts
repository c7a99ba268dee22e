import { ServerError } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import type { ConnectionManager, RetireOn } from '../../src/index.js';
import { surroundings } from '../support/surroundings.js';
import { settled } from '../support/virtual-clock.js';

const own = surroundings();

const readOnly: RetireOn = (error) => error instanceof ServerError && /read-only/.test(error.message);

describe('retireOn', () => {
  test.each([
    ['a call of the pool', async (pool: ConnectionManager) => pool.query('THROW "node is read-only"').collect()],
    [
      'a call of a lease',
      (pool: ConnectionManager) => pool.withConnection((held) => held.query('THROW "read-only"').collect()),
    ],
    [
      'one statement of several',
      async (pool: ConnectionManager) => pool.query('RETURN 1; THROW "read-only"; RETURN 2').responses(),
    ],
    [
      'a call of a transaction',
      (pool: ConnectionManager) =>
        pool.withTransaction((transaction) => transaction.query('THROW "read-only"').collect()),
    ],
    [
      'a call that is no query',
      (pool: ConnectionManager) =>
        pool.withConnection(async (held) => {
          await held.set('x', 1);
          await held.query('THROW "read-only"').responses();
        }),
    ],
  ])('closes the connection of %s at its release, and only that one', async (_, call) => {
    const pool = await own.connect(await own.listen(), { maxConnections: 2, retireOn: readOnly });
    const other = await pool.acquire();
    await call(pool).catch(() => {});
    await settled();
    await expect.poll(() => pool.poolStats().closedBy.recycled).toBe(1);
    expect(other.isMarkedForRecycling()).toBe(false);
    other.release();
    expect(pool.poolStats()).toMatchObject({ leased: 0, idle: 1 });
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });

  test('leaves the connection in use until its release', async () => {
    const pool = await own.connect(await own.listen(), { retireOn: readOnly });
    await using held = await pool.acquire();
    await held.query('THROW "read-only"').responses();
    expect(held.isMarkedForRecycling()).toBe(true);
    expect(await held.query('RETURN 1')).toEqual([1]);
  });

  test('leaves connections alone whose calls fail otherwise', async () => {
    const asked: unknown[] = [];
    const retireOn: RetireOn = (error) => {
      asked.push(error);
      return false;
    };
    const pool = await own.connect(await own.listen(), { retireOn });
    await expect(pool.query('THROW "no"; THROW "nor this"').collect()).rejects.toThrow('no');
    expect(asked).toHaveLength(2);
    expect(pool.poolStats()).toMatchObject({ idle: 1, closed: 0 });
  });

  test('that throws is a warning, and changes nothing for the caller', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const retireOn: RetireOn = () => {
      throw new Error('a mistake in it');
    };
    const pool = await own.connect(await own.listen(), { retireOn });
    await expect(pool.query('THROW "no"').collect()).rejects.toThrow('no');
    expect(warning).toHaveBeenCalledWith('retireOn threw: a mistake in it', 'SurrealPoolWarning');
    warning.mockRestore();
    expect(pool.poolStats()).toMatchObject({ idle: 1, closed: 0 });
  });
});

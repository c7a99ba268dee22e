import { DateTime, type RecordId } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { ConfigurationError, type Transaction } from '../../src/index.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';
import { id, thing } from '../support/things.js';

const own = surroundings(rocksdbUrl());
const codecOptions = { useNativeDates: true };
const fine = 'd"2026-01-01T00:00:00.123456789Z"';
const native = new Date('2026-01-01T00:00:00.123Z');

interface Dated {
  readonly id: RecordId;
  readonly made: Date;
  readonly n: number;
}

describe('codecOptions.useNativeDates', () => {
  test.each(['mem://', 'ws'])('gives dates of JavaScript, on every way an answer comes (%s)', async (url) => {
    const pool =
      url === 'ws' ? await own.connect(await own.listen(), { codecOptions }) : await own.pool(url, { codecOptions });
    await pool.query('DEFINE TABLE IF NOT EXISTS thing');
    const read = `RETURN ${fine}`;
    expect(await pool.query(read)).toEqual([native]);
    expect(await Promise.all([pool.query(read), pool.query(read)]), 'several in one message').toEqual([
      [native],
      [native],
    ]);
    expect(await pool.withConnection((connection) => connection.query(read))).toEqual([native]);
    expect(await pool.withTransaction((transaction) => transaction.query(read))).toEqual([native]);
    expect(await pool.query('RETURN $date', { date: native }), 'and takes them').toEqual([native]);
    await using connection = await pool.acquire();
    const live = await connection.live<Dated>(thing);
    const messages = live[Symbol.asyncIterator]();
    await connection.create(id(1)).content({ made: native });
    expect((await messages.next()).value).toMatchObject({ action: 'CREATE', value: { made: native } });
    await live.kill();
  });

  test('is off by default: nothing finer than a millisecond is lost', async () => {
    const pool = await own.connect(await own.listen());
    const [date] = await pool.query<[DateTime]>(`RETURN ${fine}`);
    expect(date).toBeInstanceOf(DateTime);
    expect(date.nanoseconds % 1_000_000n).toBe(456_789n);
  });

  test('leaves savepoints right: what is replayed keeps its nanoseconds, and a time that was given back is found', async () => {
    const pool = await own.connect(await own.listen(), { codecOptions });
    await pool.query('DEFINE FIELD OVERWRITE made ON thing VALUE $value OR time::now()');
    await pool.withTransaction(async (transaction) => {
      await transaction.query(`CREATE thing:1 SET made = ${fine}, n = 1; CREATE thing:2 SET n = 1`);
      const before = await transaction.select<Dated>(thing);
      expect(before.every(({ made }) => made instanceof Date)).toBe(true);
      const savepoint = await transaction.savepoint();
      await transaction.query('UPDATE thing SET n = 2');
      await savepoint.rollback();
      expect((await transaction.select<Dated>(thing)).map(({ n }) => n)).toEqual([1, 1]);
    });
    expect(await own.engine.query('RETURN (SELECT VALUE made FROM ONLY thing:1)', place)).toEqual([
      new DateTime('2026-01-01T00:00:00.123456789Z'),
    ]);
    const givesBack = async (transaction: Transaction): Promise<void> => {
      await transaction.query('CREATE thing:3 SET n = 1');
      const made = (await transaction.select<Dated>(id(3)))?.made;
      // In a second run the record has another time, and this call would mean the old one.
      await transaction.query('UPDATE thing:3 SET copy = $made', { made });
      const savepoint = await transaction.savepoint();
      await transaction.query('UPDATE thing:3 SET n = 2');
      await savepoint.rollback();
    };
    await expect(pool.withTransaction(givesBack)).rejects.toMatchObject({ code: expect.stringMatching(/SAVEPOINT/) });
  });

  test.each([
    ['another option', { useNativeDate: true }, /useNativeDates/],
    ['no flag', { useNativeDates: 'yes' }, /codecOptions\.useNativeDates: given "yes"/],
    ['a function of the SDK for each value', { valueDecodeVisitor: () => 1 }, /valueDecodeVisitor/],
  ])('refuses %s', async (_what, options, message) => {
    const error: unknown = await own
      .pool('mem://', { codecOptions: options as never })
      .catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toMatch(message);
  });
});

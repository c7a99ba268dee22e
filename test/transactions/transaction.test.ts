import { RecordId, Table } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const thing = new Table('thing');

describe('a transaction', () => {
  test('applies all at its commit, and nothing before', async () => {
    const pool = await own.connect(await own.listen());
    await using connection = await pool.acquire();
    const transaction = await connection.beginTransaction();
    await transaction.create(new RecordId('thing', 1)).content({ name: 'one' });
    await connection.create(new RecordId('thing', 2)).content({ name: 'two' });
    expect(await connection.select(thing)).toHaveLength(2);
    expect(await pool.select(thing)).toHaveLength(0);
    await connection.commitTransaction();
    expect(await pool.select(thing)).toHaveLength(2);
    expect(await connection.select(thing)).toHaveLength(2);
    expect(pool.poolStats().transactions).toMatchObject({ begun: 1, committed: 1, open: 0 });
  });
});

import { RecordId, Table } from 'surrealdb';
import { expect, onTestFinished, test } from 'vitest';
import { createPool } from '../../src/index.js';
import { ServerProcess } from '../support/server-process.js';

/** A `surreal` of another version than that of the PATH: `SURREAL_OTHER=/opt/surreal-3.0.5/surreal npm run test:server`. */
const { SURREAL_OTHER: other } = process.env;

test('two servers of different versions: each connection is treated as its own server needs it', async ({ skip }) => {
  skip(other === undefined, 'SURREAL_OTHER names no other server');
  const servers = await Promise.all([ServerProcess.start(), ServerProcess.start({ program: other })]);
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.kill()))));
  const pool = await createPool(
    servers.map(({ url }) => url),
    {
      ...{ namespace: 'test', database: 'test', credentials: { username: 'root', password: 'secret' } },
      ...{ minConnections: 0, maxConnections: 4, balancing: { storeCheck: 'off', slowStart: 0 } },
    },
  );
  onTestFinished(async () => void (await pool.shutdown({ gracePeriod: 0 })));

  const seen = new Map<string, number>();
  for (let round = 0; round < 4; round++) {
    const leases = await Promise.all([1, 2, 3, 4].map(() => pool.acquire()));
    for (const [index, lease] of leases.entries()) {
      const { version } = await lease.version();
      seen.set(version, (seen.get(version) ?? 0) + 1);
      const record = new RecordId('row', `${round}-${index}`);
      await lease.query('DEFINE TABLE IF NOT EXISTS row');
      const rows = await lease.withTransaction(async (transaction) => {
        await transaction.select(new Table('row'));
        await transaction.create(record).content({ round });
        const savepoint = await transaction.savepoint();
        await transaction.update(record).merge({ round: -1 });
        await savepoint.rollback();
        const [found] = await transaction.query('SELECT id, round FROM row WHERE id = $record', { record });
        return found;
      });
      // Servers before 3.1 hide from a transaction what it wrote itself: the pool mends that on their connections alone.
      expect(rows, version).toEqual([{ id: record, round }]);
    }
    for (const lease of leases) lease.release();
    await Promise.all(Array.from({ length: 20 }, () => pool.query('RETURN 1').collect()));
  }
  expect([...seen.keys()], 'both were used').toHaveLength(2);
});

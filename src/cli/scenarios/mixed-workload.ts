import { RecordId } from 'surrealdb';
import type { Scenario } from './scenario.js';

const workers = 20;
const seeded = 100;

/** Reads and writes of single records in one table, at a fixed proportion. */
function mixedWorkload(readsOfTen: number): Scenario {
  const share = `${10 * readsOfTen} % reads`;
  return {
    summary: `${share} and ${100 - 10 * readsOfTen} % writes by ${workers} workers, for --duration`,
    async play(scene) {
      const pool = await scene.open({ minConnections: 5, maxConnections: 10 });
      const records = Array.from({ length: seeded }, (_, id) => ({ id, seeded: true }));
      await pool.query('INSERT INTO $table $records RETURN NONE', { table: scene.table, records });
      let begun = 0;
      let missing = 0;
      await scene.work(
        workers,
        async () => {
          const turn = begun++;
          if (turn % 10 >= readsOfTen) return await scene.operate('write', (connection) => scene.store(connection));
          const record = new RecordId(scene.table, turn % seeded);
          return await scene.operate('read', async (connection) => {
            const [found] = await connection.query<[{ seeded: boolean } | null]>('SELECT * FROM ONLY $record', {
              record,
            });
            if (found?.seeded !== true) missing++;
          });
        },
        () => scene.lastsLongEnough(),
      );
      const { succeeded, failed } = scene.measurements;
      const { total } = scene.counts;
      scene.expect('fewer than 1 % of all operations fail', `${failed} of ${total}`, total > 0 && failed < total / 100);
      scene.expect('every read finds its record', `${missing} missing`, missing === 0);
      const stored = (await scene.stored()) - seeded;
      scene.expect(
        'every acknowledged write is stored, once',
        `${stored} of ${succeeded.write}`,
        stored === succeeded.write,
      );
      scene.expectRest();
    },
  };
}

export const readHeavy: Scenario = mixedWorkload(9);
export const writeHeavy: Scenario = mixedWorkload(1);

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool } from '../../dist/index.js';
import { recordLoad } from '../../dist/record.js';
import { compare, computing } from '../harness/paired.mjs';

export const question = 'what does a recording of the load cost?';

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds, say }) {
  const pool = await createPool('mem://', { namespace: 'bench', database: 'bench', minConnections: 20 });
  const folder = mkdtempSync(join(tmpdir(), 'surreal-pool-bench-'));
  let files = 0;
  let bytes = 0;
  let units = 0;
  /**
   * The same work while it is recorded; the beginning and the end of the recording are not measured.
   *
   * @param {(times: number) => Promise<void>} work
   * @returns {import('../harness/paired.mjs').Contender}
   */
  const recorded = (work) => {
    const { sample } = computing('recorded', work);
    return {
      name: 'recorded',
      async sample() {
        const recording = recordLoad(join(folder, `${files++}.ndjson`));
        const time = await sample();
        const summary = await recording.stop();
        units += summary.units;
        bytes += summary.bytes;
        return time;
      },
    };
  };
  /** @type {[string, (times: number) => Promise<void>][]} */
  const works = [
    [
      'acquire and release',
      async (times) => {
        for (let count = 0; count < times; count++) (await pool.acquire()).release();
      },
    ],
    [
      'pool.query()',
      async (times) => {
        for (let count = 0; count < times; count++) await pool.query('RETURN 1');
      },
    ],
    [
      'a lease with two queries',
      async (times) => {
        for (let count = 0; count < times; count++) {
          await pool.withConnection(async (connection) => {
            await connection.query('RETURN $a', { a: 1 });
            await connection.query('RETURN 2');
          });
        }
      },
    ],
  ];
  for (const [name, work] of works) {
    const contenders = [computing('not recorded', work), recorded(work)];
    yield await compare(`${name}, embedded, 1 caller`, contenders, { rounds, unit: 'µs' });
  }
  say(`${(bytes / units).toFixed(0)} bytes for each unit of work`);
  rmSync(folder, { recursive: true, force: true });
  await pool.shutdown({ gracePeriod: 0 });
}

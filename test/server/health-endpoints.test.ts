import { expect, onTestFinished, test, vi } from 'vitest';
import { healthHandler } from '../../src/health/index.js';
import { createPool } from '../../src/index.js';
import { ServerProcess } from '../support/server-process.js';

test('a server that is killed and started again: ready within what is tolerated, not after, and again when it is back', async ({
  skip,
}) => {
  skip(process.env.SURREALDB_URL !== undefined, 'a server at SURREALDB_URL cannot be killed from here');
  const server = await ServerProcess.start();
  onTestFinished(() => server.kill());
  const { url, username, password } = server;
  const pool = await createPool(url, { namespace: 'test', database: 'test', credentials: { username, password } });
  onTestFinished(async () => void (await pool.shutdown({ gracePeriod: 0 })));
  const [patient, impatient] = [
    healthHandler(pool, { outageTolerance: '1h' }),
    healthHandler(pool, { outageTolerance: '500ms' }),
  ];
  const ready = (): string[] => [patient, impatient].map((health) => health.status('ready').status);
  expect(ready()).toEqual(['ok', 'ok']);
  for (let round = 0; round < 2; round++) {
    await server.kill();
    await vi.waitFor(() => expect(ready()).toEqual(['ok', 'unavailable']), 20_000);
    await server.start();
    await vi.waitFor(() => expect(ready()).toEqual(['ok', 'ok']), 20_000);
    expect(patient.status('ready').since).toBeUndefined();
  }
});

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { heldResources, surplusOf } from '../support/held-resources.js';
import type { Random } from '../support/seeded-random.js';
import { ChaosRun, type ChaosSize } from './chaos-run.js';
import type { Scene } from './scene.js';

/** Not a measure: so many milliseconds are enough on the slowest machine, and few enough not to wait for ever. */
const patience = 30_000;

/** One run with everything that has to hold during it, after it, and after the end of its pool. */
export async function survive(scene: Scene, random: Random, size: ChaosSize): Promise<void> {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note).on('uncaughtException', note);
  const before = heldResources();

  const run = await ChaosRun.begin(scene, random);
  const { pool, ledger, vigil } = run;
  await run.storm(size);
  expect(vigil.overdue, 'nobody waits past a deadline').toEqual([]);
  expect(ledger.strange, 'every error is one of the pool or of the server').toEqual([]);

  const all = pool.poolStats().maxConnections;
  await vi.waitFor(
    () => expect(pool.poolStats(), 'it heals without being asked').toMatchObject({ idle: all }),
    patience,
  );
  const leases = await Promise.all(Array.from({ length: all }, () => pool.acquire()));
  for (const lease of leases) expect(await lease.query('RETURN $who'), 'and as good as new').toEqual([undefined]);
  for (const lease of leases) lease.release();
  expect(pool.healthStatus()).toMatchObject({ healthy: true, circuitBreakerState: 'closed' });

  expect(await ledger.lies(scene), 'every write is what it was said to be').toEqual([]);
  const { applied, ...others } = ledger.totals;
  for (const [verdict, count] of Object.entries(others)) expect(count, verdict).toBeGreaterThan(0);
  expect(applied, 'only a call of a transaction can come after its commit').toBe(0);

  const { aborted } = await pool.shutdown();
  expect(aborted, 'every lease was given back').toEqual([]);
  await vi.waitFor(() => expect(scene.connections(), 'no socket is left').toBe(0), patience);
  // Not by vi.waitFor(), which has timers of its own from its second look on.
  const end = performance.now() + patience;
  while (surplusOf(before).length > 0 && performance.now() < end) await sleep(20);
  expect(surplusOf(before), 'nothing is left that holds the process').toEqual([]);
  process.off('unhandledRejection', note).off('uncaughtException', note);
  expect(unhandled).toEqual([]);
}

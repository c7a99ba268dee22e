import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import type { PoolStatistics } from '../../src/pool/statistics.js';
import { type PoolUnderTest, poolUnderTest } from '../support/pool-under-test.js';

/**
 * A pool of fake resources under a virtual clock, whose scenario ends as every scenario has to: with everything given
 * back and nobody waiting; and after its shutdown without a slot, a timer, or a resource not closed exactly once.
 */
export function scenario(...parameters: Parameters<typeof poolUnderTest>): PoolUnderTest {
  const world = poolUnderTest(...parameters);
  // What is registered last is called first: before the pool is shut down.
  onTestFinished(async () => {
    await world.clock.advance(10_000);
    expectAtRest(world.pool.statistics());
  });
  return world;
}

/** The same for a pool over real sockets: afterwards this process has no more of them, and no more timers, than before. */
export async function endsWell(pool: ConnectionManager, before: Held): Promise<void> {
  expectAtRest(pool.poolStats());
  await pool.shutdown({ gracePeriod: 0 });
  expectAtRest(pool.poolStats());
  await expectNoMoreThan(before);
}

/** What holds a process. The servers of a test live in it too, so both ends of a socket count. */
export interface Held {
  readonly sockets: number;
  readonly timers: number;
}

export function held(): Held {
  const names = process.getActiveResourcesInfo();
  const count = (name: string): number => names.filter((other) => other === name).length;
  return { sockets: count('TCPSocketWrap'), timers: count('Timeout') };
}

/** Sockets take some turns of the event loop to close. No timer may be used to wait for the end of all timers. */
export async function expectNoMoreThan(before: Held): Promise<void> {
  const end = performance.now() + 10_000;
  const more = (now: Held): boolean => now.sockets > before.sockets || now.timers > before.timers;
  while (more(held()) && performance.now() < end) await nextTurn();
  const now = held();
  expect(more(now), `left behind: ${JSON.stringify({ before, now })}`).toBe(false);
}

function expectAtRest(statistics: PoolStatistics): void {
  const { total, idle, leased, opening, validating, resetting, closing, waiting, maxConnections } = statistics;
  expect({ leased, waiting, validating, resetting }).toEqual({ leased: 0, waiting: 0, validating: 0, resetting: 0 });
  expect(total).toBe(idle + opening);
  expect(total + closing).toBeLessThanOrEqual(maxConnections);
}

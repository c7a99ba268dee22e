import { PoolShutdownError } from '../../errors/acquire.js';
import type { Scenario } from './scenario.js';

const connections = 10;
const workers = 30;
const warmUp = 100;

/**
 * Shuts the pool down during work: holders of a connection finish, waiters are refused, and acknowledged writes are
 * stored. One lease is kept to the end, for counting.
 */
export const gracefulShutdown: Scenario = {
  summary: `a shutdown while ${workers} workers use ${connections} connections`,
  async play(scene) {
    const pool = await scene.open({ minConnections: 0, maxConnections: connections, shutdownGracePeriod: '30s' });
    const witness = await pool.acquire();
    let refused = false;
    const working = scene.work(
      workers,
      () => scene.operate('write', (connection) => scene.store(connection)),
      // A refused worker stops.
      () => refused,
    );
    await new Promise<void>((warm) => {
      const stopWatching = pool.subscribe('released', () => {
        if (scene.counts.total < warmUp) return;
        stopWatching();
        warm();
      });
    });
    const { leased } = pool.poolStats();
    const shutdown = pool.shutdown();
    refused = true;
    const late = await pool.acquire().catch((error: unknown) => error);
    await working;
    await scene.expectNothingLost(witness);
    if (!scene.place.endpoint.startsWith('mem:')) await witness.query(`REMOVE TABLE ${scene.name}`);
    witness.release();
    const report = await shutdown;
    const others = Object.keys(Object.fromEntries(scene.measurements.errors)).filter(
      (name) => name !== PoolShutdownError.code,
    );
    scene.expect('callers with a connection finish', `${report.drained} of ${leased}`, report.drained === leased);
    scene.expect('no lease is aborted', report.aborted.length, report.aborted.length === 0);
    scene.expect(
      'waiters are refused for the shutdown, and for nothing else',
      others.join(', ') || 'nothing else',
      others.length === 0,
    );
    scene.expect(
      'later callers are refused',
      late instanceof Error ? late.name : 'served',
      late instanceof PoolShutdownError,
    );
    const { total, closing, waiting } = pool.poolStats();
    scene.expect('nothing is left', `${total + closing} connections, ${waiting} wait`, total + closing + waiting === 0);
  },
};

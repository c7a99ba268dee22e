import type { Scenario } from './scenario.js';

const bursts = 5;
const operations = 50;
const connections = 10;

/** Idle, then a burst of operations, again and again. */
export const burstTraffic: Scenario = {
  summary: `${bursts} bursts of ${operations} operations, each when the last is over`,
  async play(scene) {
    const pool = await scene.open({ minConnections: 2, maxConnections: connections });
    let rested = 0;
    for (let burst = 0; burst < bursts; burst++) {
      await Promise.all(
        Array.from({ length: operations }, () => scene.operate('write', (connection) => scene.store(connection))),
      );
      const { leased, waiting } = pool.poolStats();
      if (leased + waiting === 0) rested++;
    }
    scene.expectSuccess(90);
    scene.expect('the pool is at rest after each burst', `${rested} of ${bursts}`, rested === bursts);
    await scene.expectNothingLost();
  },
};

import type { Scenario } from './scenario.js';

const operations = 200;
const connections = 20;

/** Ten times as many callers as connections, all at once. */
export const highConcurrency: Scenario = {
  summary: `${operations} operations at once on ${connections} connections`,
  async play(scene) {
    const pool = await scene.open({ minConnections: 0, maxConnections: connections });
    let most = 0;
    const stopWatching = pool.subscribe('acquired', () => {
      most = Math.max(most, pool.poolStats().leased);
    });
    await Promise.all(
      Array.from({ length: operations }, () => scene.operate('write', (connection) => scene.store(connection))),
    );
    stopWatching();
    scene.expectSuccess(100);
    scene.expect(`never more than ${connections} connections are lent`, `${most} at most`, most <= connections);
    await scene.expectNothingLost();
    scene.expectRest();
  },
};

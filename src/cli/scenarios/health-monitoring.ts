import type { Scenario } from './scenario.js';

const connections = 8;
const workers = 3;
const leastProbes = 5;

/** Probes idle connections while workers use others: the work goes on, and the pool stays healthy. */
export const healthMonitoring: Scenario = {
  summary: `health checks of what is idle, beside ${workers} workers`,
  async play(scene) {
    const pool = await scene.open({
      minConnections: connections,
      maxConnections: connections,
      healthCheckInterval: 100,
    });
    let unhealthy = 0;
    await scene.work(
      workers,
      async () => {
        await scene.operate('write', (connection) => scene.store(connection));
        if (!pool.healthStatus().healthy) unhealthy++;
      },
      () => scene.lastsLongEnough() && pool.poolStats().probesPassed >= leastProbes,
    );
    const { probesPassed, probesFailed, healthCheckPassRate } = pool.poolStats();
    scene.expectSuccess(100);
    scene.expect('idle connections are probed', `${probesPassed} passed`, probesPassed >= leastProbes);
    scene.expect('every probe passes', `${healthCheckPassRate} %`, probesFailed === 0);
    scene.expect('the pool is healthy all the time', `${unhealthy} times not`, unhealthy === 0);
    await scene.expectNothingLost();
    scene.expectRest();
  },
};

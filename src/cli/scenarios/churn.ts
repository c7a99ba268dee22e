import type { Scenario } from './scenario.js';

const workers = 20;
const leases = 25;
const connections = 10;
const uses = 40;

/** Many short leases on connections that are replaced after some uses. */
export const connectionChurn: Scenario = {
  summary: `${workers * leases} short leases on connections replaced after ${uses} uses`,
  async play(scene) {
    const pool = await scene.open({ minConnections: 0, maxConnections: connections, recycleAfterUses: uses });
    let begun = 0;
    await scene.work(
      workers,
      async () => {
        begun++;
        await scene.operate('write', (connection) => scene.store(connection));
      },
      () => begun >= workers * leases,
    );
    const { averageReuseRatio, opened, closedBy, total, closing } = pool.poolStats();
    scene.expectSuccess(100);
    const reuse = `${averageReuseRatio.toFixed(1)} %`;
    scene.expect('more than 80 % of all leases reuse a connection', reuse, averageReuseRatio > 80);
    scene.expect('connections are replaced for their uses', closedBy.uses, closedBy.uses > 0);
    const closed = Object.values(closedBy).reduce((sum, count) => sum + count, 0);
    const balance = `${opened} opened, ${closed} closed, ${total + closing} there`;
    scene.expect('every connection that was opened is there or closed', balance, opened === closed + total + closing);
    await scene.expectNothingLost();
    scene.expectRest();
  },
};

import type { Scenario } from './scenario.js';

const connections = 5;
const workers = 10;
const rounds = 3;

/** Connections with a very short lifetime are replaced without callers noticing. */
export const lifetimeRotation: Scenario = {
  summary: `connections that live a fifth of a second, under ${workers} workers`,
  async play(scene) {
    const pool = await scene.open({ minConnections: connections, maxConnections: connections, maxLifetime: 200 });
    const replaced = (): number => pool.poolStats().closedBy.lifetime;
    await scene.work(
      workers,
      () => scene.operate('write', (connection) => scene.store(connection)),
      () => scene.lastsLongEnough() && replaced() >= rounds * connections,
    );
    const { total } = pool.poolStats();
    scene.expectSuccess(100);
    scene.expect(
      `every connection is replaced ${rounds} times over`,
      `${replaced()} closed`,
      replaced() >= rounds * connections,
    );
    scene.expect('there are never too many', `${total} of ${connections}`, total <= connections);
    await scene.expectNothingLost();
    scene.expectRest();
  },
};

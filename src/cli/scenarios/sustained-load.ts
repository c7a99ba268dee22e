import type { Scenario } from './scenario.js';

const workers = 20;

/** Workers that do one operation after another for a while, alternating writes and reads. */
export const sustainedLoad: Scenario = {
  summary: `${workers} workers without a pause, for --duration`,
  async play(scene) {
    await scene.open({ minConnections: 5, maxConnections: 10 });
    const turns = new Array<number>(workers).fill(0);
    await scene.work(
      workers,
      async (worker) => {
        const turn = turns[worker] ?? 0;
        turns[worker] = turn + 1;
        if (turn % 2 === 0) await scene.operate('write', (connection) => scene.store(connection));
        else await scene.operate('read', (connection) => scene.stored(connection));
      },
      () => scene.lastsLongEnough(),
    );
    const { failed, total } = scene.counts;
    const least = Math.min(...turns);
    scene.expect('fewer than 1 % of all operations fail', `${failed} of ${total}`, total > 0 && failed < total / 100);
    scene.expect('no worker is starved', `${least} operations at least`, least > 0);
    await scene.expectNothingLost();
    scene.expectRest();
  },
};

import type { Queryable } from '../workload.js';
import type { Scenario } from './scenario.js';

const callers = 64;
const connections = 4;
const callsEach = 40;

/** Many callers, each with one single call of the pool after the other: they share connections and messages. */
export const singleCalls: Scenario = {
  summary: `${callers} callers, each with single calls, on ${connections} connections`,
  async play(scene) {
    const pool = await scene.open({ maxConnections: connections, maxConnecting: connections });
    const calls = callers * callsEach;
    await scene.measured('write', () => scene.store(pool));
    const read = (from: Queryable): Promise<unknown> =>
      from.query('SELECT * FROM $table LIMIT 1', { table: scene.table });
    const leased = await timed(() => each(() => scene.operate('read', read)));
    // The first call of a text goes by itself.
    await scene.measured('read', () => read(pool));
    const before = pool.poolStats().messages;
    const single = await timed(() => each(() => scene.measured('read', () => read(pool))));
    const { sent, calls: carried } = pool.poolStats().messages;
    const perMessage = (carried - before.calls) / (sent - before.sent);
    scene.expectSuccess(100);
    scene.expect('a message carries several calls', `${perMessage.toFixed(1)} of at most 16`, perMessage > 2);
    // What it gains depends on the machine: it is told, and nothing is asked of it.
    const gain = `${(leased / single).toFixed(1)} times as many a second as with a lease for each`;
    scene.expect(`${calls.toLocaleString('en-US')} single calls are made`, gain, carried - before.calls >= calls);
    scene.expectRest();
    await scene.expectNothingLost();
  },
};

async function each(work: () => Promise<unknown>): Promise<void> {
  const caller = async (): Promise<void> => {
    for (let call = 0; call < callsEach; call++) await work();
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

/** @returns how long it took, in milliseconds */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

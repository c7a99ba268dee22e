import type { Scenario } from './scenario.js';

const connections = 5;
const impatient = 50;
const patient = 20;
const afterwards = 50;
/** How long impatient callers wait, in milliseconds. */
const patience = 50;

/**
 * All connections are held: impatient callers time out, patient ones are served later, and then the pool serves as
 * before.
 */
export const poolSaturation: Scenario = {
  summary: `${impatient + patient} callers while all ${connections} connections are held, then ${afterwards} more`,
  async play(scene) {
    const pool = await scene.open({ minConnections: 0, maxConnections: connections, connectionTimeout: '30s' });
    const holders = await Promise.all(Array.from({ length: connections }, () => pool.acquire()));
    const store = {
      kind: 'write',
      work: (connection: Parameters<typeof scene.store>[0]) => scene.store(connection),
    } as const;
    const waiting = Promise.all(Array.from({ length: patient }, () => scene.operate(store.kind, store.work)));
    const refused = await Promise.all(
      Array.from({ length: impatient }, () => scene.operate(store.kind, store.work, { timeout: patience })),
    );
    const timedOut = refused.filter((succeeded) => !succeeded).length;
    const other = scene.measurements.failed - pool.poolStats().timedOut;
    for (const holder of holders) holder.release();
    const served = (await waiting).filter(Boolean).length;
    const recovered = await Promise.all(
      Array.from({ length: afterwards }, () => scene.operate(store.kind, store.work)),
    );
    const well = recovered.filter(Boolean).length;
    scene.expect(
      'all impatient callers time out, and for no other reason',
      `${timedOut} of ${impatient}`,
      timedOut === impatient && other === 0,
    );
    scene.expect('all patient callers are served', `${served} of ${patient}`, served === patient);
    scene.expect('all later callers are served', `${well} of ${afterwards}`, well === afterwards);
    await scene.expectNothingLost();
    scene.expectRest();
  },
};

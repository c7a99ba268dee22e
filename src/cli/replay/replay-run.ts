import type { AgentSession } from '../../agents/agent-session.js';
import type { ConnectionManager } from '../../manager.js';
import type { Interruption } from '../interruption.js';
import type { LoadOptions } from '../load-options.js';
import { versionsOf } from '../load-run.js';
import { Measurements } from '../measurements.js';
import type { ProgressDisplay } from '../progress.js';
import { withRecording } from '../recording-run.js';
import { showProgress } from '../show-progress.js';
import { RealMoments } from './moments.js';
import { type Lend, Replay } from './replay.js';
import { replayFigures } from './replay-figures.js';
import type { ReplayPlan } from './replay-plan.js';
import { type ReplayReport, replayReport } from './replay-report.js';

/** Replays a plan through a pool with connections to a database, in real time; then shuts the pool down. */
export async function runReplay(
  pool: ConnectionManager,
  plan: ReplayPlan,
  options: LoadOptions,
  interruption: Promise<Interruption>,
  display: ProgressDisplay,
): Promise<ReplayReport> {
  const moments = new RealMoments();
  let stopProgress = (): void => {};
  try {
    display.say('opening the connections …');
    await pool.warm();
    const versions = await versionsOf(pool, options);
    const before = pool.poolStats();
    const measurements = new Measurements(performance.now());
    const replay = new Replay(plan.units, lendFrom(pool), moments, measurements);
    const planned = { duration: plan.units.at(-1)?.due ?? 0, operations: plan.units.length };
    stopProgress = showProgress(pool, measurements, display, options.progress, () => planned);
    const interrupted = await withRecording(options, () => Promise.race([replay.run(), interruption]));
    if (interrupted !== undefined) replay.stop();
    measurements.stop(performance.now());
    const after = pool.poolStats();
    const served = after.served - before.served;
    const figures = replayFigures(measurements, replay, after.maxConnections);
    const ofPool = {
      minConnections: after.minConnections,
      maxConnections: after.maxConnections,
      opened: after.opened,
      openFailed: after.openFailed,
      closed: after.closed,
      reuse: served === 0 ? 0 : (100 * (after.reused - before.reused)) / served,
    };
    return replayReport(figures, ofPool, plan.recorded, options, { versions, interrupted: interrupted ?? null });
  } finally {
    stopProgress();
    moments.end();
    await pool.shutdown({ gracePeriod: 0 });
  }
}

/** Each agent of the recording has a session, so that each gets its share of the pool. */
function lendFrom(pool: ConnectionManager): Lend {
  const sessions = new Map<number, AgentSession>();
  return ({ agent }) => {
    if (agent === undefined) return pool.acquire();
    let session = sessions.get(agent);
    if (session === undefined) {
      session = pool.createSession({ agentId: `agent-${agent}` });
      sessions.set(agent, session);
    }
    return session.acquire();
  };
}

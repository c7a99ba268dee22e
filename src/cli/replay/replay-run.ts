import type { AgentSession } from '../../agents/agent-session.js';
import type { ConnectionManager } from '../../manager.js';
import type { Interruption } from '../interruption.js';
import type { LoadOptions } from '../load-options.js';
import { versionsOf } from '../load-run.js';
import { Measurements } from '../measurements.js';
import type { ProgressDisplay } from '../progress.js';
import { recorded } from '../recorded.js';
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
    stopProgress = showProgress(pool, measurements, plan, options, display);
    const interrupted = await recorded(options, () => Promise.race([replay.run(), interruption]));
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

/** Returns a function that ends the display. */
function showProgress(
  pool: ConnectionManager,
  measurements: Measurements,
  { units }: ReplayPlan,
  options: LoadOptions,
  display: ProgressDisplay,
): () => void {
  if (options.progress === 0) return () => {};
  const show = (): void => {
    const now = performance.now();
    const { duration, succeeded, failed, p99 } = measurements.interval(now);
    const { leased, waiting, oldestWaiter, maxConnections } = pool.poolStats();
    display.show({
      elapsed: now - measurements.started,
      duration: units.at(-1)?.due ?? 0,
      operations: units.length,
      ended: measurements.latency.count,
      rate: (1_000 * succeeded) / duration,
      used: leased,
      maxConnections,
      waiting,
      oldestWaiter,
      p99,
      errors: failed,
      errorsInAll: measurements.failed,
    });
  };
  const timer = setInterval(show, options.progress);
  return () => clearInterval(timer);
}

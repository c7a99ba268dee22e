import type { AgentSession } from '../agents/agent-session.js';
import type { ConnectionManager } from '../manager.js';
import { Histogram } from '../pool/histogram.js';
import type { Caller } from './driver.js';
import type { AgentPlan } from './load-plan.js';
import type { OperationKind, Recorder, Steps } from './measurements.js';

/** `greedy`: its workers never pause. `light`: its worker thinks between operations. */
export type AgentKind = 'greedy' | 'light';

/** One agent of a load: its session, its workers, and what was measured of it. */
export class LoadAgent implements Caller, Recorder {
  readonly session: AgentSession;
  readonly kind: AgentKind;
  readonly workers: number;
  readonly think: number;
  readonly single: AgentSession | undefined;
  /** From asking for a connection to getting it; not of operations that were refused. Empty for single calls. */
  readonly wait: Histogram = new Histogram();
  readonly latency: Histogram = new Histogram();
  succeeded = 0;
  readonly #all: Recorder & { readonly refused: number };

  constructor(
    session: AgentSession,
    { kind, workers, think }: Pick<LoadAgent, 'kind' | 'workers' | 'think'>,
    singleCalls: boolean,
    all: Recorder & { readonly refused: number },
  ) {
    this.session = session;
    this.kind = kind;
    this.workers = workers;
    this.think = think;
    this.single = singleCalls ? session : undefined;
    this.#all = all;
  }

  get pool(): AgentSession {
    return this.session;
  }

  get recorder(): this {
    return this;
  }

  recordSuccess(kind: OperationKind, steps: Steps): void {
    this.#all.recordSuccess(kind, steps);
    this.succeeded++;
    this.#recordTimes(steps);
  }

  recordFailure(error: unknown, steps: Steps): void {
    const refusedBefore = this.#all.refused;
    this.#all.recordFailure(error, steps);
    if (this.#all.refused === refusedBefore) this.#recordTimes(steps);
  }

  #recordTimes({ due, asked, lent, ended }: Steps): void {
    if (asked !== undefined) this.wait.record((lent ?? ended) - asked);
    this.latency.record(ended - due);
  }
}

/** Opens the sessions of the agents, the greedy ones first, and spreads the workers over them. */
export function openAgents(
  pool: Pick<ConnectionManager, 'createSession'>,
  plan: AgentPlan,
  { workers, singleCalls }: { readonly workers: number; readonly singleCalls: boolean },
  all: Recorder & { readonly refused: number },
): LoadAgent[] {
  const { greedy, think, weights, limits } = plan;
  return spreadWorkers(workers, plan).map((ofAgent, index) => {
    const kind = index < greedy ? 'greedy' : 'light';
    const agentId = kind === 'greedy' ? `greedy-${index + 1}` : `light-${index - greedy + 1}`;
    const weight = weights[index % weights.length] ?? 1;
    const session = pool.createSession({ agentId, weight, limits });
    const manner = { kind, workers: ofAgent, think: kind === 'greedy' ? 0 : think } as const;
    return new LoadAgent(session, manner, singleCalls, all);
  });
}

/**
 * How many workers each agent has, the greedy ones first: a light one has one, and the greedy ones share the others.
 * When all are light, all share all.
 */
export function spreadWorkers(workers: number, { count, greedy }: Pick<AgentPlan, 'count' | 'greedy'>): number[] {
  const sharing = greedy === 0 ? count : greedy;
  const shared = workers - (count - sharing);
  return Array.from({ length: count }, (_, index) =>
    index < sharing ? Math.floor(shared / sharing) + (index < shared % sharing ? 1 : 0) : 1,
  );
}

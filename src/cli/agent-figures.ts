import { fairnessOf } from '../agents/fairness.js';
import type { Refusals } from '../agents/usage.js';
import type { ConnectionManager } from '../manager.js';
import { Histogram, type HistogramSummary } from '../pool/histogram.js';
import type { AgentKind, LoadAgent } from './load-agents.js';

/** What one agent had of the pool. Times are in milliseconds, shares in percent. */
export interface AgentFigures {
  readonly agentId: string;
  readonly kind: AgentKind;
  readonly weight: number;
  readonly workers: number;
  /** How long connections worked for it, and which share that is of the time they worked for all agents. */
  readonly busyTime: number;
  readonly share: number;
  /** How long all its calls together waited for a connection. */
  readonly timeWaited: number;
  /** Operations that succeeded. */
  readonly operations: number;
  /** How often a limit refused it, by limit. */
  readonly refused: Refusals;
  /** From asking for a connection to getting it, without refused operations. Unknown for single calls: its count is 0. */
  readonly wait: HistogramSummary;
  readonly latency: HistogramSummary;
}

/** The agents of one kind together. */
export interface KindFigures extends Omit<AgentFigures, 'agentId' | 'weight'> {
  readonly agents: number;
}

/** What all agents of a load had of the pool. */
export interface AgentsFigures {
  /**
   * Jain's index of the time of connections of agents that want equally much, by their weights: of the greedy ones, or
   * of the light ones when fewer than two are greedy. Null when there are not two of a kind, or none had a connection.
   */
  readonly fairness: { readonly kind: AgentKind; readonly agents: number; readonly index: number } | null;
  /** The same of all agents, of which some want more than others. */
  readonly fairnessOfAll: number;
  /** How often limits refused all agents, by limit. */
  readonly refused: Refusals;
  /** All agents, the one with the largest share first. */
  readonly agents: readonly AgentFigures[];
  readonly kinds: readonly KindFigures[];
}

/** What the agents have had of the pool until now. */
export function agentsFigures(agents: readonly LoadAgent[], pool: Pick<ConnectionManager, 'sessions'>): AgentsFigures {
  const busyTimeOfAll = agents.reduce((sum, { session }) => sum + session.sessionStats().busyTime, 0);
  const figures = agents.map((agent) => figuresOf(agent, busyTimeOfAll));
  const kinds = (['greedy', 'light'] as const).flatMap((kind) => {
    const ofKind = figures.filter((agent) => agent.kind === kind);
    return ofKind.length === 0 ? [] : [kindFigures(kind, ofKind, agents, busyTimeOfAll)];
  });
  const compared = kinds.find((kind) => kind.agents > 1 && kind.busyTime > 0);
  return {
    fairness:
      compared === undefined
        ? null
        : {
            kind: compared.kind,
            agents: compared.agents,
            index: fairnessOf(figures.filter(({ kind }) => kind === compared.kind)),
          },
    fairnessOfAll: pool.sessions().fairness,
    refused: sumOfRefusals(figures),
    agents: [...figures].sort((one, other) => other.busyTime - one.busyTime),
    kinds,
  };
}

/** How often, by any limit. */
export function timesRefused(refused: Refusals): number {
  return Object.values(refused).reduce((sum, count) => sum + count, 0);
}

function figuresOf(
  { session, kind, workers, succeeded, wait, latency }: LoadAgent,
  busyTimeOfAll: number,
): AgentFigures {
  const { agentId, weight, busyTime, timeWaited, refused } = session.sessionStats();
  return {
    ...{ agentId, kind, weight, workers, busyTime, timeWaited },
    share: share(busyTime, busyTimeOfAll),
    operations: succeeded,
    refused,
    wait: wait.summary(),
    latency: latency.summary(),
  };
}

function kindFigures(
  kind: AgentKind,
  ofKind: readonly AgentFigures[],
  agents: readonly LoadAgent[],
  busyTimeOfAll: number,
): KindFigures {
  const sum = (pick: (agent: AgentFigures) => number): number =>
    ofKind.reduce((total, agent) => total + pick(agent), 0);
  const busyTime = sum((agent) => agent.busyTime);
  const together = (pick: (agent: LoadAgent) => Histogram): HistogramSummary => {
    const all = new Histogram();
    for (const agent of agents) if (agent.kind === kind) all.add(pick(agent));
    return all.summary();
  };
  return {
    kind,
    agents: ofKind.length,
    workers: sum(({ workers }) => workers),
    busyTime,
    timeWaited: sum(({ timeWaited }) => timeWaited),
    share: share(busyTime, busyTimeOfAll),
    operations: sum(({ operations }) => operations),
    refused: sumOfRefusals(ofKind),
    wait: together(({ wait }) => wait),
    latency: together(({ latency }) => latency),
  };
}

function share(busyTime: number, ofAll: number): number {
  return ofAll === 0 ? 0 : (100 * busyTime) / ofAll;
}

function sumOfRefusals(agents: readonly Pick<AgentFigures, 'refused'>[]): Refusals {
  const sum: { -readonly [Limit in keyof Refusals]: Refusals[Limit] } = {};
  for (const { refused } of agents) {
    for (const [limit, count] of Object.entries(refused) as [keyof Refusals, number][]) {
      sum[limit] = (sum[limit] ?? 0) + count;
    }
  }
  return sum;
}

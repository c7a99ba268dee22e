import type { SessionStatistics } from '../agents/session-statistics.js';
import type { SessionsStatistics } from '../agents/sessions.js';

/** What one agent has, or all that are not named together. */
export interface TenantFigures {
  /** The id of the agent; `other` for all that are not named. */
  readonly tenant: string;
  readonly connections: number;
  readonly waiting: number;
  readonly operations: number;
  /** In milliseconds. */
  readonly busyTime: number;
  readonly refusals: number;
}

/** The name of all agents that are not named; an agent of that id is counted with them. */
export const otherTenants = 'other';

/** What only grows. */
interface Counts {
  operations: number;
  busyTime: number;
  refusals: number;
}

/** An agent takes the place of a named one only when it was busy this many times as long: else two would take turns. */
const clearlyBusier = 2;

const series = new WeakMap<object, Map<number, TenantSeries>>();

/** The agents of a pool that are shown by name, and the rest as one. What was counted so far is kept for the pool. */
export function tenantsOf(pool: object, sessions: SessionsStatistics, most: number): readonly TenantFigures[] {
  const ofPool = series.get(pool) ?? new Map<number, TenantSeries>();
  series.set(pool, ofPool);
  const tenants = ofPool.get(most) ?? new TenantSeries(most);
  ofPool.set(most, tenants);
  return tenants.read(sessions);
}

/**
 * Few series for any number of agents. The busiest are named; each count of a named one begins at 0 when it gets its name, and
 * what it did before stays with the others. So no series ever falls, or jumps because an agent changed its place, and a rate
 * over any of them is true. A series ends when a much busier agent needs its place.
 */
export class TenantSeries {
  readonly #most: number;
  readonly #named = new Map<string, Counts>();
  /** What each open session of a named agent had used at the last reading. */
  readonly #seen = new Map<string, Counts>();
  /** What was counted in series that have ended. */
  readonly #ended: Counts = noCounts();
  /** What was shown last for those that are not named. */
  #others: Counts = noCounts();

  /** @param most how many agents are named; 1 or more */
  constructor(most: number) {
    this.#most = most;
  }

  read({ sessions, totals, refused }: Pick<SessionsStatistics, 'sessions' | 'totals' | 'refused'>): TenantFigures[] {
    const roots = sessions.filter(({ parentId }) => parentId === undefined);
    const byAgent = byAgentId(roots);
    byAgent.delete(otherTenants);
    this.#chooseNames(byAgent);
    this.#countNew(byAgent);
    const figures: TenantFigures[] = [];
    const left = {
      ...countsOf(totals, refused),
      connections: totals.activeConnections,
      waiting: sum(roots, 'waiting'),
    };
    subtract(left, this.#ended);
    for (const [tenant, counts] of this.#named) {
      const open = byAgent.get(tenant) ?? [];
      const present = { connections: sum(open, 'activeConnections'), waiting: sum(open, 'waiting') };
      figures.push({ tenant, ...present, ...counts });
      subtract(left, counts);
      left.connections -= present.connections;
      left.waiting -= present.waiting;
    }
    // What was shown stays counted: calls that never ran are given back, and sums of times differ by rounding.
    this.#others = highest(this.#others, left);
    figures.push({ tenant: otherTenants, ...left, ...this.#others });
    return figures;
  }

  #chooseNames(byAgent: ReadonlyMap<string, readonly SessionStatistics[]>): void {
    const busy = (agent: string): number => sum(byAgent.get(agent) ?? [], 'busyTime');
    const candidates = [...byAgent.keys()].filter((agent) => !this.#named.has(agent));
    candidates.sort((a, b) => busy(b) - busy(a));
    for (const agent of candidates) {
      if (this.#named.size >= this.#most) {
        const least = [...this.#named.keys()].reduce((a, b) => (busy(b) < busy(a) ? b : a));
        const isGone = !byAgent.has(least);
        if (!isGone && busy(agent) <= clearlyBusier * busy(least)) break;
        this.#endSeries(least);
      }
      this.#named.set(agent, noCounts());
      for (const session of byAgent.get(agent) ?? []) this.#seen.set(session.sessionId, usedBy(session));
    }
  }

  #endSeries(agent: string): void {
    add(this.#ended, this.#named.get(agent) ?? noCounts());
    this.#named.delete(agent);
  }

  #countNew(byAgent: ReadonlyMap<string, readonly SessionStatistics[]>): void {
    const open = new Map<string, Counts>();
    for (const [agent, counts] of this.#named) {
      for (const session of byAgent.get(agent) ?? []) {
        const seen = this.#seen.get(session.sessionId) ?? noCounts();
        // Operations that never ran are given back, which would make a series fall; the next ones count once they pass it.
        const used = highest(seen, usedBy(session));
        open.set(session.sessionId, used);
        // The difference first: a series falls, too, by what a sum of times is rounded.
        const fresh = { ...used };
        subtract(fresh, seen);
        add(counts, fresh);
      }
    }
    this.#seen.clear();
    for (const [session, used] of open) this.#seen.set(session, used);
  }
}

function noCounts(): Counts {
  return { operations: 0, busyTime: 0, refusals: 0 };
}

function countsOf(
  { totalOperations, busyTime }: SessionsStatistics['totals'],
  refused: SessionStatistics['refused'],
): Counts {
  return { operations: totalOperations, busyTime, refusals: Object.values(refused).reduce((all, one) => all + one, 0) };
}

function usedBy(session: SessionStatistics): Counts {
  return countsOf(session, session.refused);
}

function highest(one: Counts, other: Counts): Counts {
  return {
    operations: Math.max(one.operations, other.operations),
    busyTime: Math.max(one.busyTime, other.busyTime),
    refusals: Math.max(one.refusals, other.refusals),
  };
}

function add(counts: Counts, more: Counts): void {
  counts.operations += more.operations;
  counts.busyTime += more.busyTime;
  counts.refusals += more.refusals;
}

function subtract(counts: Counts, less: Counts): void {
  counts.operations -= less.operations;
  counts.busyTime -= less.busyTime;
  counts.refusals -= less.refusals;
}

function sum(sessions: readonly SessionStatistics[], name: 'activeConnections' | 'waiting' | 'busyTime'): number {
  return sessions.reduce((all, session) => all + session[name], 0);
}

function byAgentId(sessions: readonly SessionStatistics[]): Map<string, SessionStatistics[]> {
  const groups = new Map<string, SessionStatistics[]>();
  for (const session of sessions) {
    const group = groups.get(session.agentId) ?? [];
    group.push(session);
    groups.set(session.agentId, group);
  }
  return groups;
}

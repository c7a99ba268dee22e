import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SessionStatistics } from '../../src/agents/session-statistics.js';
import { otherTenants, type TenantFigures, TenantSeries } from '../../src/metrics/tenants.js';

type Sessions = Parameters<TenantSeries['read']>[0];

const counters = ['operations', 'busyTime', 'refusals'] as const;

/** A session as far as the series read it. */
interface Session {
  readonly agentId: string;
  readonly sessionId: string;
  readonly parent: Session | undefined;
  operations: number;
  busyTime: number;
  refusals: number;
  /** Operations that were admitted and may be given back. */
  pending: number;
  waiting: number;
  activeConnections: number;
}

/** Agents of a pool that come, work and go: what is used counts for the session, its parents, and the whole. */
class World {
  readonly total = { operations: 0, busyTime: 0, refusals: 0, given: 0 };
  readonly open: Session[] = [];
  #made = 0;

  make(agentId: string, parent: Session | undefined): void {
    const sessionId = `s${++this.#made}`;
    const nothing = { operations: 0, busyTime: 0, refusals: 0, pending: 0, waiting: 0, activeConnections: 0 };
    this.open.push({ agentId, sessionId, parent, ...nothing });
  }

  work(session: Session, operations: number, busyTime: number, refusals: number): void {
    this.#count(session, { operations, busyTime, refusals, pending: operations });
  }

  /** Calls that were admitted never ran. */
  giveBack(session: Session, most: number): void {
    const operations = Math.min(most, session.pending);
    this.total.given += operations;
    this.#count(session, { operations: -operations, busyTime: 0, refusals: 0, pending: -operations });
  }

  close(session: Session): void {
    const closed = this.open.filter((one) => one === session || one.parent === session);
    for (const one of closed) this.open.splice(this.open.indexOf(one), 1);
  }

  #count(session: Session, more: Pick<Session, (typeof counters)[number] | 'pending'>): void {
    for (let one: Session | undefined = session; one !== undefined; one = one.parent) {
      for (const name of counters) one[name] += more[name];
    }
    session.pending += more.pending;
    for (const name of counters) this.total[name] += more[name];
  }

  get statistics(): Sessions {
    const active = this.open.filter(({ parent }) => parent === undefined);
    return {
      sessions: this.open.map(
        ({ agentId, sessionId, parent, operations, busyTime, refusals, waiting, activeConnections }) =>
          ({
            ...{ agentId, sessionId, parentId: parent?.sessionId, waiting, activeConnections, busyTime },
            totalOperations: operations,
            refused: { maxOperations: refusals },
          }) as unknown as SessionStatistics,
      ),
      totals: {
        totalOperations: this.total.operations,
        busyTime: this.total.busyTime,
        activeConnections: active.reduce((sum, one) => sum + one.activeConnections, 0),
      } as Sessions['totals'],
      refused: { maxRows: this.total.refusals },
    };
  }
}

const sum = (figures: readonly TenantFigures[], name: keyof TenantFigures): number =>
  figures.reduce((all, figure) => all + Number(figure[name]), 0);

/** Watches readings as Prometheus does: by series. */
class Watcher {
  readonly last = new Map<string, TenantFigures>();
  /** What series had when they ended. */
  readonly ended = { operations: 0, busyTime: 0, refusals: 0 };

  see(figures: readonly TenantFigures[]): void {
    for (const figure of figures) {
      const before = this.last.get(figure.tenant);
      for (const name of counters) {
        expect(figure[name], `${name} of ${figure.tenant}`).toBeGreaterThanOrEqual(before?.[name] ?? 0);
      }
    }
    const present = new Set(figures.map(({ tenant }) => tenant));
    expect(present.size).toBe(figures.length);
    for (const [tenant, figure] of this.last) {
      if (present.has(tenant)) continue;
      for (const name of counters) this.ended[name] += figure[name];
      this.last.delete(tenant);
    }
    for (const figure of figures) this.last.set(figure.tenant, figure);
  }
}

type Step = readonly [kind: 'make' | 'child' | 'work' | 'close' | 'give back' | 'read', one: number, other: number];

const steps = fc.array(
  fc.tuple(
    fc.constantFrom<Step[0]>('make', 'child', 'work', 'work', 'work', 'close', 'give back', 'read', 'read'),
    fc.nat(1_000),
    fc.nat(50),
  ),
  { maxLength: 120 },
);

function play(world: World, [kind, one, other]: Step): void {
  const session = world.open[one % Math.max(1, world.open.length)];
  if (kind === 'make') world.make(other % 13 === 0 ? otherTenants : `agent-${other % 12}`, undefined);
  if (session === undefined) return;
  if (kind === 'child') world.make(`child-${other % 3}`, session.parent ?? session);
  if (kind === 'work') {
    world.work(session, other, (one * other) / 7, other % 5);
    session.waiting = one % 4;
    session.activeConnections = session.waiting + (other % 3);
  }
  if (kind === 'give back') world.giveBack(session, other);
  if (kind === 'close') world.close(session);
}

describe('the series of tenants', () => {
  test('name the busiest, and no more than asked for', () => {
    const world = new World();
    for (let index = 0; index < 10; index++) {
      world.make(`agent-${index}`, undefined);
      world.work(world.open[index] as Session, 1, index, 0);
    }
    const named = new TenantSeries(3).read(world.statistics).map(({ tenant }) => tenant);
    expect(named.toSorted()).toEqual(['agent-7', 'agent-8', 'agent-9', otherTenants]);
  });

  test('never fall and lose nothing, whoever comes and goes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), steps, (most, script) => {
        const world = new World();
        const series = new TenantSeries(most);
        const watcher = new Watcher();
        for (const step of [...script, ['read', 0, 0] as const]) {
          play(world, step);
          if (step[0] !== 'read') continue;
          const figures = series.read(world.statistics);
          expect(figures.length).toBeLessThanOrEqual(most + 1);
          watcher.see(figures);
          const roots = world.open.filter(({ parent }) => parent === undefined);
          expect(sum(figures, 'waiting')).toBe(roots.reduce((all, one) => all + one.waiting, 0));
          expect(sum(figures, 'connections')).toBe(roots.reduce((all, one) => all + one.activeConnections, 0));
          for (const name of ['busyTime', 'refusals'] as const) {
            expect(sum(figures, name) + watcher.ended[name]).toBeCloseTo(world.total[name], 5);
          }
          // What was read before it was given back stays counted, until as much was used anew.
          const operations = sum(figures, 'operations') + watcher.ended.operations;
          expect(operations).toBeGreaterThanOrEqual(world.total.operations);
          expect(operations).toBeLessThanOrEqual(world.total.operations + world.total.given);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

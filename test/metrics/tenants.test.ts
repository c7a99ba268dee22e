import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SessionStatistics } from '../../src/agents/session-statistics.js';
import { TenantSeries } from '../../src/metrics/tenants.js';

interface Used {
  readonly session: string;
  readonly agentId: string;
  operations: number;
  busyTime: number;
  refusals: number;
}

/** Sessions as the pool counts them: what closed ones had used stays in the sums. */
class Book {
  readonly open = new Map<string, Used>();
  #created = 0;
  readonly #all: Used[] = [];

  begin(agentId: string): void {
    const used = { session: `s${++this.#created}`, agentId, operations: 0, busyTime: 0, refusals: 0 };
    this.open.set(used.session, used);
    this.#all.push(used);
  }

  get read(): Parameters<TenantSeries['read']>[0] {
    const sum = (name: 'operations' | 'busyTime' | 'refusals') => this.#all.reduce((all, used) => all + used[name], 0);
    const sessions = [...this.open.values()].map(({ session, agentId, operations, busyTime, refusals }) => ({
      ...{ sessionId: session, agentId, parentId: undefined, totalOperations: operations, busyTime },
      refused: { maxRows: refusals },
      ...{ activeConnections: 1, waiting: 2 },
    }));
    return {
      sessions: sessions as unknown as SessionStatistics[],
      totals: {
        totalOperations: sum('operations'),
        busyTime: sum('busyTime'),
        activeConnections: sessions.length,
      } as Parameters<TenantSeries['read']>[0]['totals'],
      refused: { maxRows: sum('refusals') },
    };
  }
}

describe('the series of tenants', () => {
  test('name the busiest, and sum up the others', () => {
    const book = new Book();
    for (const agent of ['a', 'b', 'c']) book.begin(agent);
    const [a, b, c] = [...book.open.values()] as [Used, Used, Used];
    a.busyTime = 10;
    b.busyTime = 100;
    c.busyTime = 50;
    const series = new TenantSeries(2);
    expect(series.read(book.read).map(({ tenant }) => tenant)).toEqual(['b', 'c', 'other']);
    b.operations += 5;
    a.operations += 7;
    expect(series.read(book.read)).toMatchObject([
      { tenant: 'b', operations: 5, connections: 1, waiting: 2 },
      { tenant: 'c', operations: 0 },
      { tenant: 'other', operations: 7, connections: 1, waiting: 2, busyTime: 160 },
    ]);
  });

  test('keep the name of an agent whose sessions come and go', () => {
    const book = new Book();
    book.begin('a');
    const series = new TenantSeries(1);
    series.read(book.read);
    for (const used of book.open.values()) used.operations = 3;
    series.read(book.read);
    book.open.clear();
    expect(series.read(book.read)).toMatchObject([{ tenant: 'a', operations: 3, connections: 0 }, { tenant: 'other' }]);
    book.begin('a');
    for (const used of book.open.values()) used.operations = 2;
    expect(series.read(book.read)).toMatchObject([{ tenant: 'a', operations: 5 }, { operations: 0 }]);
  });

  test('never fall, and together are all that was counted, less what ended series had', () => {
    const step = fc.record({
      what: fc.constantFrom('begin', 'use', 'use', 'use', 'end', 'read', 'read'),
      which: fc.nat(7),
      much: fc.nat(50),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (steps, most) => {
        const book = new Book();
        const series = new TenantSeries(most);
        let before = new Map<string, number>();
        for (const { what, which, much } of [...steps, { what: 'read', which: 0, much: 0 }]) {
          const sessions = [...book.open.values()];
          const session = sessions[which % Math.max(1, sessions.length)];
          // One is called as the sum of the others.
          if (what === 'begin') book.begin(which === 7 ? 'other' : `agent ${which}`);
          else if (what === 'end' && session) book.open.delete(session.session);
          else if (what === 'use' && session) {
            session.operations += much;
            session.busyTime += much * 2;
            session.refusals += 1;
          } else if (what === 'read') {
            const reading = book.read;
            const figures = series.read(reading);
            const names = figures.map(({ tenant }) => tenant);
            expect(new Set(names).size).toBe(names.length);
            expect(names.length).toBeLessThanOrEqual(most + 1);
            for (const { tenant, operations, connections } of figures) {
              expect(operations).toBeGreaterThanOrEqual(before.get(tenant) ?? 0);
              expect(connections).toBeGreaterThanOrEqual(0);
            }
            const sum = (name: 'operations' | 'connections') => figures.reduce((all, one) => all + one[name], 0);
            expect(sum('operations')).toBeLessThanOrEqual(reading.totals.totalOperations);
            expect(sum('connections')).toBe(reading.totals.activeConnections);
            before = new Map(figures.map(({ tenant, operations }) => [tenant, operations]));
          }
        }
      }),
    );
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LoadBalancing, Target } from '../../src/config/endpoint-options.js';
import { UsageError } from '../../src/errors/configuration.js';
import type { PoolEndpoints } from '../../src/pool/contract.js';
import type { Lease } from '../../src/pool/lease.js';
import type { Pool } from '../../src/pool/pool.js';
import type { Behaviour, FakeResource, FakeResources } from './fake-resources.js';
import type { VirtualClock } from './virtual-clock.js';

/** What happens to the list of endpoints, or to one of them. Numbers are taken modulo what there is to choose from. */
export interface EndpointCommand {
  readonly do: 'endpoint';
  readonly how: 'add' | 'drain' | 'remove' | 'replace' | 'rebalance' | 'lose' | 'work' | 'break';
  readonly which: number;
  /** For a removal: when its leases are ended, in milliseconds. */
  readonly within: number | undefined;
}

/** The endpoints of a pool with several. */
export interface Places {
  readonly loadBalancing: LoadBalancing;
  /** What steps do at each, one after the other, over and over. */
  readonly behaviours: readonly (readonly Behaviour[])[];
  readonly rebalanceInterval: number;
  readonly slowStart: number;
  readonly panicBelow: number;
}

/** The addresses there may be; a pool begins with the first ones. */
const most = 6;
const urlOf = (number: number): string => `p${number % most}`;

export const endpointCommands: fc.Arbitrary<readonly { readonly at: number; readonly command: EndpointCommand }[]> =
  fc.array(
    fc.record({
      at: fc.nat(160),
      command: fc.record({
        do: fc.constant('endpoint' as const),
        how: fc.constantFrom(
          ...(['add', 'drain', 'remove', 'replace', 'rebalance', 'lose', 'lose', 'work', 'break'] as const),
        ),
        which: fc.nat(63),
        within: fc.constantFrom(undefined, 0, 50, 2000),
      }),
    }),
    { maxLength: 24, size: 'max' },
  );

const behaviours: fc.Arbitrary<readonly Behaviour[]> = fc.oneof(
  fc.constant<Behaviour[]>(['ok']),
  fc.constantFrom<Behaviour[]>(['fail'], ['never'], ['fatal'], ['slow'], ['leaving'], ['busy']),
  fc.array(
    fc.constantFrom<Behaviour>('ok', 'ok', 'ok', 'ok', 'slow', 'slow', 'fail', 'fatal', 'never', 'leaving', 'busy'),
    { minLength: 1, maxLength: 12 },
  ),
);

/** Undefined, half of the time: one endpoint. */
export const places: fc.Arbitrary<Places | undefined> = fc.option(
  fc.record({
    loadBalancing: fc.constantFrom<LoadBalancing>(
      ...(['round-robin', 'least-connections', 'random', 'health-based', 'latency'] as const),
    ),
    behaviours: fc.array(behaviours, { minLength: 2, maxLength: 4 }),
    rebalanceInterval: fc.constantFrom(0, 1000, 5000),
    slowStart: fc.constantFrom(0, 5000),
    panicBelow: fc.constantFrom(0, 0.5, 1),
  }),
  { nil: undefined, freq: 2 },
);

/** The promised bound, in milliseconds, for a caller who could be served by a well endpoint all the time. */
const longestWait = 8000;

interface PatientCall {
  readonly acquire: number;
}

/** Keeps books beside a pool with several endpoints. */
export class EndpointBooks {
  readonly #places: Places;
  readonly #turns = new Map<string, number>();
  /** Those that a command made work, or not, from then on. */
  readonly #fixed = new Map<string, Behaviour>();
  readonly #removals: { done: boolean }[] = [];
  /** Since when each caller could have been served. */
  #servable = new Map<number, number>();

  constructor(places: Places) {
    this.#places = places;
  }

  get poolEndpoints(): PoolEndpoints {
    const { loadBalancing, behaviours, rebalanceInterval, slowStart, panicBelow } = this.#places;
    return {
      loadBalancing,
      targets: behaviours.map((_, number) => targetOf(number)),
      balancing: { zone: undefined, spillOver: 0.7, panicBelow, slowStart, rebalanceInterval, tolerance: 0.2 },
    };
  }

  behave(url: string): Behaviour {
    const fixed = this.#fixed.get(url);
    if (fixed !== undefined) return fixed;
    const { behaviours } = this.#places;
    const turn = this.#turns.get(url) ?? 0;
    this.#turns.set(url, turn + 1);
    const there = behaviours[Number(url.slice(1)) % behaviours.length] ?? ['ok'];
    return there[turn % there.length] ?? 'ok';
  }

  run({ how, which, within }: EndpointCommand, pool: Pool<FakeResource>, factory: FakeResources): void {
    const url = urlOf(which);
    switch (how) {
      case 'add':
        pool.endpoints.add(targetOf(which));
        break;
      case 'drain':
        refusable(() => pool.endpoints.drain(url));
        break;
      case 'remove':
        refusable(() => {
          const removal = { done: false };
          const removed = pool.endpoints.remove(url, within);
          this.#removals.push(removal);
          removed.then(() => {
            removal.done = true;
          });
        });
        break;
      case 'replace':
        pool.endpoints.replace(
          Array.from({ length: most }, (_, number) => number)
            .filter((number) => (which >> number) & 1)
            .map(targetOf),
        );
        break;
      case 'rebalance':
        pool.endpoints.rebalance();
        break;
      case 'lose':
        for (const resource of factory.all) {
          if (resource.url === url && !resource.dead && resource.closeCalls === 0) {
            resource.die(new Error('the server was killed'));
          }
        }
        break;
      case 'work':
        this.#fixed.set(url, 'ok');
        break;
      case 'break':
        this.#fixed.set(url, (['fail', 'never', 'busy', 'leaving'] as const)[which % 4] ?? 'fail');
        break;
    }
  }

  check(
    clock: VirtualClock,
    pool: Pool<FakeResource>,
    factory: FakeResources,
    leases: readonly Lease<FakeResource>[],
    openings: ReadonlyMap<string, number>,
    waiting: readonly PatientCall[],
  ): void {
    const { endpoints } = pool;
    const { state, total, maxConnections, opening, closing } = pool.statistics();
    const reports = endpoints.reports;
    const active = leases.filter((lease) => lease.active);
    const held = new Set(active.map(({ resource }) => resource));
    for (const { url, state: standing, ...report } of reports) {
      const there = factory.all.filter((one) => one.url === url && one.closeCalls === 0);
      assert.equal(report.connections, there.length, `the connections of ${url} are counted`);
      assert.equal(report.opening, openings.get(url) ?? 0, `the openings of ${url} are counted`);
      const inUse = active.filter(({ resource }) => resource.url === url).length;
      assert.equal(report.inUse, inUse, `the leases of ${url} are counted`);
      const idle = there.filter((one) => !held.has(one) && (factory.busy.get(one) ?? 0) === 0);
      const lends = standing === 'well' || standing === 'doubtful';
      assert.ok(state !== 'running' || lends || idle.length === 0, `nothing is idle at ${url}, which is ${standing}`);
    }
    for (const resource of factory.all) {
      if (resource.closeCalls > 0) continue;
      assert.ok(
        reports.some(({ url }) => url === resource.url),
        'nothing is open at an endpoint that left',
      );
    }
    const staying = reports.filter((report) => report.state !== 'draining');
    assert.equal(staying.length, endpoints.targets.length, 'those that stay get work');
    assert.ok(staying.length > 0, 'one endpoint stays');
    assert.ok(
      staying.some((report) => report.state !== 'out'),
      'at most all but one are out',
    );
    const shares = staying.reduce((sum, { share }) => sum + share, 0);
    assert.ok(Math.abs(shares - 1) < 1e-9, 'the shares are the whole');

    const works = staying.some(
      ({ url, state: standing, share }) =>
        standing === 'well' && share > 0 && this.#alwaysWorks(url) && (openings.get(url) ?? 0) === 0,
    );
    const hasRoom = state === 'running' && works && total < maxConnections && closing + opening <= maxConnections;
    const servable = new Map<number, number>();
    if (hasRoom) {
      for (const { acquire } of waiting) {
        const since = this.#servable.get(acquire) ?? clock.now();
        servable.set(acquire, since);
        assert.ok(clock.now() - since <= longestWait, 'no caller waits for long while a well endpoint could serve');
      }
    }
    this.#servable = servable;
  }

  /** Whether this endpoint works, whatever the others do, and is not kept by its operator from working. */
  #alwaysWorks(url: string): boolean {
    const { behaviours } = this.#places;
    const there = this.#fixed.get(url) ?? behaviours[Number(url.slice(1)) % behaviours.length];
    return there === 'ok' || (Array.isArray(there) && there.every((behaviour) => behaviour === 'ok'));
  }

  /** Whether one that works is among those that stay. */
  servesSomewhere(pool: Pool<FakeResource>): boolean {
    return pool.endpoints.targets.some(({ url }) => this.#alwaysWorks(url) && !this.#fixed.has(url));
  }

  end(): void {
    assert.ok(
      this.#removals.every(({ done }) => done),
      'every removal ends',
    );
  }
}

function targetOf(number: number): Target {
  return { url: urlOf(number), weight: 1 + (number % 2), zone: undefined, priority: number % most === 5 ? 1 : 0 };
}

/** The last endpoint, and one that is not there, cannot be taken away. */
function refusable(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
}

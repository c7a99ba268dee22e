import type { LoadBalancing, Target } from '../../src/config/endpoint-options.js';
import type { EndpointSettings } from '../../src/endpoints/endpoint-state.js';
import type { PoolBalancing, PoolSettings } from '../../src/pool/contract.js';
import type { EndpointReport } from '../../src/pool/endpoint-report.js';
import type { PoolEvents } from '../../src/pool/events.js';
import type { Lease } from '../../src/pool/lease.js';
import { oneEndpoint } from '../../src/pool/one-endpoint.js';
import { type Behaviour, type FakeResource, type FakeResources, LeavingError, type Step } from './fake-resources.js';
import { makePool, type PoolUnderTest, poolUnderTest } from './pool-under-test.js';

/** Nothing is moved and no share grows, so that a test turns on only what it is about. */
export const plainBalancing: PoolBalancing = oneEndpoint.balancing;

/** As a pool has them that was not told otherwise, with pauses that are not drawn. */
export const usualEndpoint: EndpointSettings = {
  failureThreshold: 3,
  probeInterval: 1000,
  idleProbeInterval: 4000,
  backoff: (failures) => Math.min(50 * 2 ** failures, 3000),
};

export function targetAt(url: string, values: Partial<Target> = {}): Target {
  return { url, weight: 1, zone: undefined, priority: 0, ...values };
}

export interface ManyOptions extends Partial<EndpointSettings> {
  readonly settings?: Partial<PoolSettings>;
  readonly balancing?: Partial<PoolBalancing>;
  readonly loadBalancing?: LoadBalancing;
  readonly random?: () => number;
}

type Answers = Partial<Record<Step, Behaviour>>;

/** A pool of fake resources at several endpoints, each of which behaves as the test says. */
export interface Many extends PoolUnderTest {
  /** From now on, steps at this endpoint do this; those not named end at once. */
  at(url: string, answers: Answers): void;
  /** What the pool says of an endpoint. */
  report(url: string): EndpointReport;
  /** The standing of each endpoint, in order. */
  readonly standings: string;
  /** How many connections there are, or are being opened, at each endpoint, in order. */
  readonly spread: readonly number[];
  /** How often the pool tried to open one at this endpoint. */
  tried(url: string): number;
  /** The open ones at an endpoint. */
  openAt(url: string): FakeResource[];
  /** All connections of an endpoint are lost. */
  lose(url: string): void;
  /** What was told of the standing of endpoints, as `a: well → out`. */
  readonly changes: readonly string[];
}

export function many(endpoints: readonly (string | Target)[], options: ManyOptions = {}): Many {
  return surround(endpoints, options, poolUnderTest);
}

/** The same for a test that makes many of them, and looks after each itself. */
export function makeMany(endpoints: readonly (string | Target)[], options: ManyOptions = {}): Many {
  return surround(endpoints, options, makePool);
}

function surround(
  endpoints: readonly (string | Target)[],
  { settings, balancing, loadBalancing = 'round-robin', random, ...endpoint }: ManyOptions,
  make: typeof makePool,
): Many {
  const targets = endpoints.map((one) => (typeof one === 'string' ? targetAt(one) : one));
  const given = { targets, loadBalancing, balancing: { ...plainBalancing, ...balancing } };
  const world = make(
    { maxConnections: 10, ...settings },
    { ...usualEndpoint, ...endpoint, endpoints: given, ...(random && { random }) },
  );
  const { pool, resources } = world;
  const answers = new Map<string, Answers>();
  const tries = new Map<string, number>();
  resources.behave = (step, url) => {
    if (step === 'open') tries.set(url, (tries.get(url) ?? 0) + 1);
    return answers.get(url)?.[step] ?? 'ok';
  };
  const changes: string[] = [];
  pool.events.subscribe('endpointChanged', ({ endpoint: url, state, before }: PoolEvents['endpointChanged']) => {
    changes.push(`${url}: ${before} → ${state}`);
  });
  const openAt = (url: string): FakeResource[] => openOf(resources).filter((one) => one.url === url);
  return {
    ...world,
    changes,
    openAt,
    at: (url, given) => void answers.set(url, given),
    report(url) {
      const found = pool.endpoints.reports.find((one) => one.url === url);
      if (found === undefined) throw new Error(`the pool has no endpoint ${url}`);
      return found;
    },
    get standings() {
      return pool.endpoints.reports.map(({ state }) => state).join(' ');
    },
    get spread() {
      return pool.endpoints.reports.map(({ connections, opening }) => connections + opening);
    },
    tried: (url) => tries.get(url) ?? 0,
    lose(url) {
      for (const one of openAt(url)) one.die(new Error('the socket was closed'));
    },
  };
}

/** Those that the pool has and has not begun to close. */
function openOf(resources: FakeResources): FakeResource[] {
  return resources.all.filter(({ closeCalls, dead }) => closeCalls === 0 && !dead);
}

/** Where a lease is. */
export function placeOf(lease: Lease<FakeResource>): string {
  return lease.resource.url;
}

/** How often each address occurs among leases. */
export function placesOf(leases: readonly Lease<FakeResource>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const lease of leases) counts[placeOf(lease)] = (counts[placeOf(lease)] ?? 0) + 1;
  return counts;
}

export { LeavingError };

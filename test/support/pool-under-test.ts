import { expect, onTestFinished } from 'vitest';
import type { EndpointSettings } from '../../src/endpoints/endpoint-state.js';
import type { PoolSettings, PoolSurroundings } from '../../src/pool/contract.js';
import type { PoolEvents } from '../../src/pool/events.js';
import type { Identity } from '../../src/pool/identity-group.js';
import type { Lease } from '../../src/pool/lease.js';
import { Pool } from '../../src/pool/pool.js';
import { type Behaviour, type FakeResource, FakeResources, type Step } from './fake-resources.js';
import { settled, VirtualClock } from './virtual-clock.js';

/** Everything that retires or probes a connection is off, so that a test turns on only what it is about. */
const plainSettings: PoolSettings = {
  minConnections: 0,
  maxConnections: 2,
  maxConnecting: 8,
  maxWaiters: Number.POSITIVE_INFINITY,
  loadShedding: { target: 0, interval: 2000 },
  connectionTimeout: 10_000,
  openTimeout: 500,
  probeTimeout: 100,
  resetTimeout: 200,
  closeTimeout: 300,
  idleTimeout: 0,
  maxLifetime: 0,
  recycleAfterUses: 0,
  validateOnCheckout: false,
  leakDetectionThreshold: 0,
  idleLeaseThreshold: 0,
  healthCheckInterval: 0,
  unhealthyThreshold: 3,
  validationInterval: 0,
  warmConnections: false,
  batching: 'always',
};

/** Settings under which every connection is probed each time before it is lent. */
export const alwaysProbed = { validateOnCheckout: true, validationInterval: 0 } as const;

export interface PoolUnderTest {
  readonly pool: Pool<FakeResource>;
  readonly clock: VirtualClock;
  readonly resources: FakeResources;
}

type Chosen = Partial<Pick<PoolSurroundings<FakeResource, Identity>, 'random' | 'endpoints'> & EndpointSettings>;

/** Only the backoff spaces attempts, unless a test says otherwise. */
const plainEndpoint: EndpointSettings = {
  failureThreshold: 0,
  probeInterval: 600_000,
  idleProbeInterval: 600_000,
  backoff: () => 100,
};

/**
 * A pool of fake resources under a virtual clock. However its test ends, it is shut down afterwards and must leave
 * nothing behind.
 */
export function poolUnderTest(settings: Partial<PoolSettings> = {}, surroundings: Chosen = {}): PoolUnderTest {
  const world = makePool(settings, surroundings);
  onTestFinished(() => expectNothingIsLeft(world));
  return world;
}

/** The same for a test that makes many of them, and looks after each itself. */
export function makePool(
  settings: Partial<PoolSettings> = {},
  { random = () => 0.5, endpoints, ...endpoint }: Chosen = {},
): PoolUnderTest {
  const clock = new VirtualClock();
  const resources = new FakeResources();
  const pool = new Pool(endingEndlessLoops({ ...plainSettings, ...settings }, clock), {
    name: 'test',
    factory: resources,
    home: { key: 'home' },
    clock,
    random,
    breaker: { ...plainEndpoint, ...endpoint },
    endpoints,
  });
  return { pool, clock, resources };
}

/**
 * A pool that turns in circles would hang the whole run, and not even say where. It reads its settings at every turn:
 * after far too many of them in one and the same moment, they stop answering.
 */
export function endingEndlessLoops(settings: PoolSettings, clock: VirtualClock): PoolSettings {
  let moment = clock.now();
  let reads = 0;
  return new Proxy(settings, {
    get(target, name, receiver) {
      if (moment !== clock.now()) reads = 0;
      moment = clock.now();
      if (++reads > 100_000) throw new Error('the pool turns in circles');
      return Reflect.get(target, name, receiver);
    },
  });
}

/** Ends the pool: no slot is left, no waiter, no timer, and no resource that was not closed exactly once. */
export async function expectNothingIsLeft({ pool, clock, resources }: PoolUnderTest): Promise<void> {
  void pool.shutdown(0);
  await clock.advance(10_000);
  expectBalance(pool);
  const { state, total, closing, waiting } = pool.statistics();
  expect({ state, total, closing, waiting, timers: clock.pending }).toEqual({
    state: 'closed',
    total: 0,
    closing: 0,
    waiting: 0,
    timers: 0,
  });
  for (const { id, closeCalls } of resources.all) expect({ id, closeCalls }).toEqual({ id, closeCalls: 1 });
}

/** The two sums that hold at every instant. */
export function expectBalance(pool: Pool<FakeResource>): void {
  const { total, idle, leased, opening, validating, resetting, ...now } = pool.statistics();
  expect(total).toBe(idle + leased + opening + validating + resetting);
  expect(now.started).toBe(now.served + now.timedOut + now.aborted + now.refused + now.failed + now.waiting);
}

/** Every step ends at once, but for those named. */
export function behaving(exceptions: Partial<Record<Step, Behaviour>>): (step: Step) => Behaviour {
  return (step) => exceptions[step] ?? 'ok';
}

/** So many leases at once, each on a connection of its own. */
export function lent(pool: Pool<FakeResource>, count: number): Promise<Lease<FakeResource>[]> {
  return Promise.all(Array.from({ length: count }, () => pool.acquire()));
}

/** Opens so many connections and gives all of them back: now they are idle. */
export async function fill(pool: Pool<FakeResource>, count: number): Promise<void> {
  for (const lease of await lent(pool, count)) lease.release();
}

/** What became of a promise so far, to be read without waiting for it. */
export interface Watched<T> {
  readonly state: 'pending' | 'fulfilled' | 'rejected';
  readonly value: T | undefined;
  readonly error: unknown;
}

export function watch<T>(promise: Promise<T>): Watched<T> {
  const watched: { -readonly [Key in keyof Watched<T>]: Watched<T>[Key] } = {
    state: 'pending',
    value: undefined,
    error: undefined,
  };
  promise.then(
    (value) => Object.assign(watched, { state: 'fulfilled', value }),
    (error: unknown) => Object.assign(watched, { state: 'rejected', error }),
  );
  return watched;
}

/** The lease that an acquire was given; an error when it was not, or not yet. */
export function leaseOf(watched: Watched<Lease<FakeResource>>): Lease<FakeResource> {
  if (watched.value === undefined) throw new Error(`the acquire has no lease, it is ${watched.state}`);
  return watched.value;
}

/** Lets exactly so many turns of the microtask queue pass. */
export async function microtasks(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}

export const eventNames: readonly (keyof PoolEvents)[] = [
  'acquireStarted',
  'acquired',
  'acquireTimedOut',
  'acquireAborted',
  'acquireRefused',
  'acquireFailed',
  'released',
  'releasedTwice',
  'opening',
  'opened',
  'openFailed',
  'validated',
  'validationFailed',
  'reset',
  'resetFailed',
  'changed',
  'changeFailed',
  'healthChanged',
  'died',
  'closing',
  'closed',
  'paused',
  'resumed',
  'resized',
  'recycledAll',
  'gap',
  'leaseIdle',
  'shutdownStarted',
  'shutdownFinished',
];

/** One thing the pool told. */
export type Told = {
  [Name in keyof PoolEvents]: { readonly name: Name; readonly event: PoolEvents[Name] };
}[keyof PoolEvents];

/** Everything the pool tells from now on, in order. */
export function listen(pool: Pool<FakeResource>): Told[] {
  const told: Told[] = [];
  for (const name of eventNames) {
    pool.events.subscribe(name, (event) => told.push({ name, event } as Told));
  }
  return told;
}

export { type FakeResource, settled };

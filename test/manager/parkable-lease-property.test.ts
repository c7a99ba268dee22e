import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ParkableLease } from '../../src/calls/parkable-lease.js';
import { LeaseReleasedError } from '../../src/index.js';
import type { Lease } from '../../src/pool/lease.js';
import type { FakeResource } from '../support/fake-resources.js';
import { expectNothingIsLeft, makePool, type PoolUnderTest } from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

const seed = Number(process.env.PARKABLE_SEED ?? Math.trunc(Math.random() * 2 ** 31));

const connections = 2;
const idleAfter = 10;
const maxHold = 60;
/** A lease that could not be given back is looked at again within this. */
const nextLook = 100;

type Step =
  | { readonly kind: 'lease'; readonly limited: boolean }
  | {
      readonly kind: 'call';
      readonly which: number;
      readonly calls: number;
      readonly takes: number;
      readonly leaves: 'as it was' | 'dirty' | 'clean';
    }
  | { readonly kind: 'time'; readonly by: number }
  | { readonly kind: 'release' | 'abandon' | 'abort' | 'die'; readonly which: number }
  | { readonly kind: 'others'; readonly hold: number }
  | { readonly kind: 'shutdown'; readonly grace: number };

const which = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('lease' as const), limited: fc.boolean() }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      which,
      calls: fc.constantFrom(1, 1, 3),
      takes: fc.constantFrom(0, 1, 7, 40),
      leaves: fc.constantFrom('as it was' as const, 'as it was' as const, 'dirty' as const, 'clean' as const),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant('time' as const), by: fc.constantFrom(0, 1, 9, 10, 11, 60, 150) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('abandon' as const, 'abort' as const, 'die' as const), which }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('others' as const), hold: fc.constantFrom(0, 5, 120) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('shutdown' as const), grace: fc.constantFrom(0, 30, 1_000) }) },
);

/** A parkable lease, with what its holder knows of it. */
interface Holder {
  readonly lease: ParkableLease<FakeResource>;
  readonly limited: boolean;
  readonly controller: AbortController;
  calls: number;
  quietSince: number;
  /** How long it was seen with a connection, before and after: that it may have parked between is left out. */
  held: number;
  isOver: boolean;
  isDirty: boolean;
  wasParked: boolean;
}

class World {
  readonly #holders: Holder[] = [];
  readonly #pending = new Set<Promise<unknown>>();
  /** Who uses a connection right now, and whether it still may. */
  readonly #users = new Map<FakeResource, { readonly user: unknown; readonly lasts: () => boolean }>();
  readonly #under: PoolUnderTest;
  /** What went wrong inside calls, whose errors are not looked at. */
  readonly #faults: string[] = [];
  #isEnding = false;
  expired = 0;
  resumed = 0;
  answered = 0;

  constructor(under: PoolUnderTest) {
    this.#under = under;
  }

  async take(next: Step): Promise<void> {
    const { clock, pool } = this.#under;
    if (next.kind === 'time') return await this.#pass(next.by);
    if (next.kind === 'lease') this.#watch(this.#acquire(next.limited));
    else if (next.kind === 'others') this.#watch(this.#borrow(next.hold));
    else if (next.kind === 'shutdown') void pool.shutdown(next.grace);
    else if (this.#holders.length > 0) this.#touch(this.#holders[next.which % this.#holders.length] as Holder, next);
    await settled();
    this.#check(clock.now());
  }

  /** Everything is given back: each promise has settled by then, and nothing is left. */
  async end(): Promise<void> {
    this.#isEnding = true;
    for (const { lease } of this.#holders) lease.release();
    await this.#under.clock.advance(2_000);
    expect(this.#faults).toEqual([]);
    expect(this.#pending.size, 'promises that never settle').toBe(0);
    expect(this.#under.pool.statistics()).toMatchObject({ leased: 0, waiting: 0 });
    await expectNothingIsLeft(this.#under);
  }

  #watch(promise: Promise<unknown>): void {
    const watched = promise.finally(() => this.#pending.delete(watched));
    this.#pending.add(watched);
    watched.catch(() => {});
  }

  async #acquire(limited: boolean): Promise<void> {
    const { clock, pool } = this.#under;
    const controller = new AbortController();
    const acquire = (signal: AbortSignal): Promise<Lease<FakeResource>> => pool.acquire({ signal, timeout: 80 });
    const lease = new ParkableLease<FakeResource>(await acquire(controller.signal), undefined, {
      clock,
      rules: { maxHold: limited ? maxHold : 0, idleAfter, releases: true, reports: false },
      take: async (over) => {
        const taken = await acquire(AbortSignal.any([over, controller.signal]));
        this.resumed++;
        return taken;
      },
      onIdle: () => {},
      onExpired: () => {
        this.expired++;
      },
    });
    if (this.#isEnding) return lease.release();
    this.#holders.push({
      ...{ lease, limited, controller, calls: 0, quietSince: clock.now(), held: 0, isOver: false },
      ...{ isDirty: false, wasParked: false },
    });
  }

  /** Another caller of the pool, which uses what it is given all the time. */
  async #borrow(hold: number): Promise<void> {
    const lease = await this.#under.pool.acquire({ timeout: 80 });
    await this.#use(lease.resource, lease, hold, () => lease.active);
    lease.release();
  }

  #touch(holder: Holder, next: Extract<Step, { readonly which: number }>): void {
    const { lease, controller } = holder;
    if (next.kind === 'call') {
      for (let call = 0; call < next.calls; call++) this.#watch(this.#call(holder, next.takes, next.leaves));
    } else if (next.kind === 'abort') controller.abort(new Error('aborted'));
    else if (next.kind === 'die') lease.present?.die(new Error('died'));
    else {
      if (next.kind === 'release') lease.release();
      else lease.abandon()?.release();
      holder.isOver = true;
    }
  }

  async #call(holder: Holder, takes: number, leaves: string): Promise<void> {
    const { lease } = holder;
    holder.calls++;
    try {
      await lease.during(async () => {
        const { resource } = lease;
        const mayGoOn = (): boolean => lease.present === resource;
        await this.#use(resource, lease, takes, mayGoOn);
        if (lease.active && !mayGoOn()) this.#faults.push('the connection was given back during a call');
        if (leaves !== 'as it was' && mayGoOn()) {
          resource.dirty = leaves === 'dirty';
          holder.isDirty = resource.dirty;
        }
        this.answered++;
      });
    } finally {
      holder.calls--;
      holder.quietSince = this.#under.clock.now();
    }
  }

  /** @param lasts whether the lease of the user has not been ended from outside meanwhile */
  async #use(resource: FakeResource, user: unknown, takes: number, lasts: () => boolean): Promise<void> {
    const before = this.#users.get(resource);
    if (before?.lasts() === true && before.user !== user) this.#faults.push('two holders on one connection');
    if (resource.closed) this.#faults.push('a call on a closed connection');
    const use = { user, lasts };
    this.#users.set(resource, use);
    if (takes > 0) await new Promise<void>((resolve) => void this.#under.clock.timer(takes, true, resolve));
    // Calls of one lease may be under way beside each other, and end before this one.
    const now = this.#users.get(resource);
    if (lasts() && now !== undefined && now.user !== user) this.#faults.push('another holder has come');
    if (this.#users.get(resource) === use) this.#users.delete(resource);
  }

  async #pass(by: number): Promise<void> {
    for (let left = by; left > 0; left -= 5) {
      const some = Math.min(left, 5);
      const holding = this.#holders.filter(({ lease }) => lease.present !== undefined);
      await this.#under.clock.advance(some);
      for (const holder of holding) if (holder.lease.present !== undefined) holder.held += some;
      this.#check(this.#under.clock.now());
    }
  }

  #check(now: number): void {
    expect(this.#faults).toEqual([]);
    const present = this.#holders.flatMap(({ lease }) => lease.present ?? []);
    expect(new Set(present).size, 'two leases with one connection').toBe(present.length);
    expect(present.length).toBeLessThanOrEqual(this.#under.pool.statistics().leased);
    for (const holder of this.#holders) {
      const { lease, limited, calls, quietSince, held, isOver } = holder;
      if (lease.isParked && !holder.wasParked) {
        expect(now - quietSince, 'parked too early').toBeGreaterThanOrEqual(idleAfter);
        expect(holder.isDirty, 'parked with a changed session').toBe(false);
      }
      holder.wasParked = lease.isParked;
      if (isOver) expect([lease.present, lease.active, lease.isParked]).toEqual([undefined, false, false]);
      if (lease.isParked) expect(lease.present).toBeUndefined();
      const isAtRest = lease.present?.isAtRest === true && calls === 0;
      if (isAtRest) expect(now - quietSince, 'holds and is idle').toBeLessThan(idleAfter + nextLook);
      if (limited && lease.present !== undefined) expect(held, 'holds for too long').toBeLessThanOrEqual(maxHold + 5);
    }
  }
}

test(`parkable leases: one connection at most, none that another has, and nothing is left (PARKABLE_SEED=${seed})`, async () => {
  const seen = { expired: 0, resumed: 0, answered: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const world = new World(makePool({ maxConnections: connections }));
      for (const next of [{ kind: 'lease', limited: true } as const, ...steps]) await world.take(next);
      await world.end();
      for (const name of ['expired', 'resumed', 'answered'] as const) seen[name] += world[name];
    }),
    { seed, numRuns: 300 },
  );
  // Programs that only fail would show nothing.
  for (const [name, count] of Object.entries(seen)) expect(count, name).toBeGreaterThan(10);
});

test('a lease has no timer left once it is parked or has ended', async () => {
  const under = makePool({ maxConnections: connections });
  const { clock, pool } = under;
  const rules = { maxHold, idleAfter, releases: true, reports: false };
  const make = async (): Promise<ParkableLease<FakeResource>> =>
    new ParkableLease<FakeResource>(await pool.acquire(), undefined, {
      ...{ clock, rules, onIdle: () => {}, onExpired: () => {} },
      take: () => pool.acquire(),
    });
  (await pool.acquire()).release();
  const before = clock.pending;
  const released = await make();
  expect(clock.pending).toBe(before + 2);
  released.release();
  expect(clock.pending).toBe(before);
  const parks = await make();
  await clock.advance(idleAfter);
  expect([parks.isParked, clock.pending]).toEqual([true, before]);
  await parks.during(async () => {
    await clock.advance(maxHold);
  });
  expect([parks.active, clock.pending]).toEqual([false, before]);
  await make();
  void pool.shutdown(0);
  await clock.advance(maxHold);
  await expectNothingIsLeft(under);
});

test('a connection that comes after the release is given back', async () => {
  const under = makePool({ maxConnections: connections });
  const { clock, pool } = under;
  let give = (_lease: Lease<FakeResource>): void => {};
  const lease = new ParkableLease<FakeResource>(await pool.acquire(), undefined, {
    ...{ clock, onIdle: () => {}, onExpired: () => {} },
    rules: { maxHold: 0, idleAfter, releases: true, reports: false },
    take: () =>
      new Promise((resolve) => {
        give = resolve;
      }),
  });
  await clock.advance(idleAfter);
  const call = lease.during(async () => {});
  const rejected = expect(call).rejects.toThrow(LeaseReleasedError);
  lease.release();
  give(await pool.acquire());
  await rejected;
  expect(pool.statistics()).toMatchObject({ leased: 0 });
  await expectNothingIsLeft(under);
});

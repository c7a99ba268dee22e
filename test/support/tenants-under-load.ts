import type { Lease } from '../../src/pool/lease.js';
import type { Tenant, TenantLimits } from '../../src/pool/tenant.js';
import type { FakeResource } from './fake-resources.js';
import { makePool, type PoolUnderTest } from './pool-under-test.js';
import { seededRandom } from './seeded-random.js';

/** The callers of one tenant. */
export interface Load extends Partial<TenantLimits> {
  readonly name: string;
  /** New callers in a second, one after the other at random times. */
  readonly rate: number;
  /** How long each holds its connection, in milliseconds; between half of this and one and a half when it varies. */
  readonly holds: number;
  readonly varies?: boolean;
  /** Each has an identity of the tenant's own; left out, all have that of the pool. */
  readonly identity?: string;
}

/** What became of one tenant. */
export interface Result {
  readonly tenant: Tenant;
  readonly waits: number[];
  /** The time its connections were lent during the run. */
  lent: number;
  rejected: number;
}

/** Lets tenants load a pool under a virtual clock. Callers wait for ever. After the run nothing is undone. */
export class TenantsUnderLoad {
  readonly world: PoolUnderTest;
  readonly results: ReadonlyMap<string, Result>;
  readonly #loads: readonly Load[];
  readonly #random: () => number;
  /** Since when each tenant is below its reserve and has a waiter; left out when it is not. */
  readonly #owedSince = new Map<Result, number>();
  /** What was against the rules. */
  readonly violations: string[] = [];
  /** The longest time between two services of a tenant while it had a waiter. */
  readonly gaps = new Map<Result, number>();
  readonly #waitingSince = new Map<Result, number>();
  #ended = false;
  #busy = 0;
  #busyTime = 0;
  #busyAt = 0;

  constructor(slots: number, loads: readonly Load[], seed: number) {
    this.world = makePool({ minConnections: 0, maxConnections: slots, connectionTimeout: 0 });
    this.#random = seededRandom(seed);
    this.#loads = loads;
    const { pool } = this.world;
    this.results = new Map(
      loads.map(({ name, ...limits }) => [
        name,
        { tenant: pool.addTenant(name, limits), waits: [], lent: 0, rejected: 0 },
      ]),
    );
  }

  of(name: string): Result {
    const result = this.results.get(name);
    if (result === undefined) throw new Error(`no tenant ${name}`);
    return result;
  }

  /** Forgets what was measured so far: the pool is under its full load now. */
  async warmUp(duration: number): Promise<void> {
    const { clock } = this.world;
    for (const load of this.#loads) this.#nextCaller(load, this.of(load.name));
    await clock.advance(duration);
    this.#countBusy(0);
    this.#busyTime = 0;
    for (const result of this.results.values()) {
      result.lent = 0;
      result.waits.length = 0;
    }
    this.gaps.clear();
  }

  async measure(duration: number): Promise<void> {
    await this.world.clock.advance(duration);
    this.#ended = true;
    this.#countBusy(0);
  }

  /** Lease time in all since the warm-up, in milliseconds. */
  get busyTime(): number {
    return this.#busyTime;
  }

  #countBusy(change: number): void {
    const now = this.world.clock.now();
    this.#busyTime += this.#busy * (now - this.#busyAt);
    this.#busyAt = now;
    this.#busy += change;
  }

  #nextCaller(load: Load, result: Result): void {
    const { clock } = this.world;
    const pause = (-Math.log(1 - this.#random()) * 1000) / load.rate;
    clock.timer(pause, true, () => {
      if (this.#ended) return;
      this.#call(load, result);
      this.#nextCaller(load, result);
    });
  }

  #call(load: Load, result: Result): void {
    const { identity } = load;
    const { clock, pool } = this.world;
    const { tenant } = result;
    const came = clock.now();
    if (!this.#waitingSince.has(result)) this.#waitingSince.set(result, came);
    const wanted = pool.acquire({ tenant, identity: identity === undefined ? undefined : { key: identity } });
    this.#lookForOwed();
    wanted.then(
      (lease) => this.#hold(lease, load, result, came),
      () => {
        result.rejected++;
      },
    );
  }

  #hold(lease: Lease<FakeResource>, { holds, varies }: Load, result: Result, came: number): void {
    const { clock } = this.world;
    const began = clock.now();
    result.waits.push(began - came);
    this.#check(result.tenant, began);
    this.#lookForOwed();
    this.#countBusy(1);
    const since = this.#waitingSince.get(result) ?? began;
    this.gaps.set(result, Math.max(this.gaps.get(result) ?? 0, began - since));
    if (result.tenant.waiting > 0) this.#waitingSince.set(result, began);
    else this.#waitingSince.delete(result);
    clock.timer(varies ? holds * (0.5 + this.#random()) : holds, true, () => {
      if (!this.#ended) this.#countBusy(-1);
      if (!this.#ended) result.lent += clock.now() - began;
      lease.release();
      this.#lookForOwed();
    });
  }

  #check(tenant: Tenant, now: number): void {
    if (tenant.inUse > tenant.cap) this.violations.push(`${tenant.name} has ${tenant.inUse} leases`);
    for (const [other, since] of this.#owedSince) {
      const isOwed = other.tenant.isOwed && other.tenant.waiting > 0;
      // Of leases that begin at the same moment, the order is not seen here.
      if (isOwed && since < now && tenant.inUse > tenant.reserve) {
        this.violations.push(`${tenant.name} was served before ${other.tenant.name}, which is below its reserve`);
      }
    }
  }

  #lookForOwed(): void {
    for (const result of this.results.values()) {
      const { tenant } = result;
      if (tenant.reserve === 0) continue;
      if (!tenant.isOwed || tenant.waiting === 0) this.#owedSince.delete(result);
      else if (!this.#owedSince.has(result)) this.#owedSince.set(result, this.world.clock.now());
    }
  }
}

/** The value that this share (0 to 1) of the numbers does not exceed. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/** Jain's index: 1 when all have the same, 1 / n when one has all. */
export function jain(numbers: readonly number[]): number {
  const sum = numbers.reduce((total, number) => total + number, 0);
  const squares = numbers.reduce((total, number) => total + number * number, 0);
  return squares === 0 ? 1 : (sum * sum) / (numbers.length * squares);
}

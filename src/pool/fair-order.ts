import { Crowds } from './crowds.js';
import { FairQueue } from './fair-queue.js';
import { type Linked, LinkedList, type Place } from './linked-list.js';
import { ListsByKey } from './lists-by-key.js';
import { type Competitor, type Queued, Tenant, type TenantLimits } from './tenant.js';

/** A waiter as the order sees it. */
export interface Ordered<W, G> extends Linked<W>, Queued {
  readonly tenant: Tenant;
  readonly group: G;
  readonly place: Place<W>;
}

/** A loan as the order sees it. */
export interface Loan {
  readonly tenant: Tenant;
  readonly since: number;
  /** How much of the connection it has: 1 for all of it. */
  readonly portion: number;
  /**
   * What it was expected to take when it began, in milliseconds of a whole connection; undefined when it is not counted,
   * since there was only one tenant.
   */
  readonly promised: number | undefined;
}

/** For so long, in milliseconds, after two tenants took turns they count as sharing the pool. */
const remembered = 1_000;

/** How long the calls on one connection may take that were not answered yet, in milliseconds, while tenants share the pool. */
const longestQueue = 2;

/**
 * The order in which waiters are served: fair between tenants, by the time their leases take, and first come first
 * served within each. With one tenant it is first come, first served.
 */
export class FairOrder<W extends Ordered<W, G>, G> {
  /** In the order in which they came. */
  readonly #all = new LinkedList<W>();
  readonly #byGroup = new ListsByKey<G, Place<W>>();
  readonly #tenants = new FairQueue<Competitor>();
  readonly #crowds: Crowds | undefined;
  /** The tenants of which the present walk passed over a waiter. */
  readonly #walked: Tenant[] = [];
  /** The tenant that a connection was lent to last, and when that was another one than before. */
  #lastTenant: Tenant | undefined;
  #changedAt = Number.NEGATIVE_INFINITY;
  /** Whether there is any tenant but the plain callers. Before, nothing has to be counted. */
  #isDivided = false;
  /** The tenant of callers without one. */
  readonly plain: Tenant = new Tenant('plain callers', {}, undefined);

  /** @param ranksTenants whether {@link FairOrder.newestOfLargest} will be asked for, which costs a little */
  constructor(ranksTenants: boolean) {
    if (ranksTenants) this.#crowds = new Crowds();
  }

  get length(): number {
    return this.#all.length;
  }

  /** The waiter that has waited longest. */
  get oldest(): W | undefined {
    return this.#all.first;
  }

  /** The waiter that came after this one. */
  after(waiter: W): W | undefined {
    return waiter.next;
  }

  /** Whether a waiter may be served: not when the tenants of all have as many leases as they may. */
  get any(): boolean {
    return this.#tenants.size > 0;
  }

  /** The waiter to serve next, whatever its identity; one that {@link FairOrder.pass} passed over is left out. */
  next(now: number): W | undefined {
    let share = this.#tenants.head(now);
    while (share instanceof Tenant && share.children !== undefined) share = share.children.head(now);
    const tenant = share instanceof Tenant ? share : share?.tenant;
    // Only waiters of this order are in the queues of its tenants.
    return tenant?.first as W | undefined;
  }

  /** The waiter of this identity that came first, of those whose tenants may have one more lease. */
  firstOf(group: G): W | undefined {
    return this.#all.length === 0 ? undefined : firstServable(this.#byGroup.find(group)?.first);
  }

  /** A waiter of this identity, whether or not its tenant may have one more lease. */
  anyOf(group: G): W | undefined {
    return this.#all.length === 0 ? undefined : this.#byGroup.find(group)?.first?.owner;
  }

  /** The same of those that came after this waiter of its identity. */
  afterInGroup(waiter: W): W | undefined {
    return firstServable(waiter.place.next);
  }

  /** The first of a tenant's own waiters, if it may have one more lease. */
  firstOfTenant(tenant: Tenant): W | undefined {
    return tenant.mayBorrow ? (tenant.queue.first?.owner as W | undefined) : undefined;
  }

  /** The newest waiter of the tenant with the most waiters of its own. */
  get newestOfLargest(): W | undefined {
    return this.#crowds?.largest?.queue.last?.owner as W | undefined;
  }

  add(waiter: W, now: number): void {
    const { tenant } = waiter;
    this.#all.append(waiter);
    this.#byGroup.of(waiter.group).append(waiter.place);
    tenant.queue.append(waiter.turn);
    this.#crowds?.changed(tenant, 1);
    for (let each: Tenant | undefined = tenant; each !== undefined; each = each.parent) each.countWaiting(1);
    this.#refresh(tenant, now);
  }

  /** Removes a waiter from any place. */
  remove(waiter: W, now: number): void {
    const { tenant } = waiter;
    this.#all.remove(waiter);
    this.#byGroup.remove(waiter.group, waiter.place);
    if (tenant.passed === waiter.turn) tenant.passed = waiter.turn.previous;
    tenant.queue.remove(waiter.turn);
    this.#crowds?.changed(tenant, -1);
    for (let each: Tenant | undefined = tenant; each !== undefined; each = each.parent) each.countWaiting(-1);
    this.#refresh(tenant, now);
  }

  /** Passes over a waiter that cannot be served yet: until the walk ends, `next` goes on as if it were served. */
  pass(waiter: W, now: number): void {
    const { tenant } = waiter;
    const promised = tenant.usualTime;
    if (tenant.passed === undefined) this.#walked.push(tenant);
    tenant.passed = waiter.turn;
    for (const share of pathOf(tenant)) share.pass(promised);
    this.#refresh(tenant, now);
  }

  /** Ends the walk: `next` begins with the first waiter again. */
  endWalk(now: number): void {
    for (let tenant = this.#walked.pop(); tenant !== undefined; tenant = this.#walked.pop()) {
      tenant.passed = undefined;
      for (const share of pathOf(tenant)) share.forgetPassed();
      this.#refresh(tenant, now);
    }
  }

  /**
   * Whether a call of a tenant may follow so many others on a connection before these are answered. While tenants share
   * the pool, only as long as the calls are quick: a call that comes later is behind them, whoever is to be served first.
   */
  mayFollow(calls: number, tenant: Tenant, now: number): boolean {
    return now - this.#changedAt > remembered || calls * tenant.usualTime < longestQueue;
  }

  /** What a loan of a tenant is expected to take; undefined when it is not to be counted. */
  expected(tenant: Tenant): number | undefined {
    return this.#isDivided ? tenant.usualTime : undefined;
  }

  /** A loan began, to a caller who waited so many milliseconds. */
  lent({ tenant, since, portion, promised }: Loan, waited: number): void {
    if (promised === undefined) return;
    if (tenant !== this.#lastTenant) {
      if (this.#lastTenant !== undefined) this.#changedAt = since;
      this.#lastTenant = tenant;
    }
    tenant.own?.lent(portion, promised, since);
    for (let each: Tenant | undefined = tenant; each !== undefined; each = each.parent) {
      each.lent(portion, promised, since);
      each.countWait(waited);
    }
    if (tenant.waiting > 0 || tenant.parent !== undefined) this.#refresh(tenant, since);
  }

  /** A loan ended. */
  returned({ tenant, since, portion, promised }: Loan, now: number): void {
    if (promised === undefined) return;
    tenant.learn(portion * (now - since));
    tenant.own?.returned(portion, promised, since, now);
    for (let each: Tenant | undefined = tenant; each !== undefined; each = each.parent) {
      each.returned(portion, promised, since, now);
    }
    if (tenant.waiting > 0 || tenant.parent !== undefined) this.#refresh(tenant, now);
  }

  addTenant(name: string, limits: Partial<TenantLimits>, parent: Tenant | undefined, now: number): Tenant {
    this.#isDivided = true;
    const tenant = new Tenant(name, limits, parent);
    if (parent !== undefined && parent.children === undefined) {
      parent.divide();
      this.#refresh(parent, now);
    }
    return tenant;
  }

  changeTenant(tenant: Tenant, limits: Partial<TenantLimits>, now: number): void {
    tenant.change(limits);
    this.#refresh(tenant, now);
  }

  /** Puts a tenant, and those above it, where their waiters and leases say. */
  #refresh(tenant: Tenant, now: number): void {
    let share: Competitor = tenant.own ?? tenant;
    let owner = tenant.own === undefined ? tenant.parent : tenant;
    let wants = tenant.first !== undefined;
    for (;;) {
      const queue = owner?.children ?? this.#tenants;
      queue.set(share, wants && share.mayTakeOne, now);
      if (owner === undefined) return;
      wants = queue.size > 0;
      share = owner;
      owner = owner.parent;
    }
  }
}

/** The first waiter from this place on whose tenant may have one more lease. */
function firstServable<W extends { readonly tenant: Tenant }>(from: Place<W> | undefined): W | undefined {
  let place = from;
  while (place !== undefined && !place.owner.tenant.mayBorrow) place = place.next;
  return place?.owner;
}

/** A tenant's own share, if it has one, and the tenants from it up. */
function* pathOf(tenant: Tenant): Iterable<Competitor> {
  if (tenant.own !== undefined) yield tenant.own;
  for (let each: Tenant | undefined = tenant; each !== undefined; each = each.parent) yield each;
}

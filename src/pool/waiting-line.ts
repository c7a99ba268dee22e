import type { Clock } from '../time/clock.js';
import { onAbort } from '../time/on-abort.js';
import { Deadlines } from './deadlines.js';
import { FairOrder, type Loan } from './fair-order.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import { LoadShedding, type SheddingSettings } from './load-shedding.js';
import type { Tenant, TenantLimits } from './tenant.js';
import type { Waiter, WaiterState } from './waiter.js';

/** What can end a wait from outside the line. The waiter is still in it. */
export interface WaitingLineEvents<R, I extends Identity> {
  /** Its deadline has passed. */
  timedOut(waiter: Waiter<R, I>): void;
  /** Its caller's signal was aborted. */
  aborted(waiter: Waiter<R, I>, reason: unknown): void;
  /** The pool is overloaded. `retryAfter` in milliseconds. */
  shed(waiter: Waiter<R, I>, retryAfter: number): void;
  /** Whether connections are lent at all. */
  isOpen(): boolean;
}

/** The parts of a configuration that the line reads. */
export interface WaitingLineSettings {
  readonly maxWaiters: number;
  readonly loadShedding: SheddingSettings;
}

/**
 * The waiters, with their order ({@link FairOrder}), their deadlines and their signals. Waiters enter only by {@link
 * WaitingLine.join} and leave only by {@link WaitingLine.leave}.
 */
export class WaitingLine<R, I extends Identity> {
  readonly #order: FairOrder<Waiter<R, I>, IdentityGroup<I>>;
  readonly #deadlines: Deadlines<Waiter<R, I>>;
  readonly #shedding: LoadShedding<Waiter<R, I>> | undefined;
  readonly #events: WaitingLineEvents<R, I>;
  readonly #clock: Clock;

  constructor(clock: Clock, events: WaitingLineEvents<R, I>, { maxWaiters, loadShedding }: WaitingLineSettings) {
    const order = new FairOrder<Waiter<R, I>, IdentityGroup<I>>(maxWaiters !== Number.POSITIVE_INFINITY);
    this.#clock = clock;
    this.#events = events;
    this.#order = order;
    this.#deadlines = new Deadlines(clock, (waiter) => events.timedOut(waiter));
    if (loadShedding.target > 0) {
      this.#shedding = new LoadShedding(loadShedding, clock, {
        get oldest() {
          return order.oldest;
        },
        isOpen: () => events.isOpen(),
        refuse: (waiter, retryAfter) => events.shed(waiter, retryAfter),
      });
    }
  }

  get length(): number {
    return this.#order.length;
  }

  /** Whether a waiter may be served: not when the tenants of all have as many leases as they may. */
  get any(): boolean {
    return this.#order.any;
  }

  get oldest(): Waiter<R, I> | undefined {
    return this.#order.oldest;
  }

  /** The waiter that came after this one. */
  after(waiter: Waiter<R, I>): Waiter<R, I> | undefined {
    return this.#order.after(waiter);
  }

  /** The waiter to serve next, now that a connection could be lent; refuses those before it that waited too long. */
  next(now: number): Waiter<R, I> | undefined {
    let waiter = this.#order.next(now);
    while (waiter !== undefined && this.#shedding?.refuses(waiter, now)) waiter = this.#order.next(now);
    return waiter;
  }

  /** Passes over a waiter that cannot be served yet: until the walk ends, `next` goes on as if it were served. */
  pass(waiter: Waiter<R, I>, now: number): void {
    this.#order.pass(waiter, now);
  }

  /** Ends the walk: `next` begins with the first waiter again. */
  endWalk(now: number): void {
    this.#order.endWalk(now);
  }

  firstOf(group: IdentityGroup<I>): Waiter<R, I> | undefined {
    return this.#order.firstOf(group);
  }

  /** A waiter of this identity, whether or not its tenant may have one more lease. */
  anyOf(group: IdentityGroup<I>): Waiter<R, I> | undefined {
    return this.#order.anyOf(group);
  }

  afterInGroup(waiter: Waiter<R, I>): Waiter<R, I> | undefined {
    return this.#order.afterInGroup(waiter);
  }

  /** The first of a tenant's own waiters, if it may have one more lease. */
  firstOfTenant(tenant: Tenant): Waiter<R, I> | undefined {
    return this.#order.firstOfTenant(tenant);
  }

  /** The newest waiter of the tenant with the most waiters. */
  get newestOfLargest(): Waiter<R, I> | undefined {
    return this.#order.newestOfLargest;
  }

  join(waiter: Waiter<R, I>, signal: AbortSignal | undefined): void {
    this.#order.add(waiter, waiter.since);
    this.#deadlines.add(waiter);
    this.#shedding?.joined();
    waiter.group.waiting++;
    // Last, because a signal that is already aborted removes the waiter at once.
    if (signal !== undefined) {
      waiter.forgetSignal = onAbort(signal, () => this.#events.aborted(waiter, signal.reason));
    }
  }

  leave(waiter: Waiter<R, I>, state: Exclude<WaiterState, 'waiting'>, now: number): void {
    waiter.state = state;
    this.#order.remove(waiter, now);
    this.#deadlines.remove(waiter);
    if (state === 'served') this.#shedding?.served(waiter, now);
    this.#shedding?.left(waiter);
    waiter.group.waiting--;
    waiter.forgetSignal?.();
  }

  /** Ends what would act by itself. */
  end(): void {
    this.#shedding?.end();
  }

  // Tenants.

  /** The tenant of callers without one. */
  get plain(): Tenant {
    return this.#order.plain;
  }

  addTenant(name: string, limits: Partial<TenantLimits>, parent: Tenant | undefined): Tenant {
    return this.#order.addTenant(name, limits, parent, this.#clock.now());
  }

  changeTenant(tenant: Tenant, limits: Partial<TenantLimits>): void {
    this.#order.changeTenant(tenant, limits, this.#clock.now());
  }

  /** Whether a call of a tenant may follow so many others on a connection before these are answered. */
  mayFollow(calls: number, tenant: Tenant, now: number): boolean {
    return this.#order.mayFollow(calls, tenant, now);
  }

  /** What a loan of a tenant is expected to take; undefined when it is not to be counted. */
  expected(tenant: Tenant): number | undefined {
    return this.#order.expected(tenant);
  }

  /** A connection was lent, to a waiter or at once. `waited` in milliseconds. */
  lent(loan: Loan, waited: number): void {
    this.#order.lent(loan, waited);
  }

  returned(loan: Loan, now: number): void {
    this.#order.returned(loan, now);
  }
}

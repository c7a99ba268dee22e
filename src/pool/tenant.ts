import { FairQueue } from './fair-queue.js';
import { LinkedList, Place } from './linked-list.js';
import { Share } from './share.js';

/** A waiter, as its tenant sees it. */
export interface Queued {
  /** Its place among the waiters of its tenant. */
  readonly turn: Place<Queued>;
}

/** What a tenant may have. All may be changed while it is used. */
export interface TenantLimits {
  /** Its part of the connections while others wait too, in proportion to the weights of the others; more than 0. */
  readonly weight: number;
  /** The most leases at once; further callers wait. `Infinity` for no limit. */
  readonly maxConnections: number;
  /** While it has fewer leases than this, its waiters come first. */
  readonly reserve: number;
  /** How many callers may wait; one more is refused. `Infinity` for no limit. */
  readonly maxWaiting: number;
}

/** How much the newest lease counts in what a lease usually takes. */
const newest = 1 / 8;

/** What a lease is expected to take while none has ended, in milliseconds. */
const expectedAtFirst = 20;

/**
 * Callers who share one part of the pool. Tenants form a tree: what a tenant uses counts for all above it, and the
 * tenants below one share its part between them and with its own callers.
 *
 *     all of the pool ─┬─ plain callers
 *                      ├─ tenant ─┬─ its own callers
 *                      │          ├─ tenant
 *                      │          └─ tenant
 *                      └─ tenant
 */
export class Tenant extends Share {
  readonly name: string;
  readonly parent: Tenant | undefined;
  #maxWaiting = Number.POSITIVE_INFINITY;
  /** Its own waiters, first come first served. */
  readonly queue: LinkedList<Place<Queued>> = new LinkedList();
  /** Its place among the tenants with as many waiters of their own. */
  readonly crowd: Place<Tenant> = new Place(this);
  /** The last of its waiters that the present walk passed over; only the order writes it. */
  passed: Place<Queued> | undefined;
  #children: FairQueue<Competitor> | undefined;
  #own: OwnShare | undefined;
  /** How long its callers wait, where waiters are refused for that; only `LoadShedding` writes it. */
  delay: Delay | undefined;

  #waiting = 0;
  #timeWaited = 0;
  #longestWait = 0;
  #usualTime = expectedAtFirst;

  /** @internal Made by `Pool.addTenant()`. */
  constructor(name: string, limits: Partial<TenantLimits>, parent: Tenant | undefined) {
    super();
    this.name = name;
    this.parent = parent;
    this.change(limits);
  }

  /** There is a tenant below it from now on. */
  divide(): void {
    if (this.#children !== undefined) return;
    this.#children = new FairQueue();
    this.#own = new OwnShare(this);
    this.#own.takeOver(this);
  }

  /** The tenants below it that want a connection, and its own callers; undefined when there is no tenant below it. */
  get children(): FairQueue<Competitor> | undefined {
    return this.#children;
  }

  /** The share of its own callers among the tenants below it; undefined when there are none. */
  get own(): OwnShare | undefined {
    return this.#own;
  }

  /** How many of its callers may wait, those of the tenants below it included. */
  get maxWaiting(): number {
    return this.#maxWaiting;
  }

  change(limits: Partial<TenantLimits>): void {
    const { weight = this.weight, maxConnections = this.cap, reserve = this.reserve } = limits;
    this.allow(weight, maxConnections, reserve);
    this.#maxWaiting = limits.maxWaiting ?? this.#maxWaiting;
  }

  /** The first of its own waiters, without those that the present walk passed over. */
  get first(): Queued | undefined {
    return (this.passed === undefined ? this.queue.first : this.passed.next)?.owner;
  }

  /** Whether it and all tenants above it may have one more lease. */
  get mayBorrow(): boolean {
    return this.mayTakeOne && (this.parent?.mayBorrow ?? true);
  }

  /** The tenant, it or one above it, that has all the leases it may have; undefined when there is none. */
  get capped(): Tenant | undefined {
    return this.mayTakeOne ? this.parent?.capped : this;
  }

  /** Whether it or a tenant above it has a cap. */
  get isCapped(): boolean {
    return this.cap !== Number.POSITIVE_INFINITY || (this.parent?.isCapped ?? false);
  }

  /** Whether it or a tenant above it has less than its reserve. */
  get isBelowReserve(): boolean {
    return this.isOwed || (this.parent?.isBelowReserve ?? false);
  }

  /** The tenant, it or one above it, of which no further caller may wait; undefined when there is none. */
  get full(): Tenant | undefined {
    return this.#waiting >= this.#maxWaiting ? this : this.parent?.full;
  }

  /** What a lease usually takes, in milliseconds of a whole connection. */
  get usualTime(): number {
    return this.#usualTime;
  }

  /** Its callers who wait, and those of all tenants below it. */
  get waiting(): number {
    return this.#waiting;
  }

  /** How long its callers have waited, in all, in milliseconds; those of the tenants below it too. */
  get timeWaited(): number {
    return this.#timeWaited;
  }

  /** The longest of these waits. */
  get longestWait(): number {
    return this.#longestWait;
  }

  /** One caller more waits, or one less: its own or one of a tenant below it. */
  countWaiting(by: 1 | -1): void {
    this.#waiting += by;
  }

  /** A caller was served after so many milliseconds: its own or one of a tenant below it. */
  countWait(waited: number): void {
    this.#timeWaited += waited;
    if (waited > this.#longestWait) this.#longestWait = waited;
  }

  /** A lease of its own callers has ended. */
  learn(time: number): void {
    this.#usualTime += (time - this.#usualTime) * newest;
  }
}

/** The share of a tenant's own callers among the tenants below it. */
export class OwnShare extends Share {
  constructor(readonly tenant: Tenant) {
    super();
  }
}

/** What competes for the part of a tenant. */
export type Competitor = Tenant | OwnShare;

/** How long the callers of one tenant wait: see `LoadShedding`. Times in milliseconds. */
export interface Delay {
  /** The shortest wait in the present interval. */
  shortest: number;
  /** When the present interval ends. */
  until: number;
  /** Whether even the shortest wait of the last interval was too long. */
  slow: boolean;
}

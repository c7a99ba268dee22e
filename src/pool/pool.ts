import type { Circuit } from '../endpoints/endpoint-state.js';
import type { Endpoints } from '../endpoints/endpoints.js';
import type { AcquireError, PoolSnapshot } from '../errors/acquire.js';
import { UsageError } from '../errors/configuration.js';
import type { Clock } from '../time/clock.js';
import type { Affinity } from './affinity.js';
import { assemblePool } from './assembly.js';
import type { AcquireOptions, PoolSettings, PoolSurroundings } from './contract.js';
import type { Dispatcher } from './dispatcher.js';
import { Drain } from './drain.js';
import type { Emitter } from './emitter.js';
import type { EndpointList } from './endpoint-list.js';
import type { PoolEvents } from './events.js';
import type { Health, Readiness } from './health.js';
import type { Identity } from './identity-group.js';
import type { Inventory } from './inventory.js';
import type { Journal, PoolBuckets } from './journal.js';
import type { Lease, LeaseHolder } from './lease.js';
import type { Leasing } from './leasing.js';
import type { Lifecycle } from './lifecycle.js';
import { type MemberReport, reportOf } from './member-report.js';
import type { PoolState } from './pool-state.js';
import type { Rejections } from './rejections.js';
import type { ShutdownReport } from './shutdown-report.js';
import type { Bounds, Sizing } from './sizing.js';
import { slowAtLeast } from './slowness.js';
import type { PoolStatistics } from './statistics.js';
import type { Tenant, TenantLimits } from './tenant.js';
import type { Upkeep } from './upkeep.js';
import { Waiter } from './waiter.js';
import type { WaitingLine } from './waiting-line.js';
import type { WarmUp } from './warm-up.js';

/**
 * A pool of anything that can be opened, probed, reset and closed. It knows no database and no socket, and is given its
 * clock.
 *
 *     acquire ─▶ Leasing: an idle connection ─▶ lease ─▶ release ─▶ the next waiter, or idle
 *        └─────▶ WaitingLine ◀── Dispatcher ──▶ Openings: for whom, where and when ─┐
 *        │        (fair between tenants) │                                          ▼
 *        │                               └──────────────────▶ Lifecycle: open, probe, change, reset, close
 *        └─────▶ Rejections
 *              Inventory (what is open) · Sizing (what is wanted) · Endpoints (the servers, and the share of each) ·
 *              Health (what is known of them) · Journal (counters and events)
 *
 * All state changes happen synchronously, each in one place: `Inventory.move` for connections, `WaitingLine.leave` for
 * waiters, `PoolState` for the pool. Asynchronous work comes back as an event, and after every event the dispatcher
 * decides anew.
 */
export class Pool<R, I extends Identity = Identity> {
  readonly #settings: PoolSettings;
  readonly #clock: Clock;
  readonly #state: PoolState;
  readonly #journal: Journal;
  readonly #inventory: Inventory<R, I>;
  readonly #line: WaitingLine<R, I>;
  readonly #affinity: Affinity<R, I>;
  readonly #health: Health<R, I>;
  readonly #sizing: Sizing<R, I>;
  readonly #rejections: Rejections<R, I>;
  readonly #lifecycle: Lifecycle<R, I>;
  readonly #leasing: Leasing<R, I>;
  readonly #dispatcher: Dispatcher<R, I>;
  readonly #upkeep: Upkeep<R, I>;
  readonly #warmUp: WarmUp;
  #drain: Drain<R, I> | undefined;
  readonly #endpoints: Endpoints;
  /** Its servers. */
  readonly endpoints: EndpointList<R, I>;

  constructor(settings: PoolSettings, surroundings: PoolSurroundings<R, I>) {
    const parts = assemblePool(settings, surroundings, () => this.#drain?.finish() ?? false);
    this.#settings = settings;
    this.#clock = surroundings.clock;
    this.#state = parts.state;
    this.#journal = parts.journal;
    this.#inventory = parts.inventory;
    this.#line = parts.line;
    this.#affinity = parts.affinity;
    this.#health = parts.health;
    this.#sizing = parts.sizing;
    this.#rejections = parts.rejections;
    this.#lifecycle = parts.lifecycle;
    this.#leasing = parts.leasing;
    this.#dispatcher = parts.dispatcher;
    this.#upkeep = parts.upkeep;
    this.#warmUp = parts.warmUp;
    this.#endpoints = parts.endpoints;
    this.endpoints = parts.endpointList;
  }

  get events(): Emitter<PoolEvents> {
    return this.#journal.events;
  }

  get state(): PoolStatistics['state'] {
    return this.#state.word;
  }

  /** How many acquires got a connection. */
  get served(): number {
    return this.#journal.served;
  }

  /** The most connections it may have now. */
  get maxConnections(): number {
    return this.#sizing.max;
  }

  get circuit(): Circuit {
    return this.#health.circuit;
  }

  /** Probes and calls in a row that got no answer. */
  get unanswered(): number {
    return this.#health.unanswered;
  }

  /** Whether the pool can serve now; if not, why. */
  get readiness(): Readiness {
    return this.#health.readiness(this.#state.word, this.#clock.now());
  }

  /** How long the pool has been unable to serve, in milliseconds; 0 while it can, and before its first connection. */
  get outage(): number {
    return this.#health.outage(this.#clock.now());
  }

  /**
   * Whether nothing is opened until a caller asks: no connection is kept (`minConnections` is 0, or a failure was final), none is
   * being opened, and an attempt may be made. Whoever keeps callers away meanwhile keeps the pool from its recovery.
   */
  get awaitsCaller(): boolean {
    const { counts } = this.#inventory;
    return this.#sizing.kept === 0 && counts.opening === 0 && this.#health.wait(this.#clock.now(), true) === 0;
  }

  /**
   * Begins to open the warm connections.
   * @param attempts How often to try before giving up; 0 opens no connection and resolves at once.
   * @returns Resolves with the first connection; rejects with the cause of the last failure.
   */
  start(attempts: number): Promise<void> {
    if (this.#state.isEnding) return Promise.reject(this.#rejections.shutDown());
    this.#sizing.start();
    const { min: minConnections, max: maxConnections } = this.#sizing;
    this.#journal.tell('started', { minConnections, maxConnections });
    const isFirstAsked = attempts > 0 && this.#inventory.live === 0;
    const started = isFirstAsked ? this.#warmUp.first(attempts * this.#endpoints.staying.length) : Promise.resolve();
    if (isFirstAsked) this.#sizing.askedAgain();
    this.#dispatcher.dispatch();
    return started;
  }

  /**
   * Resolves when `minConnections` connections are open; at once with `warmConnections: false`.
   * @throws PoolShutdownError, and the cause when a failure is final
   */
  warm(): Promise<void> {
    if (this.#state.isEnding) return Promise.reject(this.#rejections.shutDown());
    this.#sizing.askedAgain();
    const warmed = this.#warmUp.minimum();
    this.#dispatcher.dispatch();
    return warmed;
  }

  /**
   * Borrows a connection: an idle one at once, else the next that becomes free or is opened: fairly between tenants, first
   * come first served within each.
   * @throws AcquireTimeoutError, AcquireAbortedError, QueueFullError, QueueOverloadError, PoolShutdownError,
   * AcquireFailedError
   */
  acquire(options?: AcquireOptions<I>): Promise<Lease<R>> {
    const timeout = options?.timeout ?? this.#settings.connectionTimeout;
    if (!(timeout >= 0)) {
      return Promise.reject(new UsageError(`timeout: given ${timeout}, allowed: milliseconds, 0 or more`));
    }
    const signal = options?.signal;
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      return Promise.reject(new UsageError(`signal: given ${typeof signal}, allowed: an AbortSignal`));
    }
    const acquire = this.#journal.acquireStarted();
    if (this.#state.isEnding) return Promise.reject(this.#rejections.refused(acquire, 'shutdown', 0));
    if (signal?.aborted) return Promise.reject(this.#rejections.aborted(acquire, 0, signal.reason));

    const now = this.#clock.now();
    this.#upkeep.noticeGap(now);
    const identity = options?.identity;
    const group = this.#inventory.groupOf(identity);
    const fresh = options?.fresh === true;
    const shared = fresh ? undefined : options?.shared;
    const tenant = options?.tenant ?? this.#line.plain;
    if (group !== undefined && !this.#line.any && this.#state.isRunning && !fresh && tenant.mayBorrow) {
      const lease = this.#leasing.lendAtOnce(group, acquire, tenant, options ?? {}, now);
      if (lease !== undefined) return Promise.resolve(lease);
    }
    if (this.#health.isCutOff(now)) {
      this.#dispatcher.askedInVain(now);
      return Promise.reject(this.#rejections.refused(acquire, 'circuit-open', 0));
    }
    const { full } = tenant;
    if (full !== undefined) return Promise.reject(this.#rejections.refused(acquire, 'queue-full', 0, { full }));
    if (
      this.#line.length >=
      this.#settings.maxWaiters + Math.max(0, this.#sizing.max - this.#inventory.counts.leased)
    ) {
      const crowd = this.#line.newestOfLargest;
      if (crowd === undefined || crowd.tenant.queue.length <= tenant.queue.length + 1) {
        return Promise.reject(this.#rejections.refused(acquire, 'queue-full', 0));
      }
      this.#rejections.crowdedOut(crowd);
    }
    return new Promise((resolve, reject) => {
      const wanted = group ?? this.#inventory.addGroup(identity as I);
      const waiter = new Waiter<R, I>(
        acquire,
        tenant,
        wanted,
        now,
        timeout,
        resolve,
        reject,
        options?.origin,
        fresh,
        shared,
      );
      this.#line.join(waiter, signal);
      if (wanted === this.#inventory.ownGroup) this.#sizing.askedAgain();
      // Fast path under load: all connections are lent, so there is nothing to match and nothing to open.
      if (this.#inventory.counts.leased < this.#sizing.max || this.#inventory.shared.any) this.#dispatcher.dispatch();
    });
  }

  /** Counts and reports an acquire that failed before it asked for a connection. */
  noteFailure(error: AcquireError, identity: I | undefined): void {
    this.#rejections.note(error, identity);
  }

  /** Adds a tenant: a part of the pool for some callers, who give it with each acquire. */
  addTenant(name: string, limits: Partial<TenantLimits>, parent?: Tenant): Tenant {
    return this.#line.addTenant(name, limits, parent);
  }

  /** Changes what a tenant may have, at once; leases go on. */
  changeTenant(tenant: Tenant, limits: Partial<TenantLimits>): void {
    this.#line.changeTenant(tenant, limits);
    this.#dispatcher.dispatch();
  }

  /** The leases that this holder has now. */
  leasesOf(holder: LeaseHolder): Lease<R>[] {
    const found: Lease<R>[] = [];
    for (const { lease } of this.#inventory) if (lease?.isHeldBy(holder)) found.push(lease);
    return found;
  }

  /** The lease that has this connection to itself; undefined when there is none. */
  leaseOf(connection: number): Lease<R> | undefined {
    for (const { id, lease } of this.#inventory) if (id === connection) return lease;
    return undefined;
  }

  /** Takes back a lease that no code references any more. No-op if the lease has ended. */
  reclaim(lease: Lease<R>): void {
    if (!lease.active) return;
    this.#journal.leaseReclaimed(lease.id, this.#clock.now() - lease.since, lease.origin?.text);
    lease.release();
  }

  /** Lends and opens nothing until `resume()`. Leases go on; acquires wait until their own deadlines. */
  pause(): void {
    if (this.#state.pause()) this.#journal.tell('paused', {});
  }

  /** Ends `pause()`; after failures, makes the pool try again at once, and replaces slow openings by new ones. */
  resume(): void {
    const now = this.#clock.now();
    this.#sizing.askedAgain();
    this.#health.hurry();
    if (this.#state.resume()) this.#journal.tell('resumed', {});
    this.#lifecycle.abandonSlow(now, slowAtLeast, 'it was slow, and resume() asked for another attempt');
    this.#dispatcher.dispatch();
  }

  /**
   * Changes the bounds at once. Connections above the maximum are closed: idle ones now, leased ones at their release.
   * @throws UsageError
   */
  resize(bounds: Bounds): void {
    const { idle } = this.#inventory;
    this.#sizing.resize(bounds);
    const { min: minConnections, max: maxConnections } = this.#sizing;
    this.#journal.tell('resized', { minConnections, maxConnections });
    while (this.#inventory.total > maxConnections && idle.oldest !== undefined) {
      this.#lifecycle.retire(idle.oldest, 'resized');
    }
    this.#dispatcher.dispatch();
  }

  /** Replaces every connection: idle ones and those being opened now, leased ones at their release. */
  recycleAll(): void {
    const { idle, total } = this.#inventory;
    this.#journal.tell('recycledAll', { connections: total });
    this.#lifecycle.newGeneration();
    while (idle.oldest !== undefined) this.#lifecycle.retire(idle.oldest, 'recycled');
    this.#dispatcher.dispatch();
  }

  /**
   * Refuses waiters and new callers, lets leases finish for `gracePeriod` milliseconds (0: aborts them at once), then
   * aborts them. Safe at any moment; a second call gets the same report.
   */
  shutdown(gracePeriod: number): Promise<ShutdownReport> {
    if (this.#drain !== undefined) return this.#drain.report;
    const waiting = this.#line.length;
    const { leased } = this.#inventory.counts;
    this.#state.drain();
    this.#upkeep.end();
    this.#line.end();
    this.#affinity.end();
    this.#dispatcher.end();
    this.endpoints.end();
    this.#journal.tell('shutdownStarted', { leased, waiting, gracePeriod });
    this.#rejections.refuseAll('shutdown');
    const ending = this.#rejections.shutDown();
    this.#warmUp.end(ending);
    const parts = {
      clock: this.#clock,
      inventory: this.#inventory,
      journal: this.#journal,
      lifecycle: this.#lifecycle,
    };
    const drain = new Drain(parts, gracePeriod, waiting, ending);
    this.#drain = drain;
    this.#dispatcher.dispatch();
    return drain.report;
  }

  statistics(): PoolStatistics {
    const oldest = this.#line.oldest;
    return this.#journal.statistics({
      total: this.#inventory.total,
      panics: this.#endpoints.panics,
      state: this.#state.word,
      minConnections: this.#sizing.min,
      maxConnections: this.#sizing.max,
      identities: this.#inventory.identities,
      waiting: this.#line.length,
      oldestWaiter: oldest === undefined ? 0 : this.#clock.now() - oldest.since,
      ...this.#inventory.shown,
    });
  }

  /** The times of the statistics, in the buckets of monitoring tools. */
  get buckets(): PoolBuckets {
    return this.#journal.buckets;
  }

  /** All its connections, those being closed included, the oldest first. */
  members(): MemberReport<R, I>[] {
    const now = this.#clock.now();
    return [...this.#inventory].map((member) => reportOf(member, this.#line.plain, now));
  }

  /** The present state in a few numbers, for errors. */
  snapshot(): PoolSnapshot {
    return this.#rejections.snapshot();
  }
}

import { type Circuit, Endpoint } from '../endpoints/endpoint.js';
import { AcquireAbortedError, type AcquireError, AcquireTimeoutError, type PoolSnapshot } from '../errors/acquire.js';
import { UsageError } from '../errors/configuration.js';
import { messageOf } from '../errors/error-message.js';
import type { Clock, Timer } from '../time/clock.js';
import { acquireAborted, acquireFailed, acquireRefused, acquireTimedOut } from './acquire-errors.js';
import { CheckSchedule } from './check-schedule.js';
import type { CloseReason } from './close-reason.js';
import type { AcquireOptions, PoolSettings, PoolSurroundings, ResourceFactory } from './contract.js';
import { Drain } from './drain.js';
import type { Emitter } from './emitter.js';
import type { PoolEvents, RefusalReason } from './events.js';
import { ExpiryWheel } from './expiry-wheel.js';
import { Health, type Readiness } from './health.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import { Inventory } from './inventory.js';
import { Journal } from './journal.js';
import { Lease, type Lent } from './lease.js';
import { Lifecycle, type LifecycleOwner } from './lifecycle.js';
import type { PooledResource } from './resource.js';
import type { ShutdownReport } from './shutdown-report.js';
import { type Bounds, Sizing, slowAtLeast } from './sizing.js';
import type { PoolStatistics } from './statistics.js';
import { Upkeep } from './upkeep.js';
import { Waiter } from './waiter.js';
import { WaitingLine } from './waiting-line.js';
import { WarmUp } from './warm-up.js';

/** For so long after an acquire was refused the pool goes on as if a caller waited, in milliseconds. */
const askedFor = 2000;

/**
 * A pool of anything that can be opened, probed, reset and closed. It knows no database, no socket and no clock of its
 * own.
 *
 *     acquire ─▶ an idle connection ─▶ lease ─▶ release ─▶ the first who waits for it, or idle
 *        └─────▶ WaitingLine ◀── dispatch ──▶ Lifecycle: open, probe, change, reset, close
 *                                   │
 *              Inventory (what there is) · Sizing (what is wanted) · Health (what the server shows) · Journal (what is told)
 *
 * All state changes happen synchronously, each in one place: `Inventory.move` for connections, `WaitingLine.leave` for
 * waiters. Work that takes time comes back as an event. After every event {@link Pool.dispatch | #dispatch} matches idle
 * connections with waiters and decides how many to open, from the state as it is, never from a count of events.
 */
export class Pool<R, I extends Identity = Identity> {
  readonly #clock: Clock;
  readonly #factory: ResourceFactory<R, I>;
  readonly #settings: PoolSettings;
  readonly #journal: Journal;
  readonly #inventory: Inventory<R, I>;
  readonly #line: WaitingLine<R, I>;
  readonly #health: Health<R, I>;
  readonly #sizing: Sizing<R, I>;
  readonly #lifecycle: Lifecycle<R, I>;
  readonly #upkeep: Upkeep<R, I>;
  readonly #warmUp = new WarmUp();
  readonly #leaseOwner = {
    release: (lease: Lease<R>, lent: Lent<R>): void => this.#release(lease, lent as PooledResource<R, I>),
  };

  #state: PoolStatistics['state'] = 'running';
  #lastAsked = Number.NEGATIVE_INFINITY;
  #openTimer: Timer | undefined;
  #dispatching = false;
  #dispatchAgain = false;
  #drain: Drain<R, I> | undefined;

  constructor(
    settings: PoolSettings,
    { factory, home, clock, timeOfDay, random, endpoint, order }: PoolSurroundings<R, I>,
  ) {
    this.#settings = settings;
    this.#factory = factory;
    this.#clock = clock;
    const journal = new Journal(clock);
    const inventory = new Inventory<R, I>(home);
    const line = new WaitingLine<R, I>(
      clock,
      {
        timedOut: (waiter) => this.#timeOut(waiter),
        aborted: (waiter, reason) => this.#abortWaiter(waiter, reason),
      },
      order,
    );
    const answeredAt = (member: PooledResource<R, I>): number => factory.answeredAt(member.resource as R);
    const server = new Endpoint(endpoint, random);
    const health = new Health(server, inventory, journal, clock, settings.unhealthyThreshold, answeredAt);
    const sizing = new Sizing(settings, inventory, line);
    const lifetimes = new ExpiryWheel<PooledResource<R, I>>(clock.now());
    const checks = new CheckSchedule<PooledResource<R, I>>(settings.healthCheckInterval, random, clock.now());
    const shared = { factory, clock, settings, inventory, journal, health, sizing, lifetimes, checks };
    this.#journal = journal;
    this.#inventory = inventory;
    this.#line = line;
    this.#health = health;
    this.#sizing = sizing;
    this.#lifecycle = new Lifecycle({ ...shared, random, warmUp: this.#warmUp }, this.#lifecycleOwner());
    this.#upkeep = new Upkeep({
      ...shared,
      timeOfDay,
      line,
      lifecycle: this.#lifecycle,
      swept: () => this.#dispatch(),
    });
  }

  #lifecycleOwner(): LifecycleOwner<R, I> {
    return {
      isEnding: () => this.#isEnding,
      offer: (member, now, reused) => this.#offer(member, now, reused),
      keepIdle: (member, now) => this.#keepIdle(member, now),
      failWaiters: (group, cause) => this.#failWaiters(group, cause),
      dispatch: () => this.#dispatch(),
    };
  }

  get events(): Emitter<PoolEvents> {
    return this.#journal.events;
  }

  get state(): PoolStatistics['state'] {
    return this.#state;
  }

  get circuit(): Circuit {
    return this.#health.circuit;
  }

  /** Probes and calls in a row that got no answer. */
  get unanswered(): number {
    return this.#health.unanswered;
  }

  /** Whether it can serve now, and if not, why. */
  get readiness(): Readiness {
    return this.#health.readiness(this.#state, this.#clock.now());
  }

  get #isEnding(): boolean {
    return this.#state === 'draining' || this.#state === 'closed';
  }

  /**
   * Begins to open the warm connections.
   * @param attempts How often to try before giving up; 0 asks for no connection and resolves at once.
   * @returns Resolves with the first connection; rejects with the cause of the last failure.
   */
  start(attempts: number): Promise<void> {
    if (this.#isEnding) return Promise.reject(this.#shutdownError());
    this.#sizing.start();
    const { min: minConnections, max: maxConnections } = this.#sizing;
    this.#journal.tell('started', { minConnections, maxConnections });
    const isFirstAsked = attempts > 0 && this.#inventory.live === 0;
    const started = isFirstAsked ? this.#warmUp.first(attempts) : Promise.resolve();
    if (isFirstAsked) this.#sizing.askedAgain();
    this.#dispatch();
    return started;
  }

  /**
   * Resolves when as many connections are open as are kept (`minConnections`); at once with `warmConnections: false`.
   * @throws PoolShutdownError, and the cause when they cannot be had for good
   */
  warm(): Promise<void> {
    if (this.#isEnding) return Promise.reject(this.#shutdownError());
    this.#sizing.askedAgain();
    const warmed = this.#warmUp.minimum();
    this.#dispatch();
    return warmed;
  }

  /**
   * Borrows a connection: an idle one at once, else the next that becomes free or is opened, first come first served.
   * @throws AcquireTimeoutError, AcquireAbortedError, QueueFullError, PoolShutdownError, AcquireFailedError
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
    if (this.#isEnding) return Promise.reject(this.#refuse(acquire, 'shutdown', 0));
    if (signal?.aborted) return Promise.reject(this.#abort(acquire, 0, signal.reason));

    const now = this.#clock.now();
    this.#upkeep.noticeGap(now);
    const identity = options?.identity;
    const group = this.#inventory.groupOf(identity);
    const fresh = options?.fresh === true;
    if (group !== undefined && this.#line.length === 0 && this.#state === 'running' && !fresh) {
      const member = this.#inventory.idle.newestOf(group);
      if (member !== undefined && this.#lifecycle.isTrusted(member, now) && this.#isFit(member, now)) {
        return Promise.resolve(this.#lend(member, acquire, options?.origin, 0, now, true));
      }
    }
    if (this.#isCutOff(now)) {
      this.#lastAsked = now;
      this.#dispatch();
      return Promise.reject(this.#refuse(acquire, 'circuit-open', 0));
    }
    if (
      this.#line.length >=
      this.#settings.maxWaiters + Math.max(0, this.#sizing.max - this.#inventory.counts.leased)
    ) {
      return Promise.reject(this.#refuse(acquire, 'queue-full', 0));
    }
    return new Promise((resolve, reject) => {
      const wanted = group ?? this.#inventory.addGroup(identity as I);
      const waiter = new Waiter<R, I>(acquire, wanted, now, timeout, resolve, reject, options?.origin, fresh);
      this.#line.join(waiter, signal);
      if (wanted === this.#inventory.ownGroup) this.#sizing.askedAgain();
      // All are lent, as is common under load: there is nothing to match and nothing to open.
      if (this.#inventory.counts.leased < this.#sizing.max) this.#dispatch();
    });
  }

  /** Counts an acquire that failed before it asked for a connection, and tells of it. */
  noteFailure(error: AcquireError, identity: I | undefined): void {
    const acquire = this.#journal.acquireStarted();
    if (error instanceof AcquireTimeoutError) this.#journal.acquireTimedOut(acquire, error);
    else if (error instanceof AcquireAbortedError) this.#journal.acquireAborted(acquire, error);
    else {
      const isOwn = identity === undefined || identity.key === this.#inventory.ownGroup.identity.key;
      this.#journal.acquireFailed(acquire, isOwn, error);
    }
  }

  /** Takes back a lease that no code holds any more. A lease that ended in time is left alone. */
  reclaim(lease: Lease<R>): void {
    if (!lease.active) return;
    this.#journal.leaseReclaimed(lease.id, this.#clock.now() - lease.since, lease.origin);
    lease.release();
  }

  /** Lends nothing and opens nothing until `resume()`; leases go on, acquires wait on their own deadlines. */
  pause(): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    this.#journal.tell('paused', {});
  }

  /** Ends `pause()`, or tells the pool to open again at once after failures: also what is being opened is begun anew. */
  resume(): void {
    const now = this.#clock.now();
    this.#sizing.askedAgain();
    this.#health.report({ sign: 'hurry' });
    if (this.#state === 'paused') {
      this.#state = 'running';
      this.#journal.tell('resumed', {});
    }
    this.#lifecycle.abandonSlow(now, slowAtLeast);
    this.#dispatch();
  }

  /**
   * Changes the bounds at once. What is idle above the maximum is closed; what is leased, at its release.
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
    this.#dispatch();
  }

  /** Replaces every connection there is: the idle ones and those being opened now, the leased ones at their release. */
  recycleAll(): void {
    const { idle, total } = this.#inventory;
    this.#journal.tell('recycledAll', { connections: total });
    this.#lifecycle.newGeneration();
    while (idle.oldest !== undefined) this.#lifecycle.retire(idle.oldest, 'recycled');
    this.#dispatch();
  }

  /**
   * Refuses callers who wait or come, lets leases finish for `gracePeriod` milliseconds (0: not at all), then aborts
   * them. Safe at any moment; a second call gets the same report.
   */
  shutdown(gracePeriod: number): Promise<ShutdownReport> {
    if (this.#drain !== undefined) return this.#drain.report;
    const waiting = this.#line.length;
    const { leased } = this.#inventory.counts;
    this.#state = 'draining';
    this.#upkeep.end();
    this.#openTimer?.cancel();
    this.#journal.tell('shutdownStarted', { leased, waiting, gracePeriod });
    this.#refuseAllWaiters('shutdown');
    const ending = this.#shutdownError();
    this.#warmUp.end(ending);
    const parts = {
      clock: this.#clock,
      inventory: this.#inventory,
      journal: this.#journal,
      lifecycle: this.#lifecycle,
    };
    const drain = new Drain(parts, gracePeriod, waiting, ending);
    this.#drain = drain;
    this.#dispatch();
    return drain.report;
  }

  statistics(): PoolStatistics {
    const oldest = this.#line.oldest;
    return this.#journal.statistics({
      ...this.#inventory.shown,
      total: this.#inventory.total,
      state: this.#state,
      minConnections: this.#sizing.min,
      maxConnections: this.#sizing.max,
      identities: this.#inventory.identities,
      waiting: this.#line.length,
      oldestWaiter: oldest === undefined ? 0 : this.#clock.now() - oldest.since,
    });
  }

  /** What an error carries: the present state in a few numbers. */
  snapshot(): PoolSnapshot {
    const { lastError } = this.#health;
    return {
      ...this.#inventory.shown,
      state: this.#state,
      maxConnections: this.#sizing.max,
      waiting: this.#line.length,
      ...(lastError === undefined ? {} : { lastOpenError: messageOf(lastError) }),
    };
  }

  // Waiters who are not served

  #timeOut(waiter: Waiter<R, I>): void {
    const waited = this.#clock.now() - waiter.since;
    const cause = this.#health.lastError;
    const error = acquireTimedOut(waiter.timeout, { snapshot: this.snapshot(), waited, cause });
    this.#line.leave(waiter, 'timedOut');
    this.#inventory.forgetUnused(waiter.group);
    waiter.reject(error);
    this.#journal.acquireTimedOut(waiter.acquire, error);
  }

  #abortWaiter(waiter: Waiter<R, I>, reason: unknown): void {
    this.#line.leave(waiter, 'aborted');
    this.#inventory.forgetUnused(waiter.group);
    waiter.reject(this.#abort(waiter.acquire, this.#clock.now() - waiter.since, reason));
  }

  #abort(acquire: number, waited: number, reason: unknown): AcquireError {
    const error = acquireAborted({ snapshot: this.snapshot(), waited, cause: reason });
    this.#journal.acquireAborted(acquire, error);
    return error;
  }

  #refuse(acquire: number, reason: RefusalReason, waited: number): AcquireError {
    const error = acquireRefused(reason, {
      snapshot: this.snapshot(),
      waited,
      maxWaiters: this.#settings.maxWaiters,
      nextProbeIn: this.#health.openFor(this.#clock.now()),
      cause: reason === 'circuit-open' ? this.#health.lastError : undefined,
    });
    this.#journal.acquireRefused(acquire, reason, error);
    return error;
  }

  #refuseAllWaiters(reason: RefusalReason): void {
    const now = this.#clock.now();
    for (let waiter = this.#line.first; waiter !== undefined; waiter = this.#line.first) {
      this.#line.leave(waiter, 'refused');
      this.#inventory.forgetUnused(waiter.group);
      waiter.reject(this.#refuse(waiter.acquire, reason, now - waiter.since));
    }
  }

  #failWaiters(group: IdentityGroup<I>, cause: unknown): void {
    const now = this.#clock.now();
    for (let waiter = this.#line.firstOf(group); waiter !== undefined; waiter = this.#line.firstOf(group)) {
      const error = acquireFailed({ snapshot: this.snapshot(), waited: now - waiter.since, cause });
      this.#line.leave(waiter, 'failed');
      this.#inventory.forgetUnused(group);
      waiter.reject(error);
      this.#journal.acquireFailed(waiter.acquire, group === this.#inventory.ownGroup, error);
    }
  }

  #shutdownError(): Error {
    return acquireRefused('shutdown', { snapshot: this.snapshot(), waited: 0 });
  }

  /** No connection is there that could serve, and none is opened for now. */
  #isCutOff(now: number): boolean {
    return this.#health.circuit === 'open' && this.#inventory.live === 0 && this.#health.openFor(now) > 0;
  }

  // Matching

  /** Gives idle connections to those who wait, then opens what is still wanted. The only place where either happens. */
  #dispatch(): void {
    if (this.#dispatching) {
      this.#dispatchAgain = true;
      return;
    }
    this.#dispatching = true;
    do {
      this.#dispatchAgain = false;
      if (this.#state === 'running') {
        const now = this.#clock.now();
        this.#matchWaiters(now);
        this.#openWanted(now);
        if (this.#line.length > 0 && this.#isCutOff(now)) {
          this.#lastAsked = now;
          this.#refuseAllWaiters('circuit-open');
        }
        this.#health.tellChange(this.#state, now);
      }
    } while (this.#dispatchAgain);
    this.#dispatching = false;
    this.#warmUp.look(this.#inventory.live, this.#sizing.kept);
    if (this.#drain?.finish()) this.#state = 'closed';
  }

  /**
   * Goes along the line while anything is idle. Each waiter is given an idle connection of its identity, or has one made
   * ready for it (probed, or switched to its identity); then it stays in the line, and gets whichever works first.
   */
  #matchWaiters(now: number): void {
    const { idle } = this.#inventory;
    /** How many of an identity are being made ready for waiters that stand before this one. */
    let claimed: Map<IdentityGroup<I>, number> | undefined;
    /** How many waiters so far want one that is opened for them. */
    let fresh = 0;
    let waiter = this.#line.first;
    while (waiter !== undefined && idle.oldest !== undefined) {
      const { group } = waiter;
      const matching = idle.newestOf(group);
      const member = matching ?? idle.oldest;
      const unfit = this.#lifecycle.whyUnfit(member, now);
      if (unfit !== undefined) {
        this.#lifecycle.retire(member, unfit);
        continue;
      }
      const next = this.#line.after(waiter);
      if (waiter.isTooLate(now)) {
        this.#timeOut(waiter);
      } else if (waiter.fresh) {
        // There has to be room for the connection that is opened for it.
        const isOnItsWay = ++fresh <= this.#inventory.counts.opening;
        if (!isOnItsWay && this.#inventory.total >= this.#sizing.max) this.#lifecycle.retire(idle.oldest, 'recycled');
      } else if (member === matching && this.#lifecycle.isTrusted(member, now)) {
        this.#lendTo(waiter, member, now, true);
      } else {
        claimed ??= new Map();
        const claims = claimed.get(group) ?? 0;
        claimed.set(group, claims + 1);
        if (claims >= group.preparing) {
          if (member === matching) this.#lifecycle.probe(member);
          else if (this.#sizing.mayChange(group, now)) this.#lifecycle.change(member, group);
        }
      }
      waiter = next;
    }
  }

  #openWanted(now: number): void {
    const asked = this.#line.length > 0 || now - this.#lastAsked < askedFor;
    // While callers are refused, one connection is tried for them.
    const forRefused = asked && this.#health.circuit !== 'closed' && this.#inventory.live === 0 ? 1 : 0;
    const atLeast = Math.max(this.#warmUp.wanted, forRefused);
    for (;;) {
      const group = this.#sizing.wanted(now, atLeast, !this.#lifecycle.probesFail);
      if (group === undefined) {
        const next = this.#inventory.nextAfterSilence(now);
        if (next !== Number.POSITIVE_INFINITY) this.#dispatchLater(next - now);
        return;
      }
      const wait = Math.max(this.#sizing.untilRoom(now, this.#journal), this.#health.wait(now, asked));
      if (wait > 0) {
        this.#dispatchLater(wait);
        return;
      }
      this.#lifecycle.open(group);
    }
  }

  #dispatchLater(wait: number): void {
    this.#openTimer?.cancel();
    if (wait === Number.POSITIVE_INFINITY) return;
    // A part of a millisecond may be lost by rounding, and the pool would look again at the same moment.
    this.#openTimer = this.#clock.timer(Math.max(1, wait), true, () => this.#dispatch());
  }

  /**
   * Lends to the first waiter for its identity, or keeps the connection as idle.
   */
  #offer(member: PooledResource<R, I>, now: number, reused: boolean): void {
    let waiter = this.#state === 'running' ? this.#line.firstOf(member.group) : undefined;
    while (waiter !== undefined) {
      const next = this.#nextOfGroup(waiter);
      const wantsAnother = waiter.fresh && (reused || member.since < waiter.since);
      if (waiter.isTooLate(now)) this.#timeOut(waiter);
      else if (!wantsAnother) break;
      waiter = next;
    }
    if (waiter === undefined) this.#keepIdle(member, now);
    else this.#lendTo(waiter, member, now, reused);
  }

  #nextOfGroup(waiter: Waiter<R, I>): Waiter<R, I> | undefined {
    let next = this.#line.after(waiter);
    while (next !== undefined && next.group !== waiter.group) next = this.#line.after(next);
    return next;
  }

  #lendTo(waiter: Waiter<R, I>, member: PooledResource<R, I>, now: number, reused: boolean): void {
    this.#line.leave(waiter, 'served');
    const { acquire, origin, since } = waiter;
    waiter.resolve(this.#lend(member, acquire, origin, now - since, now, reused));
  }

  #lend(
    member: PooledResource<R, I>,
    acquire: number,
    origin: string | undefined,
    waited: number,
    now: number,
    reused: boolean,
  ): Lease<R> {
    this.#inventory.move(member, 'leased');
    member.uses++;
    member.leasedAt = now;
    member.overdue = false;
    member.reportedIdle = false;
    const lease = new Lease<R>(this.#leaseOwner, member, origin);
    member.lease = lease;
    this.#journal.acquired(acquire, member.id, waited, reused, now);
    return lease;
  }

  // The end of a lease

  #release(lease: Lease<R>, member: PooledResource<R, I>): void {
    const before = lease.end('released');
    // A lease that the shutdown aborted is released by its holder later, and rightly so.
    if (before === 'revoked') return;
    if (before === 'released') {
      this.#journal.releasedTwice(member.id);
      return;
    }
    const now = this.#clock.now();
    member.lease = undefined;
    this.#journal.released(member.id, now - member.leasedAt, member.uses, now);
    if (this.#health.troubled || member.retirement === 'unanswered') this.#reportCalls(member, now);
    const unfit = this.#lifecycle.whyUnfit(member, now);
    if (unfit === undefined && this.#isClean(member)) {
      member.provenAt = now;
      // Fast paths for the two common cases: hand over to the next waiter, or no waiter at all. Otherwise dispatch.
      const next = this.#line.first;
      if (next === undefined && this.#state === 'running') {
        this.#keepIdle(member, now);
        return;
      }
      const isNext = next?.group === member.group && !next.fresh && !next.isTooLate(now);
      if (isNext && !this.#dispatching && this.#state === 'running' && this.#lifecycle.isTrusted(member, now)) {
        this.#lendTo(next, member, now, true);
        return;
      }
      this.#keepIdle(member, now);
    } else if (unfit === undefined || this.#mayFinish(member, unfit)) {
      this.#lifecycle.reset(member);
    } else {
      this.#lifecycle.retire(member, unfit);
    }
    this.#dispatch();
  }

  /** What the calls of a lease have shown of the server. */
  #reportCalls(member: PooledResource<R, I>, now: number): void {
    const { group, since: began } = member;
    if (member.retirement === 'unanswered') {
      this.#health.noAnswer(group, began, new Error('a call got no answer in time'));
      return;
    }
    const at = this.#ask(() => this.#factory.answeredAt(member.resource as R)) ?? Number.NEGATIVE_INFINITY;
    if (at >= member.leasedAt) this.#health.report({ sign: 'answered', began, at: Math.min(at, now), byCall: true });
  }

  #isClean(member: PooledResource<R, I>): boolean {
    try {
      return this.#factory.isClean(member.resource as R);
    } catch {
      // The reset finds out.
      return false;
    }
  }

  /** Although it will be closed, what is under way on it may end first. */
  #mayFinish(member: PooledResource<R, I>, unfit: CloseReason): boolean {
    if (unfit === 'died' || unfit === 'cut-off' || unfit === 'unanswered') return false;
    return this.#ask(() => this.#factory.idleFor(member.resource as R) ?? 'busy') === 'busy';
  }

  /** A release never throws, whatever the factory does. */
  #ask<T>(question: () => T): T | undefined {
    try {
      return question();
    } catch {
      return undefined;
    }
  }

  #isFit(member: PooledResource<R, I>, now: number): boolean {
    return this.#lifecycle.whyUnfit(member, now) === undefined;
  }

  #keepIdle(member: PooledResource<R, I>, now: number): void {
    this.#inventory.move(member, 'idle');
    member.idleSince = now;
  }
}

import { AcquireAbortedError, type AcquireError, AcquireTimeoutError, type PoolSnapshot } from '../errors/acquire.js';
import { UsageError } from '../errors/configuration.js';
import { DeadlineError } from '../errors/connect.js';
import { messageOf } from '../errors/error-message.js';
import type { Clock, Timer } from '../time/clock.js';
import { onAbort } from '../time/on-abort.js';
import { acquireAborted, acquireFailed, acquireRefused, acquireTimedOut } from './acquire-errors.js';
import { attempt, type Outcome, type Step } from './attempt.js';
import { Deadlines } from './deadlines.js';
import { Emitter, type PoolEvents, type RefusalReason } from './events.js';
import { ExpiryWheel } from './expiry-wheel.js';
import { HealthMonitor } from './health-monitor.js';
import { IdleConnections } from './idle-connections.js';
import { type Identity, Kind } from './kind.js';
import { Lease } from './lease.js';
import { type Breaker, OpeningPolicy } from './opening-policy.js';
import type { AcquireOptions, PoolSettings, PoolSurroundings, ResourceFactory } from './settings.js';
import type { AbortedLease, ShutdownReport } from './shutdown-report.js';
import { type CloseReason, Slot, type SlotState } from './slot.js';
import { Counters, type PoolStatistics } from './statistics.js';
import { FirstComeQueue, Waiter, type WaiterState, type WaitQueue } from './waiter.js';

/** How often the pool looks after its connections, in milliseconds. */
const sweepInterval = 1000;
/** A sweep this late shows that the process stood still, and what it believed of its connections may be old. */
const gapThreshold = 3 * sweepInterval;
/** Lifetimes differ by this share in both directions, so that connections born together do not die together. */
const lifetimeJitter = 0.1;

/**
 * A pool of anything that can be opened, probed, reset and closed. It knows no database, no socket and no clock of its
 * own.
 *
 * All state changes happen synchronously in here, each in one place: {@link Pool.move | #move} for connections,
 * {@link Pool.settle | #settle} for waiters. Work that takes time (open, probe, reset, close) comes back as an event,
 * which looks at the state again before it does anything. After every event {@link Pool.dispatch | #dispatch} matches
 * free connections with waiters and decides how many to open, from the state as it is, never from a count of events.
 */
export class Pool<R, I extends Identity = Identity> {
  readonly events: Emitter<PoolEvents> = new Emitter();
  readonly #factory: ResourceFactory<R, I>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #settings: PoolSettings;
  #min: number;
  #max: number;

  #state: PoolStatistics['state'] = 'running';
  #started = false;
  readonly #counters = new Counters();
  readonly #slots = new Set<Slot<R, I>>();
  readonly #idle = new IdleConnections<R, I>();
  readonly #home: Kind<R, I>;
  /** All others, by the key of their identity, for as long as they are in use. */
  readonly #kinds = new Map<string, Kind<R, I>>();
  readonly #lifetimes: ExpiryWheel<Slot<R, I>>;
  readonly #queue: WaitQueue<Waiter<R, I>> = new FirstComeQueue<Waiter<R, I>>();
  readonly #deadlines: Deadlines<Waiter<R, I>>;
  readonly #health: HealthMonitor<Slot<R, I>>;
  readonly #owner = { release: (lease: Lease<R>, slot: Slot<R>): void => this.#release(lease, slot as Slot<R, I>) };

  #lastSlot = 0;
  #generation = 0;
  #dispatching = false;
  #dispatchAgain = false;

  #sweepTimer: Timer | undefined;
  #lastSweep: number;
  /** What was proven before this moment is proven no more: the process stood still in between. */
  #distrustBefore = Number.NEGATIVE_INFINITY;
  #nextIdleRetirement = 0;
  /** The last probe failed: those under way are not counted on. */
  #probesFail = false;

  readonly #opening: OpeningPolicy;
  #openTimer: Timer | undefined;
  /** The first connection is insisted on, until it is there or this many attempts failed. */
  #starting: Insistence | undefined;

  #shutdown: Promise<ShutdownReport> | undefined;
  #finishShutdown: (() => void) | undefined;

  constructor(settings: PoolSettings, surroundings: PoolSurroundings<R, I>) {
    this.#settings = settings;
    this.#factory = surroundings.factory;
    this.#home = new Kind(surroundings.home);
    this.#clock = surroundings.clock;
    this.#random = surroundings.random;
    this.#opening = new OpeningPolicy(surroundings.backoff, surroundings.breaker);
    surroundings.breaker.onChange = () => this.#onCircuitChange();
    this.#min = settings.minConnections;
    this.#max = settings.maxConnections;
    this.#lastSweep = this.#clock.now();
    this.#lifetimes = new ExpiryWheel(this.#lastSweep);
    this.#health = new HealthMonitor(settings, this.#random, this.#lastSweep);
    this.#deadlines = new Deadlines(this.#clock, (waiter) => this.#timeOut(waiter));
    this.#armSweep();
  }

  get state(): PoolStatistics['state'] {
    return this.#state;
  }

  get circuit(): Breaker['state'] {
    return this.#opening.circuit;
  }

  /** Probes that failed in a row, and whether these are so many that the pool counts as unhealthy. */
  get health(): { readonly healthy: boolean; readonly failures: number } {
    const { healthy, failures } = this.#health;
    return { healthy, failures };
  }

  /**
   * Begins to open the warm connections.
   * @param attempts How often to try before giving up; 0 asks for no connection and resolves at once.
   * @returns Resolves with the first connection; rejects with the cause of the last failure.
   */
  start(attempts: number): Promise<void> {
    if (this.#state === 'draining' || this.#state === 'closed') return Promise.reject(this.#shutdownError());
    this.#started = true;
    if (this.events.has('started')) {
      this.events.emit('started', { minConnections: this.#min, maxConnections: this.#max });
    }
    if (attempts > 0 && this.#live() === 0) {
      this.#starting ??= insist(attempts);
      this.#opening.askedAgain();
    }
    const started = this.#starting?.promise ?? Promise.resolve();
    this.#dispatch();
    return started;
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
    const acquire = ++this.#counters.started;
    if (this.events.has('acquireStarted')) this.events.emit('acquireStarted', { acquire });
    if (this.#state === 'draining' || this.#state === 'closed')
      return Promise.reject(this.#refuse(acquire, 'shutdown'));
    if (signal?.aborted) return Promise.reject(this.#abort(acquire, 0, signal.reason));

    const now = this.#clock.now();
    if (now - this.#lastSweep > gapThreshold) this.#sweep();
    const kind = this.#kindOf(options?.identity);
    if (this.#queue.length === 0 && this.#state === 'running') {
      const slot = kind?.newestIdle;
      if (slot !== undefined && this.#isTrusted(slot, now) && this.#perished(slot, now) === undefined) {
        this.#idle.remove(slot);
        return Promise.resolve(this.#lend(slot, { acquire, origin: options?.origin }, 0, now, true));
      }
    }
    if (this.#isCutOff(now)) return Promise.reject(this.#refuse(acquire, 'circuit-open'));
    if (this.#queue.length >= this.#settings.maxWaiters + Math.max(0, this.#max - this.#counters.slots.leased)) {
      return Promise.reject(this.#refuse(acquire, 'queue-full'));
    }
    return new Promise((resolve, reject) => {
      const waiter = new Waiter<R, I>(
        acquire,
        kind ?? this.#addKind(options?.identity),
        now,
        timeout,
        resolve,
        reject,
        options?.origin,
      );
      if (signal !== undefined) {
        waiter.forgetSignal = onAbort(signal, () => {
          this.#settle(waiter, 'aborted');
          reject(this.#abort(acquire, this.#clock.now() - now, signal.reason));
        });
      }
      this.#queue.add(waiter);
      waiter.kind.waiters.append(waiter.place);
      this.#deadlines.add(waiter);
      if (waiter.kind === this.#home) this.#opening.askedAgain();
      this.#dispatch();
    });
  }

  /** Counts an acquire that failed before it asked for a connection, and tells of it. */
  noteFailure(error: AcquireError): void {
    const acquire = ++this.#counters.started;
    const { waited } = error;
    if (this.events.has('acquireStarted')) this.events.emit('acquireStarted', { acquire });
    const [counter, event] =
      error instanceof AcquireTimeoutError
        ? (['timedOut', 'acquireTimedOut'] as const)
        : error instanceof AcquireAbortedError
          ? (['aborted', 'acquireAborted'] as const)
          : (['failed', 'acquireFailed'] as const);
    this.#counters[counter]++;
    if (this.events.has(event)) this.events.emit(event, { acquire, waited, error });
  }

  /** Takes back a lease that nobody holds any more. One that ended in time is no mistake. */
  reclaim(lease: Lease<R>): void {
    if (!lease.active) return;
    this.#counters.reclaimed++;
    if (this.events.has('leaseReclaimed')) {
      const { id: connection, origin } = lease;
      this.events.emit('leaseReclaimed', { connection, held: this.#clock.now() - lease.since, origin });
    }
    lease.release();
  }

  /** Lends nothing and opens nothing until `resume()`; leases go on, acquires wait on their own deadlines. */
  pause(): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    if (this.events.has('paused')) this.events.emit('paused', {});
  }

  /** Ends `pause()`, or tells the pool to open again after a failure for good. */
  resume(): void {
    this.#opening.askedAgain();
    this.#opening.hurry(this.#clock.now());
    if (this.#state === 'paused') {
      this.#state = 'running';
      if (this.events.has('resumed')) this.events.emit('resumed', {});
    }
    this.#dispatch();
  }

  /** Changes the bounds at once. What is idle above the maximum is closed; what is leased, at its release. */
  resize(bounds: { minConnections?: number | undefined; maxConnections?: number | undefined }): void {
    const max = bounds.maxConnections ?? this.#max;
    const min = bounds.minConnections ?? Math.min(this.#min, max);
    if (!Number.isInteger(max) || max < 1) {
      throw new UsageError(`maxConnections: given ${max}, allowed: a whole number, 1 or more`);
    }
    if (!Number.isInteger(min) || min < 0 || min > max) {
      throw new UsageError(`minConnections: given ${min}, allowed: a whole number from 0 to maxConnections (${max})`);
    }
    this.#min = min;
    this.#max = max;
    if (this.events.has('resized')) this.events.emit('resized', { minConnections: min, maxConnections: max });
    while (this.#counters.total > max && this.#idle.oldest !== undefined) this.#retire(this.#idle.oldest, 'resized');
    this.#dispatch();
  }

  /** Replaces every connection there is: the idle ones now, the leased ones at their release. */
  recycleAll(): void {
    this.#generation++;
    if (this.events.has('recycledAll')) this.events.emit('recycledAll', { connections: this.#counters.total });
    while (this.#idle.oldest !== undefined) this.#retire(this.#idle.oldest, 'recycled');
    this.#dispatch();
  }

  /**
   * Refuses whoever waits or comes, lets leases finish for `gracePeriod` milliseconds (0: not at all), then aborts
   * them. Safe at any moment; a second call gets the same report.
   */
  shutdown(gracePeriod: number): Promise<ShutdownReport> {
    this.#shutdown ??= this.#drain(gracePeriod);
    return this.#shutdown;
  }

  statistics(): PoolStatistics {
    const oldest = this.#queue.oldest;
    return this.#counters.statistics({
      state: this.#state,
      minConnections: this.#min,
      maxConnections: this.#max,
      identities: this.#kinds.size,
      waiting: this.#queue.length,
      oldestWaiter: oldest === undefined ? 0 : this.#clock.now() - oldest.since,
    });
  }

  /** What an error carries: the present state in a few numbers. */
  snapshot(): PoolSnapshot {
    const { idle, leased, opening, validating, resetting, closing } = this.#counters.slots;
    return {
      state: this.#state,
      maxConnections: this.#max,
      idle,
      leased,
      opening,
      validating,
      resetting,
      closing,
      waiting: this.#queue.length,
      ...(this.#opening.lastError === undefined ? {} : { lastOpenError: messageOf(this.#opening.lastError) }),
    };
  }

  // Waiters

  /** The one way out of the queue. */
  #settle(waiter: Waiter<R, I>, state: Exclude<WaiterState, 'waiting'>): void {
    waiter.state = state;
    this.#queue.remove(waiter);
    this.#deadlines.remove(waiter);
    waiter.kind.waiters.remove(waiter.place);
    this.#forgetUnused(waiter.kind);
    waiter.forgetSignal?.();
  }

  #timeOut(waiter: Waiter<R, I>): void {
    const snapshot = this.snapshot();
    this.#settle(waiter, 'timedOut');
    this.#counters.timedOut++;
    const waited = this.#clock.now() - waiter.since;
    const error = acquireTimedOut(waiter.timeout, { snapshot, waited, cause: this.#opening.lastError });
    waiter.reject(error);
    if (this.events.has('acquireTimedOut')) {
      this.events.emit('acquireTimedOut', { acquire: waiter.acquire, waited, error });
    }
  }

  #abort(acquire: number, waited: number, reason: unknown): AcquireAbortedError {
    this.#counters.aborted++;
    const error = acquireAborted({ snapshot: this.snapshot(), waited, cause: reason });
    if (this.events.has('acquireAborted')) this.events.emit('acquireAborted', { acquire, waited, error });
    return error;
  }

  #refuse(acquire: number, reason: RefusalReason): Error {
    if (reason === 'shutdown') this.#counters.refusedShutdown++;
    else if (reason === 'queue-full') this.#counters.refusedQueueFull++;
    else this.#counters.refusedCircuitOpen++;
    const error = acquireRefused(reason, {
      snapshot: this.snapshot(),
      maxWaiters: this.#settings.maxWaiters,
      nextProbeIn: this.#opening.openFor(this.#clock.now()),
      cause: reason === 'circuit-open' ? this.#opening.lastError : undefined,
    });
    if (this.events.has('acquireRefused')) this.events.emit('acquireRefused', { acquire, reason, error });
    return error;
  }

  #refuseAllWaiters(reason: RefusalReason): void {
    for (let waiter = this.#queue.next; waiter !== undefined; waiter = this.#queue.next) {
      this.#settle(waiter, 'refused');
      waiter.reject(this.#refuse(waiter.acquire, reason));
    }
  }

  /** This identity cannot be had: whoever waits for it is told. */
  #failWaiters(kind: Kind<R, I>, cause: unknown): void {
    for (let waiter = kind.waiters.first?.owner; waiter !== undefined; waiter = kind.waiters.first?.owner) {
      const waited = this.#clock.now() - waiter.since;
      const error = acquireFailed({ snapshot: this.snapshot(), waited, cause });
      this.#settle(waiter, 'failed');
      this.#counters.failed++;
      waiter.reject(error);
      if (this.events.has('acquireFailed')) {
        this.events.emit('acquireFailed', { acquire: waiter.acquire, waited, error });
      }
    }
  }

  #shutdownError(): Error {
    return acquireRefused('shutdown', { snapshot: this.snapshot() });
  }

  /** Connections that are open, whatever is being done with them. */
  #live(): number {
    const { idle, leased, validating, resetting } = this.#counters.slots;
    return idle + leased + validating + resetting;
  }

  /** Nothing is there that could serve, and nothing is opened for now. */
  #isCutOff(now: number): boolean {
    return this.#live() === 0 && this.#opening.openFor(now) > 0;
  }

  #onCircuitChange(): void {
    if (!this.events.has('circuitChanged')) return;
    const nextProbeIn = this.#opening.openFor(this.#clock.now());
    this.events.emit('circuitChanged', { state: this.#opening.circuit, nextProbeIn, error: this.#opening.lastError });
  }

  // Kinds

  #kindOf(identity: I | undefined): Kind<R, I> | undefined {
    if (identity === undefined || identity.key === this.#home.identity.key) return this.#home;
    return this.#kinds.get(identity.key);
  }

  #addKind(identity: I | undefined): Kind<R, I> {
    if (identity === undefined) return this.#home;
    const kind = new Kind<R, I>(identity);
    this.#kinds.set(identity.key, kind);
    return kind;
  }

  #forgetUnused(kind: Kind<R, I>): void {
    if (kind !== this.#home && !kind.inUse) this.#kinds.delete(kind.identity.key);
  }

  // Matching

  /** Gives what is free to those who wait, then opens what is still wanted. The only place where either happens. */
  #dispatch(): void {
    if (this.#dispatching) {
      this.#dispatchAgain = true;
      return;
    }
    this.#dispatching = true;
    do {
      this.#dispatchAgain = false;
      if (this.#state === 'running') {
        this.#serve();
        this.#openWanted();
        if (this.#queue.length > 0 && this.#isCutOff(this.#clock.now())) this.#refuseAllWaiters('circuit-open');
      }
    } while (this.#dispatchAgain);
    this.#dispatching = false;
    if (this.#slots.size === 0) this.#finishShutdown?.();
  }

  /**
   * Goes along the queue while anything is idle. Each waiter is given an idle connection of its kind, or has one made
   * ready for it (probed, or made into one of its kind); then it stays in the queue, and gets whichever works first.
   */
  #serve(): void {
    const now = this.#clock.now();
    /** How many of a kind are being made ready for waiters that stand before this one. */
    let claimed: Map<Kind<R, I>, number> | undefined;
    let waiter = this.#queue.next;
    while (waiter !== undefined && this.#idle.oldest !== undefined) {
      const { kind } = waiter;
      const matching = kind.newestIdle;
      const slot = matching ?? this.#idle.oldest;
      const perished = this.#perished(slot, now);
      if (perished !== undefined) {
        this.#retire(slot, perished);
        continue;
      }
      const next = this.#queue.after(waiter);
      if (waiter.deadline <= now) {
        this.#timeOut(waiter);
      } else if (slot === matching && this.#isTrusted(slot, now)) {
        this.#idle.remove(slot);
        this.#handOver(slot, now, true);
      } else {
        claimed ??= new Map();
        const claims = claimed.get(kind) ?? 0;
        claimed.set(kind, claims + 1);
        if (claims >= kind.preparing) {
          if (slot === matching) this.#validate(slot);
          else this.#change(slot, kind);
        }
      }
      waiter = next;
    }
  }

  /** Lends to the first waiter of its kind whose time is not over, or keeps the connection as idle. */
  #handOver(slot: Slot<R, I>, now: number, reused: boolean): void {
    while (this.#state === 'running') {
      const waiter = slot.kind.waiters.first?.owner;
      if (waiter === undefined) break;
      if (waiter.deadline <= now) {
        this.#timeOut(waiter);
        continue;
      }
      this.#settle(waiter, 'served');
      waiter.resolve(this.#lend(slot, waiter, now - waiter.since, now, reused));
      return;
    }
    this.#keepIdle(slot, now);
  }

  #openWanted(): void {
    const { slots } = this.#counters;
    for (let kind = this.#wanted(); kind !== undefined; kind = this.#wanted()) {
      if (slots.opening >= this.#settings.maxConnecting) return;
      // Closing goes on beside, but not without bounds: where nothing closes any more, nothing is opened either.
      if (slots.closing + slots.opening > this.#max) return;
      const wait = this.#opening.wait(this.#clock.now());
      if (wait > 0) {
        this.#openLater(wait);
        return;
      }
      this.#open(kind);
    }
  }

  /** What one more connection is wanted of: for a waiter nothing is under way for, or for the minimum. */
  #wanted(): Kind<R, I> | undefined {
    const total = this.#counters.total;
    if (total >= this.#max) return undefined;
    for (let waiter = this.#queue.next; waiter !== undefined; waiter = this.#queue.after(waiter)) {
      const { waiters, opening, preparing } = waiter.kind;
      // After one probe that failed the others may fail as well.
      if (waiters.length > opening + (this.#probesFail ? 0 : preparing)) return waiter.kind;
    }
    if (this.#opening.stopped) return undefined;
    const warm = this.#started && this.#settings.warmConnections ? this.#min : 0;
    return total < (this.#starting === undefined ? warm : Math.max(warm, 1)) ? this.#home : undefined;
  }

  #openLater(wait: number): void {
    this.#openTimer?.cancel();
    if (wait === Number.POSITIVE_INFINITY) return;
    this.#openTimer = this.#clock.timer(wait, true, () => this.#dispatch());
  }

  // The life of a connection

  /** The one way from state to state. */
  #move(slot: Slot<R, I>, state: SlotState): void {
    const wasLive = slot.state !== 'closing';
    this.#counters.moved(slot.state, state);
    countSupply(slot, -1);
    slot.state = state;
    slot.changing = false;
    countSupply(slot, 1);
    if (wasLive && (state === 'closing' || state === 'closed')) {
      slot.kind.connections--;
      this.#forgetUnused(slot.kind);
    }
  }

  #become(slot: Slot<R, I>, kind: Kind<R, I>): void {
    const former = slot.kind;
    countSupply(slot, -1);
    former.connections--;
    slot.kind = kind;
    kind.connections++;
    countSupply(slot, 1);
    this.#forgetUnused(former);
  }

  #open(kind: Kind<R, I>): void {
    const slot = new Slot<R, I>(++this.#lastSlot, kind, this.#generation, this.#clock.now());
    this.#opening.attempted(slot.since);
    this.#slots.add(slot);
    this.#counters.slots.opening++;
    kind.connections++;
    kind.opening++;
    if (this.events.has('opening')) this.events.emit('opening', { connection: slot.id });
    attempt(
      this.#clock,
      slot,
      {
        name: 'opening a connection',
        timeout: this.#settings.openTimeout,
        start: (signal) =>
          this.#factory.open({
            id: slot.id,
            identity: kind.identity,
            signal,
            died: (error) => this.#onDeath(slot, error),
          }),
      },
      (outcome) => {
        if (outcome.ok) this.#onOpened(slot, outcome.value);
        else this.#onOpenFailed(slot, outcome.error, outcome.unfinished);
        this.#dispatch();
      },
    );
  }

  #onOpened(slot: Slot<R, I>, resource: R): void {
    const now = this.#clock.now();
    const duration = now - slot.since;
    const { maxLifetime } = this.#settings;
    slot.resource = resource;
    slot.since = now;
    slot.provenAt = now;
    if (maxLifetime > 0) slot.expiresAt = now + maxLifetime * (1 + lifetimeJitter * (2 * this.#random() - 1));
    this.#lifetimes.add(slot);
    this.#health.watch(slot);
    this.#opening.succeeded(now);
    this.#onHealthy();
    if (slot.kind === this.#home) this.#opening.askedAgain();
    this.#counters.opened++;
    this.#counters.openTime.record(duration);
    if (this.events.has('opened')) this.events.emit('opened', { connection: slot.id, duration });
    this.#starting?.resolve();
    this.#starting = undefined;
    if (slot.state !== 'opening') return;
    this.#handOverOrRetire(slot, now, false);
  }

  #onOpenFailed(slot: Slot<R, I>, reason: unknown, unfinished: Promise<R> | undefined): void {
    const now = this.#clock.now();
    const { kind } = slot;
    const error = unfinished === undefined ? reason : (this.#factory.givenUp?.(reason) ?? reason);
    this.#endWithoutResource(slot, unfinished);
    if (this.#state === 'draining' || this.#state === 'closed') return;
    const fatal = this.#factory.isFatal(error);
    const atHome = kind === this.#home;
    const retryIn = fatal ? undefined : this.#opening.failed(error, this.#factory.isAnswer(error), slot.since, now);
    // It is an answer all the same: whoever asks again gets the next one at once.
    if (fatal) this.#opening.hurry(now);
    if (fatal && atHome) this.#opening.stop(error);
    this.#counters.openFailed++;
    if (this.events.has('openFailed')) {
      this.events.emit('openFailed', { connection: slot.id, duration: now - slot.since, error, retryIn });
    }
    if (atHome && this.#starting !== undefined && (fatal || --this.#starting.attempts <= 0)) {
      this.#starting.reject(error);
      this.#starting = undefined;
    }
    if (fatal) this.#failWaiters(kind, error);
  }

  /** @param unfinished Set when opening was given up while it goes on: what it may still bring is closed. */
  #endWithoutResource(slot: Slot<R, I>, unfinished: Promise<R> | undefined): void {
    if (unfinished === undefined) {
      this.#move(slot, 'closed');
      this.#slots.delete(slot);
      return;
    }
    this.#move(slot, 'closing');
    const closeLateArrival = async (signal: AbortSignal): Promise<void> => {
      const arrival = await unfinished.then(
        (resource) => ({ resource }),
        () => undefined,
      );
      if (arrival !== undefined) await this.#factory.close(arrival.resource, signal);
    };
    const step = { name: 'closing a late connection', timeout: this.#settings.closeTimeout, start: closeLateArrival };
    attempt(this.#clock, slot, step, () => {
      this.#move(slot, 'closed');
      this.#slots.delete(slot);
      this.#dispatch();
    });
  }

  #lend(slot: Slot<R, I>, { acquire, origin }: Caller, waited: number, now: number, reused: boolean): Lease<R> {
    this.#move(slot, 'leased');
    slot.uses++;
    slot.leasedAt = now;
    slot.overdue = false;
    slot.reportedIdle = false;
    const lease = new Lease<R>(this.#owner, slot, origin);
    slot.lease = lease;
    this.#counters.served++;
    if (reused) this.#counters.reused++;
    this.#counters.waitTime.record(waited);
    if (this.events.has('acquired')) {
      this.events.emit('acquired', { acquire, connection: slot.id, waited, reused });
    }
    return lease;
  }

  #release(lease: Lease<R>, slot: Slot<R, I>): void {
    const before = lease.end('released');
    // A lease that the shutdown aborted is released by its holder later, and rightly so.
    if (before === 'revoked') return;
    if (before === 'released') {
      this.#counters.releasedTwice++;
      if (this.events.has('releasedTwice')) this.events.emit('releasedTwice', { connection: slot.id });
      return;
    }
    const now = this.#clock.now();
    const held = now - slot.leasedAt;
    slot.lease = undefined;
    this.#counters.leaseTime.record(held);
    const perished = this.#perished(slot, now);
    let passedOn = false;
    if (perished === undefined ? !this.#isClean(slot) : this.#mayFinish(slot, perished)) {
      this.#reset(slot);
    } else if (perished === undefined) {
      slot.provenAt = now;
      passedOn = this.#isAwaited(slot, now);
      if (!passedOn) this.#keepIdle(slot, now);
    } else {
      this.#retire(slot, perished);
    }
    if (this.events.has('released')) this.events.emit('released', { connection: slot.id, held, uses: slot.uses });
    // Both shortcuts are for the two commonest cases, which come to the same as a dispatch: who is next gets it, and
    // where nobody waits and no connection went, there is nothing to match and nothing to open.
    if (passedOn) this.#handOver(slot, now, true);
    if (slot.state === 'leased' || (slot.state === 'idle' && this.#queue.length === 0)) return;
    this.#dispatch();
  }

  /** Whether whoever is next waits for one like this, and may have it as it is. */
  #isAwaited(slot: Slot<R, I>, now: number): boolean {
    if (this.#dispatching || this.#state !== 'running') return false;
    return this.#queue.next?.kind === slot.kind && this.#isTrusted(slot, now);
  }

  #isClean(slot: Slot<R, I>): boolean {
    try {
      return this.#factory.isClean(slot.resource as R);
    } catch {
      // Nobody knows: the reset finds out.
      return false;
    }
  }

  /** Although it will be closed, what is under way on it may end first. */
  #mayFinish(slot: Slot<R, I>, perished: CloseReason): boolean {
    return perished !== 'died' && perished !== 'cut-off' && this.#factory.idleFor(slot.resource as R) === undefined;
  }

  #keepIdle(slot: Slot<R, I>, now: number): void {
    this.#move(slot, 'idle');
    slot.idleSince = now;
    this.#idle.add(slot);
  }

  /**
   * Does something with a connection that is on its way from one state to another. What that comes to counts only when
   * the connection still waits for it: it may have been retired meanwhile.
   */
  #step(
    slot: Slot<R, I>,
    step: Step<void>,
    done: (outcome: Outcome<void>, now: number, duration: number) => void,
  ): void {
    const { state } = slot;
    const began = this.#clock.now();
    attempt(this.#clock, slot, step, (outcome) => {
      if (slot.state !== state) return;
      const now = this.#clock.now();
      done(outcome, now, now - began);
      this.#dispatch();
    });
  }

  #reset(slot: Slot<R, I>): void {
    this.#move(slot, 'resetting');
    const step = {
      name: 'resetting a connection',
      timeout: this.#settings.resetTimeout,
      start: (signal: AbortSignal) => this.#factory.reset(slot.resource as R, signal),
    };
    this.#step(slot, step, (outcome, now, duration) => {
      const connection = slot.id;
      if (outcome.ok) {
        this.#counters.resets++;
        this.#proved(slot, now);
        this.#keepIdleOrRetire(slot, now);
        if (this.events.has('reset')) this.events.emit('reset', { connection, duration });
        return;
      }
      const { error } = outcome;
      this.#counters.resetsFailed++;
      this.#noAnswer(slot, error, now);
      this.#retire(slot, 'reset-failed');
      if (this.events.has('resetFailed')) this.events.emit('resetFailed', { connection, duration, error });
    });
  }

  /** Makes an idle connection into one of another kind. */
  #change(slot: Slot<R, I>, kind: Kind<R, I>): void {
    const { identity } = slot.kind;
    this.#idle.remove(slot);
    this.#become(slot, kind);
    this.#move(slot, 'resetting');
    slot.changing = true;
    countSupply(slot, 1);
    const step = {
      name: 'changing the identity of a connection',
      timeout: this.#settings.resetTimeout,
      start: (signal: AbortSignal) => this.#factory.change(slot.resource as R, kind.identity, signal),
    };
    this.#step(slot, step, (outcome, now, duration) => {
      const connection = slot.id;
      if (outcome.ok) {
        this.#counters.changes++;
        this.#proved(slot, now);
        this.#handOverOrRetire(slot, now, true);
        if (this.events.has('changed')) this.events.emit('changed', { connection, duration });
        return;
      }
      const { error } = outcome;
      this.#counters.changesFailed++;
      if (this.#factory.isFatal(error)) {
        // The connection is what it was, and as good as before.
        this.#proved(slot, now);
        this.#become(slot, this.#kindOf(identity) ?? this.#addKind(identity));
        this.#keepIdleOrRetire(slot, now);
        this.#failWaiters(kind, error);
      } else {
        this.#probesFail = true;
        this.#noAnswer(slot, error, now);
        this.#retire(slot, 'reset-failed');
        // An answer would be the same on the next connection, and on the next.
        if (this.#factory.isAnswer(error)) this.#failWaiters(kind, error);
      }
      if (this.events.has('changeFailed')) this.events.emit('changeFailed', { connection, duration, error });
    });
  }

  /** Probes an idle connection, before it is lent or because it was not used for long. */
  #validate(slot: Slot<R, I>): void {
    this.#idle.remove(slot);
    this.#move(slot, 'validating');
    const step = {
      name: 'probing a connection',
      timeout: this.#settings.probeTimeout,
      start: (signal: AbortSignal) => this.#factory.probe(slot.resource as R, signal),
    };
    this.#step(slot, step, (outcome, now, duration) => {
      const connection = slot.id;
      if (outcome.ok) {
        this.#counters.probesPassed++;
        this.#proved(slot, now);
        this.#health.watch(slot);
        if (this.#perished(slot, now) === undefined && slot.kind.waiters.length === 0) this.#putBack(slot);
        else this.#handOverOrRetire(slot, now, true);
        if (this.events.has('validated')) this.events.emit('validated', { connection, duration });
        return;
      }
      const { error } = outcome;
      const { kind } = slot;
      const fatal = this.#factory.isFatal(error);
      this.#counters.probesFailed++;
      this.#probesFail = !fatal;
      // Of another identity an answer, such as that its session is over, tells of that identity and not of the pool.
      if (kind === this.#home || !(fatal || this.#factory.isAnswer(error))) this.#onUnhealthy(error);
      this.#noAnswer(slot, error, now);
      this.#retire(slot, fatal ? 'signed-out' : 'probe-failed');
      // The identity cannot be had any more: another connection of it would be refused as well.
      if (fatal) this.#failWaiters(kind, error);
      if (this.events.has('validationFailed')) this.events.emit('validationFailed', { connection, duration, error });
    });
  }

  /** A probe is no use: the connection is idle for as long as it was before. */
  #putBack(slot: Slot<R, I>): void {
    this.#move(slot, 'idle');
    this.#idle.putBack(slot);
  }

  #proved(slot: Slot<R, I>, now: number): void {
    slot.provenAt = now;
    this.#probesFail = false;
    this.#opening.answered(now);
    this.#onHealthy();
  }

  #onHealthy(): void {
    if (this.#health.passed()) this.#tellHealth(undefined);
  }

  #onUnhealthy(error: unknown): void {
    if (this.#health.failed()) this.#tellHealth(error);
  }

  #tellHealth(error: unknown): void {
    const { healthy, failures } = this.#health;
    if (this.events.has('healthChanged')) this.events.emit('healthChanged', { healthy, failures, error });
  }

  /** A step that got no answer in time tells of the endpoint; one that got a wrong answer tells of the connection. */
  #noAnswer(slot: Slot<R, I>, error: unknown, now: number): void {
    if (error instanceof DeadlineError) this.#opening.lost(slot.since, now);
  }

  #handOverOrRetire(slot: Slot<R, I>, now: number, reused: boolean): void {
    const perished = this.#perished(slot, now);
    if (perished === undefined) this.#handOver(slot, now, reused);
    else this.#retire(slot, perished);
  }

  #keepIdleOrRetire(slot: Slot<R, I>, now: number): void {
    const perished = this.#perished(slot, now);
    if (perished === undefined) this.#keepIdle(slot, now);
    else this.#retire(slot, perished);
  }

  #onDeath(slot: Slot<R, I>, error: unknown): void {
    const { state } = slot;
    if (state === 'closing' || state === 'closed') return;
    if (state !== 'opening' && this.events.has('died')) this.events.emit('died', { connection: slot.id, error });
    if (state !== 'opening') this.#opening.lost(slot.since, this.#clock.now());
    // A step under way has failed with it. A lease goes on until its user lets go: its calls fail meanwhile.
    if (slot.abandon !== undefined) slot.abandon(error instanceof Error ? error : new Error(messageOf(error)));
    else if (state === 'leased') slot.retirement ??= 'died';
    else this.#retire(slot, 'died');
    this.#dispatch();
  }

  /** Why this connection must not be lent again, if it must not. */
  #perished(slot: Slot<R, I>, now: number): CloseReason | undefined {
    const { recycleAfterUses } = this.#settings;
    if (slot.retirement !== undefined) return slot.retirement;
    if (slot.generation !== this.#generation) return 'recycled';
    if (now >= slot.expiresAt) return 'lifetime';
    if (recycleAfterUses > 0 && slot.uses >= recycleAfterUses) return 'uses';
    if (this.#counters.total > this.#max) return 'resized';
    if (this.#state === 'draining' || this.#state === 'closed') return 'shutdown';
    return undefined;
  }

  /** Whether this connection may be lent without a probe. */
  #isTrusted(slot: Slot<R, I>, now: number): boolean {
    if (slot.provenAt < this.#distrustBefore) return false;
    if (now >= this.#factory.lendableUntil(slot.resource as R)) return false;
    return !this.#settings.validateOnCheckout || now - slot.provenAt < this.#settings.validationInterval;
  }

  /** Its place is free from now on; closing goes on in the background, under its own deadline. */
  #retire(slot: Slot<R, I>, reason: CloseReason): void {
    if (slot.state === 'idle') this.#idle.remove(slot);
    const now = this.#clock.now();
    const age = now - slot.since;
    const { uses, abandon } = slot;
    const connection = slot.id;
    this.#move(slot, 'closing');
    abandon?.(new Error(`the connection is being closed: ${reason}`));
    this.#lifetimes.remove(slot);
    this.#health.forget(slot);
    if (this.events.has('closing')) this.events.emit('closing', { connection, reason, age, uses });
    attempt(
      this.#clock,
      slot,
      {
        name: 'closing a connection',
        timeout: this.#settings.closeTimeout,
        start: (signal) => this.#factory.close(slot.resource as R, signal),
      },
      (outcome) => {
        this.#move(slot, 'closed');
        this.#slots.delete(slot);
        this.#counters.closedBy[reason]++;
        if (this.events.has('closed')) {
          const duration = this.#clock.now() - now;
          const failure = outcome.ok ? {} : { error: outcome.error };
          this.events.emit('closed', { connection, reason, age, uses, duration, ...failure });
        }
        this.#dispatch();
      },
    );
  }

  // Looking after the idle ones

  #armSweep(): void {
    this.#sweepTimer?.cancel();
    this.#sweepTimer = this.#clock.timer(sweepInterval, false, () => this.#sweep());
  }

  #sweep(): void {
    const now = this.#clock.now();
    const duration = now - this.#lastSweep;
    this.#lastSweep = now;
    this.#armSweep();
    if (duration > gapThreshold) {
      this.#distrustBefore = now;
      if (this.events.has('gap')) this.events.emit('gap', { duration });
    }
    for (const slot of this.#lifetimes.takeExpired(now)) {
      if (slot.state === 'idle') this.#retire(slot, 'lifetime');
    }
    this.#retireIdle(now);
    this.#reportLeases(now);
    this.#checkHealth(now);
    this.#dispatch();
  }

  /**
   * Probes those that nobody has used for long, a few at a time, and only while nobody waits: who waits comes first. A
   * check that is put off is made at a later sweep.
   */
  #checkHealth(now: number): void {
    for (const slot of this.#health.takeDue(now)) {
      const { validating } = this.#counters.slots;
      const free = this.#queue.length === 0 && validating < this.#settings.maxConnecting;
      if (slot.state === 'idle' && free) this.#validate(slot);
      else this.#health.watchSoon(slot, now);
    }
  }

  /**
   * Closes at most one connection that was idle for the whole of `idleTimeout`, then waits for a quiet window: the
   * surplus of a burst goes within one more `idleTimeout`, step by step, instead of all in one second.
   */
  #retireIdle(now: number): void {
    const { idleTimeout } = this.#settings;
    const { oldest } = this.#idle;
    if (idleTimeout === 0 || oldest === undefined || this.#counters.total <= this.#min) return;
    if (now - oldest.idleSince < idleTimeout || now < this.#nextIdleRetirement) return;
    this.#nextIdleRetirement = now + idleTimeout / Math.max(1, this.#max - this.#min);
    this.#retire(oldest, 'idle');
  }

  /** Tells of leases that are held for long, and of those that are held for nothing, each once. */
  #reportLeases(now: number): void {
    const { leakDetectionThreshold, idleLeaseThreshold } = this.#settings;
    if (leakDetectionThreshold === 0 && idleLeaseThreshold === 0) return;
    for (const slot of this.#slots) {
      if (slot.state !== 'leased') continue;
      const connection = slot.id;
      const held = now - slot.leasedAt;
      const origin = slot.lease?.origin;
      if (leakDetectionThreshold > 0 && !slot.overdue && held >= leakDetectionThreshold) {
        slot.overdue = true;
        if (this.events.has('leaseOverdue')) this.events.emit('leaseOverdue', { connection, held, origin });
      }
      if (idleLeaseThreshold === 0 || slot.reportedIdle || held < idleLeaseThreshold) continue;
      const idle = Math.min(held, this.#factory.idleFor(slot.resource as R) ?? 0);
      if (idle < idleLeaseThreshold) continue;
      slot.reportedIdle = true;
      if (this.events.has('leaseIdle')) this.events.emit('leaseIdle', { connection, held, idle, origin });
    }
  }

  // The end

  #drain(gracePeriod: number): Promise<ShutdownReport> {
    const began = this.#clock.now();
    const { slots } = this.#counters;
    const closedBefore = this.#counters.closed;
    const waiting = this.#queue.length;
    const leased = slots.leased;
    const aborted: AbortedLease[] = [];
    this.#state = 'draining';
    this.#sweepTimer?.cancel();
    this.#openTimer?.cancel();
    if (this.events.has('shutdownStarted')) this.events.emit('shutdownStarted', { leased, waiting, gracePeriod });

    this.#refuseAllWaiters('shutdown');
    const ending = this.#shutdownError();
    this.#starting?.reject(ending);
    this.#starting = undefined;
    for (const slot of [...this.#slots]) {
      if (slot.state === 'opening') slot.abandon?.(ending);
      else if (slot.state === 'idle' || slot.state === 'validating' || slot.changing) this.#retire(slot, 'shutdown');
    }

    const abortTheRest = (): void => {
      const now = this.#clock.now();
      for (const slot of [...this.#slots]) {
        if (slot.state === 'resetting') this.#retire(slot, 'shutdown');
        if (slot.state !== 'leased') continue;
        slot.lease?.end('revoked');
        aborted.push({
          connection: slot.id,
          held: now - slot.leasedAt,
          uses: slot.uses,
          origin: slot.lease?.origin,
        });
        slot.lease = undefined;
        this.#retire(slot, 'aborted');
      }
    };
    if (gracePeriod === 0) abortTheRest();
    const grace = this.#clock.timer(gracePeriod, true, abortTheRest);

    return new Promise((resolve) => {
      this.#finishShutdown = () => {
        this.#finishShutdown = undefined;
        grace.cancel();
        this.#state = 'closed';
        const duration = this.#clock.now() - began;
        const closed = this.#counters.closed - closedBefore;
        if (this.events.has('shutdownFinished')) {
          this.events.emit('shutdownFinished', { duration, aborted: aborted.length });
        }
        resolve({ duration, refused: waiting, drained: leased - aborted.length, aborted, closed });
      };
      this.#dispatch();
    });
  }
}

/** Keeps the number of connections under way to being idle of each kind. */
function countSupply<R, I extends Identity>({ kind, state, changing }: Slot<R, I>, by: 1 | -1): void {
  if (state === 'opening') kind.opening += by;
  else if (state === 'validating' || changing) kind.preparing += by;
}

/** Whom a connection is lent to. */
interface Caller {
  readonly acquire: number;
  readonly origin: string | undefined;
}

/** The wish for a first connection: what remains of its attempts, and who is told. */
interface Insistence {
  attempts: number;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function insist(attempts: number): Insistence {
  let resolve = (): void => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<void>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  return { attempts, promise, resolve, reject };
}

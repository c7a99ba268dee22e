import type { AcquireError } from '../errors/acquire.js';
import type { Clock } from '../time/clock.js';
import { type CloseReason, closeReasons } from './close-reason.js';
import type { BucketedDurations } from './duration-buckets.js';
import { Emitter } from './emitter.js';
import type { PoolEvents, RefusalReason } from './events.js';
import type { ShownCounts } from './inventory.js';
import { RecentHistogram } from './recent-histogram.js';
import type { PoolStatistics } from './statistics.js';

/** The present state of the pool, beside the counters of the journal. */
export type PresentState = ShownCounts &
  Pick<
    PoolStatistics,
    'state' | 'total' | 'panics' | 'minConnections' | 'maxConnections' | 'identities' | 'waiting' | 'oldestWaiter'
  >;

/** See `PoolStatistics`. */
export type PoolBuckets = Readonly<Record<'waitTime' | 'leaseTime' | 'openTime', BucketedDurations>>;

/** What the `closed` event says about one connection. */
interface Life {
  readonly connection: number;
  readonly endpoint: string;
  readonly reason: CloseReason;
  readonly age: number;
  readonly uses: number;
}

/**
 * Counts what happened, records how long it took, and tells the listeners; nothing else does. An event object is built
 * only when there is a listener. Durations in milliseconds.
 */
export class Journal {
  readonly events: Emitter<PoolEvents> = new Emitter();
  readonly #clock: Clock;
  #started = 0;
  #served = 0;
  #reused = 0;
  #timedOut = 0;
  #aborted = 0;
  readonly #refused: Record<RefusalReason, number> = { 'queue-full': 0, shutdown: 0, 'circuit-open': 0, overload: 0 };
  #failed = 0;
  #opened = 0;
  #openFailed = 0;
  // Spread, since an object of `fromEntries()` is ten times slower to copy.
  readonly #closedBy = {
    ...(Object.fromEntries(closeReasons.map((reason) => [reason, 0])) as Record<CloseReason, number>),
  };
  #closed = 0;
  #probesPassed = 0;
  #probesFailed = 0;
  #resets = 0;
  #resetsFailed = 0;
  #changes = 0;
  #changesFailed = 0;
  #releasedTwice = 0;
  #reclaimed = 0;
  #gaps = 0;
  readonly #waitTime = new RecentHistogram();
  readonly #leaseTime = new RecentHistogram();
  readonly #openTime = new RecentHistogram();
  #usualOpenTime: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * How long opening a connection usually takes; undefined until one was opened. Cached, as it is asked after every
   * event.
   */
  get usualOpenTime(): number | undefined {
    return this.#usualOpenTime;
  }

  get served(): number {
    return this.#served;
  }

  get opened(): number {
    return this.#opened;
  }

  get closed(): number {
    return this.#closed;
  }

  /** @returns the number of the acquire */
  acquireStarted(): number {
    const acquire = ++this.#started;
    if (this.events.has('acquireStarted')) this.events.emit('acquireStarted', { acquire });
    return acquire;
  }

  /** @param now the time, which the caller has read already */
  acquired(acquire: number, connection: number, waited: number, reused: boolean, now: number): void {
    this.#served++;
    if (reused) this.#reused++;
    this.#waitTime.record(waited, now);
    if (this.events.has('acquired')) this.events.emit('acquired', { acquire, connection, waited, reused });
  }

  acquireTimedOut(acquire: number, error: AcquireError): void {
    this.#timedOut++;
    this.#gaveUp('acquireTimedOut', acquire, error);
  }

  acquireAborted(acquire: number, error: AcquireError): void {
    this.#aborted++;
    this.#gaveUp('acquireAborted', acquire, error);
  }

  acquireFailed(acquire: number, ownIdentity: boolean, error: AcquireError): void {
    const { waited } = error;
    this.#failed++;
    this.#waitTime.record(waited, this.#clock.now());
    if (this.events.has('acquireFailed')) this.events.emit('acquireFailed', { acquire, waited, ownIdentity, error });
  }

  #gaveUp(name: 'acquireTimedOut' | 'acquireAborted', acquire: number, error: AcquireError): void {
    const { waited } = error;
    this.#waitTime.record(waited, this.#clock.now());
    if (this.events.has(name)) this.events.emit(name, { acquire, waited, error });
  }

  acquireRefused(acquire: number, reason: RefusalReason, error: AcquireError): void {
    this.#refused[reason]++;
    this.#waitTime.record(error.waited, this.#clock.now());
    if (this.events.has('acquireRefused')) this.events.emit('acquireRefused', { acquire, reason, error });
  }

  /** @param now the time, which the caller has read already */
  released(connection: number, held: number, uses: number, now: number): void {
    this.#leaseTime.record(held, now);
    if (this.events.has('released')) this.events.emit('released', { connection, held, uses });
  }

  releasedTwice(connection: number): void {
    this.#releasedTwice++;
    if (this.events.has('releasedTwice')) this.events.emit('releasedTwice', { connection });
  }

  leaseReclaimed(connection: number, held: number, origin: string | undefined): void {
    this.#reclaimed++;
    if (this.events.has('leaseReclaimed')) this.events.emit('leaseReclaimed', { connection, held, origin });
  }

  opening(connection: number, endpoint: string): void {
    if (this.events.has('opening')) this.events.emit('opening', { connection, endpoint });
  }

  wasOpened(connection: number, endpoint: string, duration: number): void {
    this.#opened++;
    const now = this.#clock.now();
    this.#openTime.record(duration, now);
    this.#usualOpenTime = this.#openTime.summary(now).p50;
    if (this.events.has('opened')) this.events.emit('opened', { connection, endpoint, duration });
  }

  openFailed(event: PoolEvents['openFailed']): void {
    this.#openFailed++;
    if (this.events.has('openFailed')) this.events.emit('openFailed', event);
  }

  validated(connection: number, duration: number): void {
    this.#probesPassed++;
    if (this.events.has('validated')) this.events.emit('validated', { connection, duration });
  }

  validationFailed(event: PoolEvents['validationFailed']): void {
    this.#probesFailed++;
    if (this.events.has('validationFailed')) this.events.emit('validationFailed', event);
  }

  reset(connection: number, duration: number): void {
    this.#resets++;
    if (this.events.has('reset')) this.events.emit('reset', { connection, duration });
  }

  resetFailed(event: PoolEvents['resetFailed']): void {
    this.#resetsFailed++;
    if (this.events.has('resetFailed')) this.events.emit('resetFailed', event);
  }

  changed(connection: number, duration: number): void {
    this.#changes++;
    if (this.events.has('changed')) this.events.emit('changed', { connection, duration });
  }

  changeFailed(event: PoolEvents['changeFailed']): void {
    this.#changesFailed++;
    if (this.events.has('changeFailed')) this.events.emit('changeFailed', event);
  }

  died(connection: number, endpoint: string, error: unknown): void {
    if (this.events.has('died')) this.events.emit('died', { connection, endpoint, error });
  }

  closing(life: Life): void {
    if (this.events.has('closing')) this.events.emit('closing', { ...life });
  }

  wasClosed(life: Life, duration: number, failure: { readonly error?: unknown }): void {
    this.#closedBy[life.reason]++;
    this.#closed++;
    if (this.events.has('closed')) this.events.emit('closed', { ...life, duration, ...failure });
  }

  gap(duration: number): void {
    this.#gaps++;
    if (this.events.has('gap')) this.events.emit('gap', { duration });
  }

  /** Emits an event that is not counted. */
  tell<Name extends keyof PoolEvents>(name: Name, event: PoolEvents[Name]): void {
    if (this.events.has(name)) this.events.emit(name, event);
  }

  /** The times of {@link statistics} in the buckets of monitoring tools, in seconds. */
  get buckets(): PoolBuckets {
    return {
      waitTime: this.#waitTime.buckets,
      leaseTime: this.#leaseTime.buckets,
      openTime: this.#openTime.buckets,
    };
  }

  statistics(present: PresentState): PoolStatistics {
    const now = this.#clock.now();
    // The spread comes last: properties added after it are added one by one, a hundred times slower.
    return {
      started: this.#started,
      served: this.#served,
      reused: this.#reused,
      timedOut: this.#timedOut,
      aborted: this.#aborted,
      refused:
        this.#refused['queue-full'] + this.#refused.shutdown + this.#refused['circuit-open'] + this.#refused.overload,
      refusedQueueFull: this.#refused['queue-full'],
      refusedShutdown: this.#refused.shutdown,
      refusedCircuitOpen: this.#refused['circuit-open'],
      refusedOverload: this.#refused.overload,
      failed: this.#failed,
      opened: this.#opened,
      openFailed: this.#openFailed,
      closed: this.closed,
      closedBy: { ...this.#closedBy },
      probesPassed: this.#probesPassed,
      probesFailed: this.#probesFailed,
      resets: this.#resets,
      resetsFailed: this.#resetsFailed,
      changes: this.#changes,
      changesFailed: this.#changesFailed,
      releasedTwice: this.#releasedTwice,
      reclaimed: this.#reclaimed,
      gaps: this.#gaps,
      waitTime: this.#waitTime.summary(now),
      leaseTime: this.#leaseTime.summary(now),
      openTime: this.#openTime.summary(now),
      ...present,
    };
  }
}

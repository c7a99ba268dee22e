import { ConnectionLostError, LeaseReleasedError } from '../errors/call.js';
import type { CloseReason } from '../pool/close-reason.js';
import type { Lease } from '../pool/lease.js';
import type { Origin } from '../pool/origin.js';
import type { Connection } from '../session/connection.js';
import type { Clock, Timer } from '../time/clock.js';
import { untilAborted } from '../time/until-aborted.js';

/** A lent connection, as a parkable lease sees it. */
export interface Parkable {
  /** How long no call has been under way, in milliseconds; undefined while one is. */
  readonly idleFor: number | undefined;
  /** Whether nothing is under way on it, nothing of its session is changed, and nothing must end with the lease. */
  readonly isAtRest: boolean;
  readonly dependents: ReadonlySet<unknown>;
  endDependents(error: Error): void;
}

/** What a lease does by itself as time passes. */
export interface ParkingRules {
  /** How long it may hold connections, in all, in milliseconds; 0: for ever. */
  readonly maxHold: number;
  /** After how long without a call it is idle, in milliseconds; undefined: it does not look. */
  readonly idleAfter: number | undefined;
  /** Whether an idle lease gives its connection back. */
  readonly releases: boolean;
  /** Whether an idle lease that keeps its connection is reported. */
  readonly reports: boolean;
}

/** What a parkable lease needs. */
export interface ParkableLeaseParts<R> {
  readonly clock: Clock;
  readonly rules: ParkingRules;
  /** Takes a connection as the acquire did, until `over` is aborted. */
  take(over: AbortSignal, origin: Origin | undefined): Promise<Lease<R>>;
  onIdle(event: { connection: number; held: number; idle: number; origin: string | undefined }): void;
  onExpired(event: { connection: number; held: number; maxHold: number; origin: string | undefined }): void;
}

/** A lease that cannot be given back is looked at again after this long, in milliseconds, or after `idleAfter`. */
const soonestLook = 100;

/**
 * A lease that gives its connection back while nothing is asked of it, and takes one again for its next call.
 *
 *                      idle for `idleAfter`
 *       ┌─ held ──────────────────────────────────▶ parked ─┐
 *       │    ▲                                      ▲    │  │
 *       │    │ a connection               it failed │    │ a call
 *       │    └────────────────── resuming ──────────┘    │  │
 *       │                        │      ▲────────────────┘  │
 *       │ release(), maxHold     │ release()                │ release()
 *       └─────────────▶ ended ◀──┴──────────────────────────┘
 *
 * It has one connection at most, and none while parked. While it resumes, which is parked with an acquire under way,
 * further calls wait for the same acquire. It must not reference its channel: the pool takes back a lease
 * whose channel no code references.
 */
export class ParkableLease<R extends Parkable = Connection> {
  readonly #parts: ParkableLeaseParts<R>;
  #state: 'held' | 'parked' | 'ended' = 'held';
  /** The present lease of the pool, or the last one once this lease has ended; undefined without a connection. */
  #lease: Lease<R> | undefined;
  #id = 0;
  #uses = 0;
  /** How many calls are under way. */
  #calls = 0;
  /** When the last call ended. */
  #quietSince = 0;
  #heldBefore = 0;
  #heldSince = 0;
  #isReported = false;
  #origin: Origin | undefined;
  #idleTimer: Timer | undefined;
  #holdTimer: Timer | undefined;
  /** Settles with the acquire under way. */
  #resuming: Promise<void> | undefined;
  /** Ends that acquire. */
  #waiting: AbortController | undefined;
  /** Why it ended by itself. */
  #expiry: string | undefined;

  /** @param origin the stack of its acquire, if recorded */
  constructor(lease: Lease<R>, origin: Origin | undefined, parts: ParkableLeaseParts<R>) {
    this.#parts = parts;
    this.#origin = origin;
    this.#hold(lease);
  }

  /** The number of its connection, or of the last one. */
  get id(): number {
    return this.#id;
  }

  /** How often that connection was lent, this time included. */
  get uses(): number {
    return this.#uses;
  }

  /** Whether it may still be used; it may be parked. */
  get active(): boolean {
    return this.#state !== 'ended' && (this.#lease === undefined || this.#lease.active);
  }

  /** Whether it has no connection, because nothing was asked of it. */
  get isParked(): boolean {
    return this.#state === 'parked';
  }

  /** The connection; undefined while it has none, and after the end. */
  get present(): R | undefined {
    return this.#lease?.present;
  }

  /** @throws LeaseReleasedError after the end; ConnectionLostError while it has none */
  get resource(): R {
    return this.current.resource;
  }

  /** The present lease of the pool; it throws as {@link resource} does. */
  get current(): Lease<R> {
    if (this.#state === 'ended') throw this.ended();
    if (this.#lease !== undefined) return this.#lease;
    throw new ConnectionLostError(
      `the lease of connection ${this.#id} gave it back while nothing was asked of it, and what ran on it has ended: begin it again`,
      { outcome: 'not-sent' },
    );
  }

  /** No effect while it is parked: then it has no connection. */
  markForRecycling(reason?: CloseReason): void {
    this.#lease?.markForRecycling(reason);
  }

  get markedForRecycling(): boolean {
    return this.#lease?.markedForRecycling === true;
  }

  /**
   * Keeps the connection while work is under way. A parked lease takes one first; calls that come meanwhile wait for
   * the same one.
   * @param signal ends only the wait of this caller
   * @throws what the work throws, and what an acquire does: then the lease stays parked
   */
  async during<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#calls++;
    try {
      if (this.#lease === undefined) await this.#resume(signal);
      return await work();
    } finally {
      this.#calls--;
      this.#quietSince = this.#parts.clock.now();
      if (this.#calls === 0 && this.#idleTimer === undefined) this.#lookIn(this.#parts.rules.idleAfter);
    }
  }

  /** Ends it and gives its connection back, if it has one. Never throws. */
  release(): void {
    const lease = this.#lease;
    if (this.#state !== 'ended') this.#end();
    // The holder of a lease that ended by itself rightly releases it later.
    else if (this.#expiry !== undefined) return;
    lease?.release();
  }

  /**
   * Ends it, since no code references it any more.
   * @returns its lease, which the pool must take back; undefined when there is none
   */
  abandon(): Lease<R> | undefined {
    if (this.#state === 'ended') return undefined;
    this.#end();
    return this.#lease?.active === true ? this.#lease : undefined;
  }

  /** The error for a use after the end; it says how the lease ended. */
  ended(): LeaseReleasedError {
    if (this.#expiry !== undefined) return new LeaseReleasedError(this.#expiry);
    if (this.#lease !== undefined) return this.#lease.ended();
    return new LeaseReleasedError('the lease was released: acquire a new one, and keep no query of the old one');
  }

  #hold(lease: Lease<R>): void {
    const { clock, rules } = this.#parts;
    this.#lease = lease;
    this.#state = 'held';
    this.#id = lease.id;
    this.#uses = lease.uses;
    this.#isReported = false;
    this.#heldSince = clock.now();
    this.#quietSince = this.#heldSince;
    if (rules.idleAfter !== undefined) lease.watchIdle();
    this.#lookIn(rules.idleAfter);
    if (rules.maxHold > 0) {
      this.#holdTimer = clock.timer(rules.maxHold - this.#heldBefore, false, () => this.#expire());
    }
  }

  async #resume(signal: AbortSignal | undefined): Promise<void> {
    if (this.#state === 'ended') throw this.ended();
    this.#resuming ??= this.#takeAgain().finally(() => {
      this.#resuming = undefined;
    });
    await (signal === undefined ? this.#resuming : untilAborted(this.#resuming, signal));
  }

  async #takeAgain(): Promise<void> {
    const waiting = new AbortController();
    this.#waiting = waiting;
    let lease: Lease<R>;
    try {
      lease = await this.#parts.take(waiting.signal, this.#origin);
    } catch (error) {
      throw waiting.signal.aborted ? this.ended() : error;
    } finally {
      this.#waiting = undefined;
    }
    if (waiting.signal.aborted) {
      lease.release();
      throw this.ended();
    }
    this.#hold(lease);
  }

  #lookIn(delay: number | undefined): void {
    if (delay === undefined || this.#state !== 'held') return;
    this.#idleTimer = this.#parts.clock.timer(delay, false, () => this.#look());
  }

  /** Gives the connection back, or reports the lease, if nothing was asked of it for long enough. */
  #look(): void {
    this.#idleTimer = undefined;
    const { clock, rules } = this.#parts;
    const { idleAfter } = rules;
    const lease = this.#lease;
    // The last call under way sets the timer again.
    if (lease === undefined || idleAfter === undefined || this.#calls > 0) return;
    const resource = lease.present;
    const idle = clock.now() - this.#quietSince;
    // A shutdown has ended it.
    if (resource === undefined) this.#forgetTimers();
    else if (idle < idleAfter) this.#lookIn(idleAfter - idle);
    else if (rules.releases && resource.isAtRest) this.#park(lease);
    else this.#lookLater(lease, resource, idle, idleAfter);
  }

  /** Reports it, once, and looks again, for it may be at rest by then. */
  #lookLater(lease: Lease<R>, resource: R, idle: number, idleAfter: number): void {
    const { clock, onIdle, rules } = this.#parts;
    if (rules.reports && !this.#isReported && resource.idleFor !== undefined) {
      this.#isReported = true;
      onIdle({ connection: lease.id, held: clock.now() - lease.since, idle, origin: this.#origin?.text });
    }
    if (rules.releases || !this.#isReported) this.#lookIn(Math.max(idleAfter, soonestLook));
  }

  #park(lease: Lease<R>): void {
    this.#heldBefore += this.#parts.clock.now() - this.#heldSince;
    this.#forgetTimers();
    this.#lease = undefined;
    this.#state = 'parked';
    lease.release();
    // Until it is formatted it keeps alive what was on the stack, perhaps this very lease; the pool formats only those
    // of leases that hold a connection.
    void this.#origin?.text;
  }

  /** Ends it as a release does: a call under way may still get its answer, further ones fail. */
  #expire(): void {
    this.#holdTimer = undefined;
    const lease = this.#lease;
    const resource = lease?.present;
    if (lease === undefined || resource === undefined) {
      this.#forgetTimers();
      return;
    }
    const { clock, onExpired, rules } = this.#parts;
    const { maxHold } = rules;
    const held = this.#heldBefore + clock.now() - this.#heldSince;
    const origin = this.#origin?.text;
    const where = origin === undefined || origin === '' ? '' : `; it was acquired here:\n${origin}`;
    this.#expiry = `the lease of connection ${lease.id} has ended by itself: it held a connection for longer than its maxHold (${maxHold} ms); acquire a new one, and release it while you wait for something else${where}`;
    this.#end();
    lease.release();
    if (resource.dependents.size > 0) resource.endDependents(this.ended());
    onExpired({ connection: lease.id, held, maxHold, origin });
  }

  #end(): void {
    this.#state = 'ended';
    this.#origin = undefined;
    this.#forgetTimers();
    this.#waiting?.abort();
  }

  #forgetTimers(): void {
    this.#idleTimer?.cancel();
    this.#idleTimer = undefined;
    this.#holdTimer?.cancel();
    this.#holdTimer = undefined;
  }
}

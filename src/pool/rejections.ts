import { AcquireAbortedError, type AcquireError, AcquireTimeoutError, type PoolSnapshot } from '../errors/acquire.js';
import { messageOf } from '../errors/error-message.js';
import type { Clock } from '../time/clock.js';
import { acquireAborted, acquireFailed, acquireRefused, acquireTimedOut } from './acquire-errors.js';
import type { PoolSettings } from './contract.js';
import type { RefusalReason } from './events.js';
import type { Health } from './health.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import type { Inventory } from './inventory.js';
import type { Journal } from './journal.js';
import type { PoolState } from './pool-state.js';
import type { Sizing } from './sizing.js';
import type { Tenant } from './tenant.js';
import type { Waiter, WaiterState } from './waiter.js';
import type { WaitingLine } from './waiting-line.js';

/** The parts of a pool that a rejection needs. */
export interface RejectionParts<R, I extends Identity> {
  /** The name of the pool. */
  readonly name: string;
  readonly clock: Clock;
  readonly settings: PoolSettings;
  readonly state: PoolState;
  readonly inventory: Inventory<R, I>;
  readonly line: WaitingLine<R, I>;
  readonly health: Health<R, I>;
  readonly sizing: Sizing<R, I>;
  readonly journal: Journal;
}

/** Ends every acquire that gets no connection: takes it out of the line, makes its error, counts it and reports it. */
export class Rejections<R, I extends Identity> {
  readonly #parts: RejectionParts<R, I>;

  constructor(parts: RejectionParts<R, I>) {
    this.#parts = parts;
  }

  /** The present state in a few numbers, for errors. */
  snapshot(): PoolSnapshot {
    const { name, health, inventory, line, sizing, state } = this.#parts;
    const { lastError } = health;
    return {
      pool: name,
      state: state.word,
      maxConnections: sizing.max,
      waiting: line.length,
      ...(lastError === undefined ? {} : { lastOpenError: messageOf(lastError) }),
      ...inventory.shown,
    };
  }

  timeOut(waiter: Waiter<R, I>): void {
    const { clock, health, journal } = this.#parts;
    const waited = clock.now() - waiter.since;
    const details = { snapshot: this.snapshot(), waited, cause: health.lastError };
    const error = acquireTimedOut(waiter.timeout, details, waiter.tenant.capped);
    this.#reject(waiter, 'timedOut', error);
    journal.acquireTimedOut(waiter.acquire, error);
  }

  /** The pool is overloaded, and the waiter has waited too long. `retryAfter` in milliseconds. */
  shed(waiter: Waiter<R, I>, retryAfter: number): void {
    this.#refuse(waiter, 'overload', { retryAfter });
  }

  /** The line is full, and this is the newest of the tenant that has the most waiters. */
  crowdedOut(waiter: Waiter<R, I>): void {
    this.#refuse(waiter, 'queue-full', {});
  }

  #refuse(waiter: Waiter<R, I>, reason: RefusalReason, more: { readonly retryAfter?: number }): void {
    const waited = this.#parts.clock.now() - waiter.since;
    this.#leave(waiter, 'refused');
    waiter.reject(this.refused(waiter.acquire, reason, waited, more));
  }

  abort(waiter: Waiter<R, I>, reason: unknown): void {
    const waited = this.#parts.clock.now() - waiter.since;
    // Leaves first, so that the snapshot does not count the aborted waiter.
    this.#leave(waiter, 'aborted');
    waiter.reject(this.aborted(waiter.acquire, waited, reason));
  }

  refuseAll(reason: RefusalReason): void {
    const { clock, line } = this.#parts;
    const now = clock.now();
    for (let waiter = line.oldest; waiter !== undefined; waiter = line.oldest) {
      this.#leave(waiter, 'refused');
      waiter.reject(this.refused(waiter.acquire, reason, now - waiter.since));
    }
  }

  /** This identity cannot be had: rejects its waiters. */
  failAll(group: IdentityGroup<I>, cause: unknown): void {
    const { clock, inventory, journal, line } = this.#parts;
    const now = clock.now();
    for (let waiter = line.anyOf(group); waiter !== undefined; waiter = line.anyOf(group)) {
      const error = acquireFailed({ snapshot: this.snapshot(), waited: now - waiter.since, cause });
      this.#reject(waiter, 'failed', error);
      journal.acquireFailed(waiter.acquire, group === inventory.ownGroup, error);
    }
  }

  /** Counts and reports an aborted acquire, and returns its error. `waited` in milliseconds. */
  aborted(acquire: number, waited: number, reason: unknown): AcquireError {
    const error = acquireAborted({ snapshot: this.snapshot(), waited, cause: reason });
    this.#parts.journal.acquireAborted(acquire, error);
    return error;
  }

  /** Counts and reports a refused acquire, and returns its error. `waited` in milliseconds. */
  refused(
    acquire: number,
    reason: RefusalReason,
    waited: number,
    more: { readonly retryAfter?: number; readonly full?: Tenant } = {},
  ): AcquireError {
    const { clock, health, journal, settings } = this.#parts;
    const error = acquireRefused(reason, {
      snapshot: this.snapshot(),
      waited,
      ...more,
      maxWaiters: settings.maxWaiters,
      nextProbeIn: health.openFor(clock.now()),
      endpoints: reason === 'circuit-open' ? health.troubles(clock.now()) : [],
      cause: reason === 'circuit-open' ? health.lastError : undefined,
    });
    journal.acquireRefused(acquire, reason, error);
    return error;
  }

  /** Counts and reports an acquire that failed before it asked for a connection. */
  note(error: AcquireError, identity: I | undefined): void {
    const { inventory, journal } = this.#parts;
    const acquire = journal.acquireStarted();
    if (error instanceof AcquireTimeoutError) journal.acquireTimedOut(acquire, error);
    else if (error instanceof AcquireAbortedError) journal.acquireAborted(acquire, error);
    else {
      const isOwn = identity === undefined || identity.key === inventory.ownGroup.identity.key;
      journal.acquireFailed(acquire, isOwn, error);
    }
  }

  /** The error for every method but `acquire()` after a shutdown. */
  shutDown(): Error {
    return acquireRefused('shutdown', { snapshot: this.snapshot(), waited: 0 });
  }

  #reject(waiter: Waiter<R, I>, state: Exclude<WaiterState, 'waiting'>, error: AcquireError): void {
    this.#leave(waiter, state);
    waiter.reject(error);
  }

  #leave(waiter: Waiter<R, I>, state: Exclude<WaiterState, 'waiting'>): void {
    this.#parts.line.leave(waiter, state, this.#parts.clock.now());
    this.#parts.inventory.forgetUnused(waiter.group);
  }
}

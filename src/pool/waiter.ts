import type { Identity, IdentityGroup } from './identity-group.js';
import type { Lease } from './lease.js';
import { type Linked, Place } from './linked-list.js';
import type { Origin } from './origin.js';
import type { Queued, Tenant } from './tenant.js';

/** How an acquire shares a connection. `joins`: its call may go in one message with others. */
export interface SharedUse {
  readonly joins: boolean;
}

/** The state of a waiter. It leaves `waiting` once and for all. */
export type WaiterState = 'waiting' | 'served' | 'timedOut' | 'aborted' | 'refused' | 'failed';

/** An `acquire()` that could not be served at once. */
export class Waiter<R, I extends Identity = Identity> implements Linked<Waiter<R, I>>, Queued {
  state: WaiterState = 'waiting';
  previous: Waiter<R, I> | undefined = undefined;
  next: Waiter<R, I> | undefined = undefined;
  /** Its place among the waiters for the same identity. */
  readonly place: Place<Waiter<R, I>> = new Place(this);
  /** Its place among the waiters of its tenant. */
  readonly turn: Place<Waiter<R, I>> = new Place(this);
  /** Its place among the waiters with the same timeout. */
  readonly expiry: Place<Waiter<R, I>> = new Place(this);
  graceUntil: number | undefined = undefined;
  /** Removes the abort listener. */
  forgetSignal: (() => void) | undefined = undefined;

  constructor(
    readonly acquire: number,
    readonly tenant: Tenant,
    /** The identity it waits for. */
    readonly group: IdentityGroup<I>,
    readonly since: number,
    /** The longest wait, in milliseconds; 0 waits for ever. */
    readonly timeout: number,
    readonly resolve: (lease: Lease<R>) => void,
    readonly reject: (error: Error) => void,
    readonly origin: Origin | undefined,
    /** It accepts only a connection opened from now on. */
    readonly fresh: boolean,
    /**
     * Set when it wants a connection for one call and may share it with other calls; undefined when it wants one to
     * itself.
     */
    readonly shared: SharedUse | undefined,
  ) {}

  get deadline(): number {
    return this.timeout === 0 ? Number.POSITIVE_INFINITY : this.since + this.timeout;
  }

  /**
   * Whether it is past its deadline by so much that it is not served any more. A waiter past its deadline is still in
   * the line only because the event loop was blocked. What frees a connection may have arrived in time, but not if the
   * loop was blocked for a whole timeout more.
   */
  isTooLate(now: number): boolean {
    return this.timeout > 0 && now >= this.deadline + this.timeout;
  }
}

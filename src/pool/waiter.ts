import type { Identity, IdentityGroup } from './identity-group.js';
import type { Lease } from './lease.js';
import { type Linked, Place } from './linked-list.js';
import type { Origin } from './origin.js';

/** How an acquire shares a connection. `joins`: its call may go in one message with others. */
export interface SharedUse {
  readonly joins: boolean;
}

/** The one word that decides a waiter's fate; it leaves `waiting` once and never comes back. */
export type WaiterState = 'waiting' | 'served' | 'timedOut' | 'aborted' | 'refused' | 'failed';

/** An `acquire()` that could not be served at once. */
export class Waiter<R, I extends Identity = Identity> implements Linked<Waiter<R, I>> {
  state: WaiterState = 'waiting';
  previous: Waiter<R, I> | undefined = undefined;
  next: Waiter<R, I> | undefined = undefined;
  /** Where it stands among those who wait for the same identity. */
  readonly place: Place<Waiter<R, I>> = new Place(this);
  /** Where it stands among those with the same timeout. */
  readonly expiry: Place<Waiter<R, I>> = new Place(this);
  graceUntil: number | undefined = undefined;
  /** Removes the abort listener. */
  forgetSignal: (() => void) | undefined = undefined;

  constructor(
    readonly acquire: number,
    /** What it waits for. */
    readonly group: IdentityGroup<I>,
    readonly since: number,
    /** How long it waits at most, in milliseconds; 0 waits for ever. */
    readonly timeout: number,
    readonly resolve: (lease: Lease<R>) => void,
    readonly reject: (error: Error) => void,
    readonly origin: Origin | undefined,
    /** Only a connection that is opened from now on will do. */
    readonly fresh: boolean,
    /** It wants a connection for one call, and shares it with other calls; undefined when it wants one for itself. */
    readonly shared: SharedUse | undefined,
  ) {}

  get deadline(): number {
    return this.timeout === 0 ? Number.POSITIVE_INFINITY : this.since + this.timeout;
  }

  /**
   * Whether its time is over by so much that it is not served any more. A waiter past its deadline was not told yet because
   * the event loop was blocked; what frees a connection for it may have come in time, but not for as long again.
   */
  isTooLate(now: number): boolean {
    return this.timeout > 0 && now >= this.deadline + this.timeout;
  }
}

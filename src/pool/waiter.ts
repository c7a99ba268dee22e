import { Expiry } from './deadlines.js';
import type { Identity, Kind } from './kind.js';
import type { Lease } from './lease.js';
import { type Linked, LinkedList, Place } from './linked-list.js';

/** The one word that decides a waiter's fate; it leaves `waiting` once and never comes back. */
export type WaiterState = 'waiting' | 'served' | 'timedOut' | 'aborted' | 'refused' | 'failed';

/** An `acquire()` that could not be served at once. */
export class Waiter<R, I extends Identity = Identity> implements Linked<Waiter<R, I>> {
  state: WaiterState = 'waiting';
  previous: Waiter<R, I> | undefined;
  next: Waiter<R, I> | undefined;
  /** Where it stands among those who wait for the same. */
  readonly place: Place<Waiter<R, I>> = new Place(this);
  readonly expiry: Expiry<Waiter<R, I>> = new Expiry(this);
  /** Ends the waiter's interest in its caller's signal. */
  forgetSignal: (() => void) | undefined;

  constructor(
    readonly acquire: number,
    /** What it waits for. */
    readonly kind: Kind<R, I>,
    readonly since: number,
    /** How long it waits at most, in milliseconds; 0 waits for ever. */
    readonly timeout: number,
    readonly resolve: (lease: Lease<R>) => void,
    readonly reject: (error: Error) => void,
    readonly origin: string | undefined,
  ) {}

  get deadline(): number {
    return this.timeout === 0 ? Number.POSITIVE_INFINITY : this.since + this.timeout;
  }
}

/**
 * Who is served next. First come, first served by default; another policy (fair shares between tenants) is another
 * object with these members.
 */
export interface WaitQueue<W> {
  readonly length: number;
  /** Whom the next free connection goes to. */
  readonly next: W | undefined;
  /** Who comes after this one. */
  after(waiter: W): W | undefined;
  /** Who has waited longest. */
  readonly oldest: W | undefined;
  add(waiter: W): void;
  /** Takes out a waiter, wherever it stands, in constant time. */
  remove(waiter: W): void;
}

/** First come, first served. */
export class FirstComeQueue<W extends Linked<W>> implements WaitQueue<W> {
  readonly #waiters = new LinkedList<W>();

  get length(): number {
    return this.#waiters.length;
  }

  get next(): W | undefined {
    return this.#waiters.first;
  }

  after(waiter: W): W | undefined {
    return waiter.next;
  }

  get oldest(): W | undefined {
    return this.#waiters.first;
  }

  add(waiter: W): void {
    this.#waiters.append(waiter);
  }

  remove(waiter: W): void {
    this.#waiters.remove(waiter);
  }
}

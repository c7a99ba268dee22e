import type { Clock } from '../time/clock.js';
import { onAbort } from '../time/on-abort.js';
import { Deadlines } from './deadlines.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import { FirstCome, type WaitingOrder } from './order.js';
import type { Waiter, WaiterState } from './waiter.js';

/** What can end a wait from outside the pool. */
export interface WaitingLineEvents<R, I extends Identity> {
  /** Its deadline has passed; it is still in the line. */
  timedOut(waiter: Waiter<R, I>): void;
  /** Its caller's signal was aborted; it is still in the line. */
  aborted(waiter: Waiter<R, I>, reason: unknown): void;
}

/**
 * The waiters, with their order ({@link WaitingOrder}), their deadlines and their signals. Waiters enter only by {@link
 * WaitingLine.join} and leave only by {@link WaitingLine.leave}.
 */
export class WaitingLine<R, I extends Identity> {
  readonly #order: WaitingOrder<Waiter<R, I>, IdentityGroup<I>>;
  readonly #deadlines: Deadlines<Waiter<R, I>>;
  readonly #events: WaitingLineEvents<R, I>;

  constructor(
    clock: Clock,
    events: WaitingLineEvents<R, I>,
    order: WaitingOrder<Waiter<R, I>, IdentityGroup<I>> = new FirstCome(),
  ) {
    this.#events = events;
    this.#order = order;
    this.#deadlines = new Deadlines(clock, (waiter) => events.timedOut(waiter));
  }

  get length(): number {
    return this.#order.length;
  }

  get first(): Waiter<R, I> | undefined {
    return this.#order.first;
  }

  get oldest(): Waiter<R, I> | undefined {
    return this.#order.oldest;
  }

  after(waiter: Waiter<R, I>): Waiter<R, I> | undefined {
    return this.#order.after(waiter);
  }

  firstOf(group: IdentityGroup<I>): Waiter<R, I> | undefined {
    return this.#order.firstOf(group);
  }

  join(waiter: Waiter<R, I>, signal: AbortSignal | undefined): void {
    this.#order.add(waiter);
    this.#deadlines.add(waiter);
    waiter.group.waiting++;
    // Last, because a signal that is already aborted removes the waiter at once.
    if (signal !== undefined) {
      waiter.forgetSignal = onAbort(signal, () => this.#events.aborted(waiter, signal.reason));
    }
  }

  leave(waiter: Waiter<R, I>, state: Exclude<WaiterState, 'waiting'>): void {
    waiter.state = state;
    this.#order.remove(waiter);
    this.#deadlines.remove(waiter);
    waiter.group.waiting--;
    waiter.forgetSignal?.();
  }
}

import { type Linked, LinkedList, type Place } from './linked-list.js';
import { ListsByKey } from './lists-by-key.js';

/** A waiter as an order sees it. */
export interface Ordered<W, G> extends Linked<W> {
  readonly group: G;
  readonly place: Place<W>;
}

/**
 * The order in which waiters are served. The pool asks nothing else about order, so another policy (last come, first
 * served; fair shares between tenants) is another object with these members.
 */
export interface WaitingOrder<W, G> {
  readonly length: number;
  /** The waiter that gets the next connection not bound to an identity. */
  readonly first: W | undefined;
  /** The waiter that gets the next connection of this identity. */
  firstOf(group: G): W | undefined;
  /** The waiter after this one. */
  after(waiter: W): W | undefined;
  /** The waiter that has waited longest. */
  readonly oldest: W | undefined;
  add(waiter: W): void;
  /** Removes a waiter from any place in constant time. */
  remove(waiter: W): void;
}

/** First come, first served. */
export class FirstCome<W extends Ordered<W, G>, G> implements WaitingOrder<W, G> {
  readonly #all = new LinkedList<W>();
  readonly #byGroup = new ListsByKey<G, Place<W>>();

  get length(): number {
    return this.#all.length;
  }

  get first(): W | undefined {
    return this.#all.first;
  }

  firstOf(group: G): W | undefined {
    return this.#all.length === 0 ? undefined : this.#byGroup.find(group)?.first?.owner;
  }

  after(waiter: W): W | undefined {
    return waiter.next;
  }

  get oldest(): W | undefined {
    return this.#all.first;
  }

  add(waiter: W): void {
    this.#all.append(waiter);
    this.#byGroup.of(waiter.group).append(waiter.place);
  }

  remove(waiter: W): void {
    this.#all.remove(waiter);
    this.#byGroup.remove(waiter.group, waiter.place);
  }
}

import { type Linked, LinkedList, type Place } from './linked-list.js';
import { ListsByKey } from './lists-by-key.js';

/** A waiter as an order sees it. */
export interface Ordered<W, G> extends Linked<W> {
  readonly group: G;
  readonly place: Place<W>;
}

/**
 * In which order waiters are served. Everything the pool asks about an order it asks here, so another policy (last come,
 * first served; fair shares between tenants) is another object with these members.
 */
export interface WaitingOrder<W, G> {
  readonly length: number;
  /** Who gets the next connection that anyone may have. */
  readonly first: W | undefined;
  /** Who gets the next connection of this identity. */
  firstOf(group: G): W | undefined;
  /** Who comes after this one. */
  after(waiter: W): W | undefined;
  /** Who has waited longest. */
  readonly oldest: W | undefined;
  add(waiter: W): void;
  /** Takes out a waiter, wherever it stands, in constant time. */
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

import { type Linked, LinkedList, type Place } from './linked-list.js';

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
  readonly #byGroup = new Map<G, LinkedList<Place<W>>>();
  /** The list used last, which is nearly always the next one too: it spares the look into the map. */
  #group: G | undefined;
  #list: LinkedList<Place<W>> = new LinkedList();

  get length(): number {
    return this.#all.length;
  }

  get first(): W | undefined {
    return this.#all.first;
  }

  firstOf(group: G): W | undefined {
    return this.#all.length === 0 ? undefined : this.#listOf(group)?.first?.owner;
  }

  after(waiter: W): W | undefined {
    return waiter.next;
  }

  get oldest(): W | undefined {
    return this.#all.first;
  }

  add(waiter: W): void {
    this.#all.append(waiter);
    let list = this.#listOf(waiter.group);
    if (list === undefined) {
      list = new LinkedList();
      this.#byGroup.set(waiter.group, list);
    }
    list.append(waiter.place);
  }

  remove(waiter: W): void {
    this.#all.remove(waiter);
    const list = this.#listOf(waiter.group);
    list?.remove(waiter.place);
    if (list?.length !== 0 || this.#byGroup.size === 1) return;
    this.#byGroup.delete(waiter.group);
    this.#group = undefined;
  }

  #listOf(group: G): LinkedList<Place<W>> | undefined {
    if (group === this.#group) return this.#list;
    const list = this.#byGroup.get(group);
    if (list === undefined) return undefined;
    this.#group = group;
    this.#list = list;
    return list;
  }
}

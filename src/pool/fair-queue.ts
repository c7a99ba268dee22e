import type { Share } from './share.js';

/**
 * How many milliseconds of lease time a share may save up. So one that asks seldom is served at once, even when it asks
 * a few times in a row.
 */
const mostSaved = 100;

/** Children of a node of the heap. */
const arity = 4;

/**
 * The shares that want a connection, in the order in which they are due (see {@link Share.dueAt}): each share that
 * stays in it gets lease time in proportion to its weight. A share that was away saves up very little of what it did not
 * use, and what it used too much stays its debt while others wait. Once nobody waits, nobody owes.
 *
 *     owed (below their reserve) ─▶ the heap, by virtual time
 *
 * A choice costs the same for ten shares and for ten thousand but for the depth of the heap.
 */
export class FairQueue<S extends Share> {
  readonly #heap: S[] = [];
  /** Shares below their reserve, in the order in which they came. */
  readonly #owed = new Set<S>();
  /** The virtual time: the most that a share had used when it was chosen. */
  #time = 0;
  /** Grows each time nobody is left in the queue. */
  #period = 0;
  #tickets = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Puts a share in, takes it out, or finds its place anew after its use has changed. */
  set(share: S, isIn: boolean, now: number): void {
    if (isIn) {
      if (share.position === -1) this.#join(share, now);
      // Of one alone the place is known.
      else if (this.#heap.length > 1) this.#update(share, share.dueAt(now));
      if (share.reserve > 0) this.#setOwed(share);
    } else if (share.position !== -1) {
      this.#leave(share);
    }
  }

  /** The share to serve next. */
  head(now: number): S | undefined {
    if (this.#owed.size > 0) for (const owed of this.#owed) return owed;
    for (let [first] = this.#heap; first !== undefined; first = this.#heap[0]) {
      const due = first.dueAt(now);
      if (due === first.key) {
        this.#time = Math.max(this.#time, first.usedAt(now));
        return first;
      }
      // Its open leases took longer than expected since it was put here.
      this.#update(first, due);
    }
    return undefined;
  }

  #join(share: S, now: number): void {
    const [alone] = this.#heap;
    if (alone !== undefined && this.#heap.length === 1) alone.key = alone.dueAt(now);
    const earliest = this.#time - mostSaved / share.weight;
    if (share.period !== this.#period || share.dueAt(now) < earliest) share.startAt(earliest, now);
    share.period = this.#period;
    share.key = share.dueAt(now);
    share.ticket = ++this.#tickets;
    share.position = this.#heap.length;
    this.#heap.push(share);
    this.#rise(share);
  }

  #leave(share: S): void {
    const { position } = share;
    share.position = -1;
    this.#owed.delete(share);
    const last = this.#heap.pop();
    if (last !== undefined && last !== share) {
      last.position = position;
      this.#heap[position] = last;
      this.#rise(last);
      this.#sink(last);
    }
    if (this.#heap.length === 0) this.#period++;
  }

  #setOwed(share: S): void {
    if (share.isOwed) this.#owed.add(share);
    else this.#owed.delete(share);
  }

  #update(share: S, due: number): void {
    const before = share.key;
    if (due === before) return;
    share.key = due;
    if (due < before) this.#rise(share);
    else this.#sink(share);
  }

  #rise(share: S): void {
    const heap = this.#heap;
    let { position } = share;
    while (position > 0) {
      const above = (position - 1) >> 2;
      const parent = heap[above] as S;
      if (!isBefore(share, parent)) break;
      heap[position] = parent;
      parent.position = position;
      position = above;
    }
    heap[position] = share;
    share.position = position;
  }

  #sink(share: S): void {
    const heap = this.#heap;
    let { position } = share;
    for (;;) {
      const begin = position * arity + 1;
      if (begin >= heap.length) break;
      let least = heap[begin] as S;
      const end = Math.min(begin + arity, heap.length);
      for (let index = begin + 1; index < end; index++) {
        const child = heap[index] as S;
        if (isBefore(child, least)) least = child;
      }
      if (!isBefore(least, share)) break;
      const below = least.position;
      heap[position] = least;
      least.position = position;
      position = below;
    }
    heap[position] = share;
    share.position = position;
  }
}

function isBefore(one: Share, other: Share): boolean {
  return one.key < other.key || (one.key === other.key && one.ticket < other.ticket);
}

import type { Identity } from './kind.js';
import { LinkedList } from './linked-list.js';
import type { Slot } from './slot.js';

/**
 * The connections that nobody uses, in two orders at once: all of them by when they were used last, for whoever looks
 * for the oldest, and those of each kind among themselves.
 *
 *     all:     ● ○ ● ● ○ ●      oldest: grows old and goes, or becomes one of another kind
 *     kind ●:  ●   ● ●   ●      newest: is lent
 *     kind ○:    ○     ○
 */
export class IdleConnections<R, I extends Identity> {
  readonly #all = new LinkedList<Slot<R, I>>();

  get oldest(): Slot<R, I> | undefined {
    return this.#all.first;
  }

  /** It was used just now. */
  add(slot: Slot<R, I>): void {
    this.#all.append(slot);
    slot.kind.idle.append(slot.place);
  }

  /** It was idle before, and what was done with it was no use: it goes back to where it stood. */
  putBack(slot: Slot<R, I>): void {
    let before = this.#all.last;
    while (before !== undefined && before.idleSince > slot.idleSince) before = before.previous;
    this.#all.insert(slot, before);
    let place = slot.kind.idle.last;
    while (place !== undefined && place.owner.idleSince > slot.idleSince) place = place.previous;
    slot.kind.idle.insert(slot.place, place);
  }

  remove(slot: Slot<R, I>): void {
    this.#all.remove(slot);
    slot.kind.idle.remove(slot.place);
  }
}

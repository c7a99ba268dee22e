import type { Identity, IdentityGroup } from './identity-group.js';
import { LinkedList, type Place } from './linked-list.js';
import { ListsByKey } from './lists-by-key.js';
import type { PooledResource } from './resource.js';

/**
 * The idle connections, in two orders at once: all of them by when they were used last, and those of each identity among
 * themselves.
 *
 *     all:         ● ○ ● ● ○ ●      oldest: grows old and is closed, or is switched to another identity
 *     identity ●:  ●   ● ●   ●      newest: is lent
 *     identity ○:    ○     ○
 */
export class IdleConnections<R, I extends Identity> {
  readonly #all = new LinkedList<PooledResource<R, I>>();
  readonly #byGroup = new ListsByKey<IdentityGroup<I>, Place<PooledResource<R, I>>>();

  get oldest(): PooledResource<R, I> | undefined {
    return this.#all.first;
  }

  newestOf(group: IdentityGroup<I>): PooledResource<R, I> | undefined {
    return this.#byGroup.find(group)?.last?.owner;
  }

  /** It was used just now. */
  add(member: PooledResource<R, I>): void {
    this.#all.append(member);
    this.#byGroup.of(member.group).append(member.place);
  }

  /** It was idle before, and a probe is not a use: it goes back to where it stood. */
  putBack(member: PooledResource<R, I>): void {
    let before = this.#all.last;
    while (before !== undefined && before.idleSince > member.idleSince) before = before.previous;
    this.#all.insert(member, before);
    const list = this.#byGroup.of(member.group);
    let place = list.last;
    while (place !== undefined && place.owner.idleSince > member.idleSince) place = place.previous;
    list.insert(member.place, place);
  }

  remove(member: PooledResource<R, I>): void {
    this.#all.remove(member);
    this.#byGroup.of(member.group).remove(member.place);
  }

  /** The identity is not used any more: no list is kept for it. */
  forget(group: IdentityGroup<I>): void {
    this.#byGroup.drop(group);
  }
}

import type { Identity, IdentityGroup } from './identity-group.js';
import { LinkedList, type Place } from './linked-list.js';
import { ListsByKey } from './lists-by-key.js';
import type { PooledResource } from './resource.js';

/**
 * The idle connections by time of last use: one list of all, and one list for each identity.
 *
 *     all:         ● ○ ● ● ○ ●      oldest: closed when idle too long, or switched to another identity
 *     identity ●:  ●   ● ●   ●      newest: lent first
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

  /** Adds a connection that was just used. */
  add(member: PooledResource<R, I>): void {
    this.#all.append(member);
    this.#byGroup.of(member.group).append(member.place);
  }

  /** Puts a probed connection back in its old place: a probe does not count as a use. */
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

  /** Drops the list of an identity that is no longer in use. */
  forget(group: IdentityGroup<I>): void {
    this.#byGroup.drop(group);
  }
}

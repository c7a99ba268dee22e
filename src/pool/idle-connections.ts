import type { Strategy } from '../endpoints/candidate.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import { IdleOfIdentity } from './idle-of-identity.js';
import { LinkedList } from './linked-list.js';
import type { PooledResource } from './resource.js';

/**
 * The idle connections by time of last use: one list of all, and for each identity one list for each endpoint.
 *
 *     all:                       ● ○ ● ● ○ ●      oldest: closed when idle too long, or switched to another identity
 *     identity ●, endpoint a:    ●     ●          newest: lent first
 *     identity ●, endpoint b:        ●     ●
 *     identity ○, endpoint a:      ○     ○
 */
export class IdleConnections<R, I extends Identity> {
  readonly #all = new LinkedList<PooledResource<R, I>>();
  readonly #byGroup = new Map<IdentityGroup<I>, IdleOfIdentity<R, I>>();
  readonly #strategy: Strategy;
  /** Those asked for last. They are nearly always the next ones too, which saves the map lookup. */
  #group: IdentityGroup<I> | undefined;
  #ofGroup: IdleOfIdentity<R, I>;

  constructor(strategy: Strategy) {
    this.#strategy = strategy;
    this.#ofGroup = new IdleOfIdentity(strategy);
  }

  get oldest(): PooledResource<R, I> | undefined {
    return this.#all.first;
  }

  /** The newest one of this identity at the endpoint that the strategy chooses. */
  newestOf(group: IdentityGroup<I>, now: number): PooledResource<R, I> | undefined {
    return this.#find(group)?.choose(now);
  }

  /** Adds a connection that was just used. */
  add(member: PooledResource<R, I>): void {
    this.#all.append(member);
    this.#of(member.group).add(member);
  }

  /** Puts a probed connection back in its old place: a probe does not count as a use. */
  putBack(member: PooledResource<R, I>): void {
    let before = this.#all.last;
    while (before !== undefined && before.idleSince > member.idleSince) before = before.previous;
    this.#all.insert(member, before);
    this.#of(member.group).putBack(member);
  }

  remove(member: PooledResource<R, I>): void {
    this.#all.remove(member);
    this.#of(member.group).remove(member);
  }

  /** Drops the lists of an identity that is no longer in use. */
  forget(group: IdentityGroup<I>): void {
    this.#byGroup.delete(group);
    if (group === this.#group) this.#group = undefined;
  }

  /** A copy of those that a test accepts, oldest first. */
  filter(accepts: (member: PooledResource<R, I>) => boolean): PooledResource<R, I>[] {
    const found: PooledResource<R, I>[] = [];
    for (let member = this.#all.first; member !== undefined; member = member.next) {
      if (accepts(member)) found.push(member);
    }
    return found;
  }

  #find(group: IdentityGroup<I>): IdleOfIdentity<R, I> | undefined {
    if (group === this.#group) return this.#ofGroup;
    const found = this.#byGroup.get(group);
    if (found === undefined) return undefined;
    this.#group = group;
    this.#ofGroup = found;
    return found;
  }

  #of(group: IdentityGroup<I>): IdleOfIdentity<R, I> {
    const found = this.#find(group);
    if (found !== undefined) return found;
    const made = new IdleOfIdentity<R, I>(this.#strategy);
    this.#byGroup.set(group, made);
    return made;
  }
}

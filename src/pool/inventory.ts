import type { Strategy } from '../endpoints/candidate.js';
import { type Identity, IdentityGroup } from './identity-group.js';
import { IdleConnections } from './idle-connections.js';
import type { PooledResource, ResourceState } from './resource.js';
import { SharedConnections } from './shared-connections.js';
import type { PoolStatistics } from './statistics.js';

/** How many connections are in each state. */
export type StateCounts = Record<ResourceState, number>;

/** How many connections are in each state, as statistics and errors show it. */
export type ShownCounts = Pick<PoolStatistics, 'idle' | 'leased' | 'opening' | 'validating' | 'resetting' | 'closing'>;

/**
 * The connections of a pool, by state and by identity. {@link Inventory.move} is the only way from state to state, so the
 * counts are right at every instant.
 */
export class Inventory<R, I extends Identity> {
  readonly counts: StateCounts = {
    opening: 0,
    idle: 0,
    validating: 0,
    changing: 0,
    leased: 0,
    resetting: 0,
    closing: 0,
    closed: 0,
  };
  /** Read only: {@link Inventory.move} adds and removes connections. */
  readonly idle: IdleConnections<R, I>;
  /** Connections lent to single calls that have a free seat. */
  readonly shared: SharedConnections<R, I> = new SharedConnections();
  readonly #members = new Set<PooledResource<R, I>>();
  readonly #opening = new Set<PooledResource<R, I>>();
  readonly #preparing = new Set<PooledResource<R, I>>();
  /** New connections that must answer a probe before they are lent. */
  #unproven = 0;
  readonly ownGroup: IdentityGroup<I>;
  /** The groups of other identities in use, by key. */
  readonly #groups = new Map<string, IdentityGroup<I>>();
  /**
   * Groups whose last attempt got no answer, kept for a while after their last use, so that the next caller does not
   * start from zero.
   */
  readonly #silent = new Map<string, IdentityGroup<I>>();

  /** @param strategy chooses between endpoints that have an idle connection */
  constructor(own: I, strategy: Strategy) {
    this.ownGroup = new IdentityGroup(own);
    this.idle = new IdleConnections(strategy);
  }

  /** The public counts: a connection being switched to another identity is shown as being reset. */
  get shown(): ShownCounts {
    const { idle, leased, opening, validating, changing, resetting, closing } = this.counts;
    return { idle, leased, opening, validating, resetting: resetting + changing, closing };
  }

  /** Connections of the pool, without those being closed. */
  get total(): number {
    return this.counts.opening + this.live;
  }

  /** Connections that are open, in any state. */
  get live(): number {
    const { idle, leased, validating, changing, resetting } = this.counts;
    return idle + leased + validating + changing + resetting;
  }

  /** Open connections that have answered their first probe, or did not need one. */
  get proven(): number {
    return this.live - this.#unproven;
  }

  /** Whether no connection is left, not even one being closed. */
  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** All connections that are not closed. They may be moved during the iteration. */
  [Symbol.iterator](): IterableIterator<PooledResource<R, I>> {
    return this.#members.values();
  }

  /** A copy of the connections being opened, oldest first: acting on one may start or end others. */
  get opening(): readonly PooledResource<R, I>[] {
    return [...this.#opening];
  }

  /** A copy of the connections being probed, or switched to another identity. */
  get preparing(): readonly PooledResource<R, I>[] {
    return [...this.#preparing];
  }

  add(member: PooledResource<R, I>): void {
    this.#members.add(member);
    this.#opening.add(member);
    this.counts.opening++;
    member.group.connections++;
    member.group.opening++;
    member.endpoint.connections++;
    member.endpoint.opening++;
  }

  move(member: PooledResource<R, I>, to: ResourceState): void {
    const from = member.state;
    if (from === 'idle') this.idle.remove(member);
    this.#change(member, from, to);
    if (to === 'idle') this.idle.add(member);
  }

  /** Makes a probed connection idle again, in its old place. */
  putBack(member: PooledResource<R, I>): void {
    this.#change(member, member.state, 'idle');
    this.idle.putBack(member);
  }

  #change(member: PooledResource<R, I>, from: ResourceState, to: ResourceState): void {
    member.state = to;
    // By name, since `counts[state]` would cost a fifth of an acquire.
    if (from === 'idle' && to === 'leased') {
      this.counts.idle--;
      this.counts.leased++;
    } else if (from === 'leased' && to === 'idle') {
      this.counts.leased--;
      this.counts.idle++;
    } else {
      this.counts[from]--;
      this.counts[to]++;
      this.#moveInGroup(member, from, to);
    }
  }

  #moveInGroup(member: PooledResource<R, I>, from: ResourceState, to: ResourceState): void {
    const { endpoint, group } = member;
    if (from === 'opening') {
      this.#opening.delete(member);
      group.opening--;
      endpoint.opening--;
    }
    if (member.unproven && from === 'validating') this.#unproven--;
    if (member.unproven && to === 'validating') this.#unproven++;
    if (from === 'validating' || from === 'changing') {
      group.preparing--;
      this.#preparing.delete(member);
    }
    if (to === 'validating' || to === 'changing') {
      group.preparing++;
      this.#preparing.add(member);
    }
    if (to === 'closed') this.#members.delete(member);
    if (from !== 'closing' && (to === 'closing' || to === 'closed')) {
      group.connections--;
      endpoint.connections--;
      this.forgetUnused(group);
    }
  }

  /** Moves an idle connection to another identity. */
  regroup(member: PooledResource<R, I>, group: IdentityGroup<I>): void {
    const former = member.group;
    former.connections--;
    group.connections++;
    if (member.state === 'changing') {
      former.preparing--;
      group.preparing++;
    }
    member.group = group;
    this.forgetUnused(former);
  }

  /** How many identities besides the pool's own a caller holds, or waits for, a connection of. */
  get identities(): number {
    return this.#groups.size;
  }

  groupOf(identity: I | undefined): IdentityGroup<I> | undefined {
    if (identity === undefined || identity.key === this.ownGroup.identity.key) return this.ownGroup;
    return this.#groups.get(identity.key);
  }

  addGroup(identity: I): IdentityGroup<I> {
    const group = this.#silent.get(identity.key) ?? new IdentityGroup<I>(identity);
    this.#groups.set(identity.key, group);
    return group;
  }

  /** An attempt of this identity got no answer. */
  silent(group: IdentityGroup<I>, now: number): void {
    group.silent(now);
    this.#silent.set(group.identity.key, group);
  }

  /** A connection of this identity worked. */
  heard(group: IdentityGroup<I>): void {
    group.proven = true;
    group.silentAt = undefined;
    if (group.silences === 0) return;
    group.silences = 0;
    this.#silent.delete(group.identity.key);
  }

  /** When the next silent identity that callers wait for may be tried again; `Infinity` for none. */
  nextAfterSilence(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { waiting, notBefore } of this.#silent.values()) {
      if (waiting > 0 && notBefore > now) next = Math.min(next, notBefore);
    }
    return next;
  }

  forgetSilence(now: number): void {
    for (const [key, group] of this.#silent) if (!group.inUse && group.isForgotten(now)) this.#silent.delete(key);
  }

  forgetUnused(group: IdentityGroup<I>): void {
    if (group === this.ownGroup || group.inUse) return;
    this.#groups.delete(group.identity.key);
    this.idle.forget(group);
  }
}

import type { Identity, IdentityGroup } from './identity-group.js';
import type { Place } from './linked-list.js';
import { ListsByKey } from './lists-by-key.js';
import type { PooledResource } from './resource.js';
import { Seat } from './seat.js';
import type { Tenant } from './tenant.js';

/**
 * The connections lent to single calls that have a free seat, by identity. The one that took a call last comes last, so
 * calls spread over them.
 */
export class SharedConnections<R, I extends Identity> {
  readonly #withRoom = new ListsByKey<IdentityGroup<I>, Place<PooledResource<R, I>>>();
  #members = 0;
  /** The seat that the next call of a tenant may join, by identity. */
  readonly #joinable = new Map<IdentityGroup<I>, Map<Tenant, Seat<R, I>>>();

  /** The next connection with a free seat. */
  firstOf(group: IdentityGroup<I>): PooledResource<R, I> | undefined {
    return this.#withRoom.find(group)?.first?.owner;
  }

  /** A seat whose message is not sent yet, with room for one more call. */
  joinable(group: IdentityGroup<I>, tenant: Tenant, callsPerMessage: number): Seat<R, I> | undefined {
    const seat = this.#joinable.get(group)?.get(tenant);
    return seat?.open && seat.calls < callsPerMessage ? seat : undefined;
  }

  /** Takes a seat on a connection. `seats`: how many it has. */
  take(member: PooledResource<R, I>, tenant: Tenant, joins: boolean, seats: number): Seat<R, I> {
    const { group } = member;
    const seat = new Seat<R, I>(member, tenant, joins);
    this.#leave(member);
    member.seatsTaken++;
    if (member.seatsTaken < seats) this.#enter(member);
    if (joins) {
      let ofGroup = this.#joinable.get(group);
      if (ofGroup === undefined) {
        ofGroup = new Map();
        this.#joinable.set(group, ofGroup);
      }
      ofGroup.set(tenant, seat);
    }
    return seat;
  }

  /** Gives a seat back. `lendable`: whether the connection may take further calls. */
  giveBack(seat: Seat<R, I>, lendable: boolean): void {
    const { member } = seat;
    seat.close();
    const ofGroup = this.#joinable.get(member.group);
    if (ofGroup?.get(seat.tenant) === seat) {
      ofGroup.delete(seat.tenant);
      if (ofGroup.size === 0) this.#joinable.delete(member.group);
    }
    member.seatsTaken--;
    this.#leave(member);
    if (lendable && member.seatsTaken > 0) this.#enter(member);
  }

  /** Gives it no further call until one of its seats is given back. */
  setAside(member: PooledResource<R, I>): void {
    this.#leave(member);
  }

  /** Whether any connection has a free seat. */
  get any(): boolean {
    return this.#members > 0;
  }

  #enter(member: PooledResource<R, I>): void {
    this.#withRoom.of(member.group).append(member.sharing);
    member.hasRoom = true;
    this.#members++;
  }

  #leave(member: PooledResource<R, I>): void {
    if (!member.hasRoom) return;
    this.#withRoom.remove(member.group, member.sharing);
    member.hasRoom = false;
    this.#members--;
  }
}

import type { Affinity } from './affinity.js';
import type { CloseReason } from './close-reason.js';
import type { AcquireOptions } from './contract.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import { Lease, type LeaseOwner } from './lease.js';
import type { Lifecycle } from './lifecycle.js';
import type { Origin } from './origin.js';
import type { PoolParts } from './parts.js';
import type { Rejections } from './rejections.js';
import type { PooledResource } from './resource.js';
import type { Seat } from './seat.js';
import type { Tenant } from './tenant.js';
import type { SharedUse, Waiter } from './waiter.js';
import type { WaitingLine } from './waiting-line.js';

/** The most calls that go in one message. */
const callsPerMessage = 16;

/** The parts of a pool that lending needs. */
export interface LeasingParts<R, I extends Identity> extends PoolParts<R, I> {
  readonly line: WaitingLine<R, I>;
  readonly affinity: Affinity<R, I>;
  readonly rejections: Rejections<R, I>;
  readonly lifecycle: Lifecycle<R, I>;
  /** Whether the dispatcher is matching waiters and connections right now: then no shortcut is taken. */
  readonly isDispatching: () => boolean;
  /** Something has changed: match waiters and connections again. */
  readonly dispatch: () => void;
}

/** From the hand-over of a connection to its release. */
export class Leasing<R, I extends Identity> implements LeaseOwner<R> {
  readonly #parts: LeasingParts<R, I>;

  constructor(parts: LeasingParts<R, I>) {
    this.#parts = parts;
  }

  /** Lends an idle connection of this identity that needs no probe, or a seat on one that others share. */
  lendAtOnce(
    group: IdentityGroup<I>,
    acquire: number,
    tenant: Tenant,
    { origin, shared }: AcquireOptions<I>,
    now: number,
  ): Lease<R> | undefined {
    const { inventory, settings } = this.#parts;
    if (shared?.joins && settings.batching === 'always') {
      const seat = inventory.shared.joinable(group, tenant, callsPerMessage);
      if (seat !== undefined && this.#isShareable(seat.member, now)) {
        return this.#lend(seat.member, acquire, tenant, origin, 0, now, true, seat);
      }
    }
    const member = inventory.idle.newestOf(group, now);
    if (member !== undefined && this.#isLendable(member, now)) {
      return this.#lend(
        member,
        acquire,
        tenant,
        origin,
        0,
        now,
        true,
        shared && this.#takeSeat(member, tenant, shared),
      );
    }
    const sharing = shared && this.withRoom(group, tenant, now);
    if (shared === undefined || sharing === undefined) return undefined;
    return this.#lend(sharing, acquire, tenant, origin, 0, now, true, this.#takeSeat(sharing, tenant, shared));
  }

  #isLendable(member: PooledResource<R, I>, now: number): boolean {
    const { fitness } = this.#parts;
    return fitness.isTrusted(member, now) && fitness.whyUnfit(member, now) === undefined;
  }

  #isShareable(member: PooledResource<R, I>, now: number): boolean {
    const { endpoints, factory } = this.#parts;
    // Calls share what is left of the connections only where they are answered, if that is so anywhere.
    if (!member.endpoint.isWell && endpoints.someAreWell) return false;
    return this.#isLendable(member, now) && factory.isShareable(member.resource as R);
  }

  /** A connection of this identity that is lent to single calls and may take one more of this tenant. */
  withRoom(group: IdentityGroup<I>, tenant: Tenant, now: number): PooledResource<R, I> | undefined {
    const { inventory, line } = this.#parts;
    const { shared } = inventory;
    for (let member = shared.firstOf(group); member !== undefined; member = shared.firstOf(group)) {
      if (this.#isShareable(member, now)) return line.mayFollow(member.seatsTaken, tenant, now) ? member : undefined;
      // It is considered again at its next answer.
      shared.setAside(member);
    }
    return undefined;
  }

  #takeSeat(member: PooledResource<R, I>, tenant: Tenant, { joins }: SharedUse): Seat<R, I> {
    const { factory, inventory, settings } = this.#parts;
    const mayJoin = joins && settings.batching !== 'off';
    return inventory.shared.take(member, tenant, mayJoin, factory.seats(member.resource as R));
  }

  /**
   * Lends to a waiter. If its call may share a message, the next waiters that want the same join it.
   * @param reused whether the connection was there before the waiter
   */
  lendTo(waiter: Waiter<R, I>, member: PooledResource<R, I>, now: number, reused: boolean): void {
    const { line } = this.#parts;
    const seat = waiter.shared && this.#takeSeat(member, waiter.tenant, waiter.shared);
    this.#serve(waiter, member, now, reused, seat);
    while (seat?.joins && seat.calls < callsPerMessage) {
      // The message goes anyway: other calls of its tenant go with it, though they are not next.
      const next = line.firstOfTenant(waiter.tenant);
      if (!next?.shared?.joins || next.group !== member.group || next.isTooLate(now)) break;
      this.#serve(next, member, now, reused, seat);
    }
    // New calls must not overtake waiters.
    if (line.any) seat?.close();
  }

  #serve(
    waiter: Waiter<R, I>,
    member: PooledResource<R, I>,
    now: number,
    reused: boolean,
    seat: Seat<R, I> | undefined,
  ): void {
    this.#parts.line.leave(waiter, 'served', now);
    const { acquire, tenant, origin, since } = waiter;
    waiter.resolve(this.#lend(member, acquire, tenant, origin, now - since, now, reused, seat));
  }

  /**
   * Lends a connection prepared for waiters of its identity: to the next waiter if it is one of these, else to the one
   * that came first; or keeps it as idle.
   */
  offer(member: PooledResource<R, I>, now: number, reused: boolean): void {
    const { line, state } = this.#parts;
    const accepts = (waiter: Waiter<R, I>): boolean => !waiter.fresh || (!reused && member.since >= waiter.since);
    const next = state.isRunning ? line.next(now) : undefined;
    const isForNext = next?.group === member.group && !next.isTooLate(now) && accepts(next);
    const waiter = isForNext ? next : this.#firstOf(member.group, now, accepts);
    if (waiter === undefined) this.keepIdle(member, now);
    else this.lendTo(waiter, member, now, reused);
  }

  #firstOf(group: IdentityGroup<I>, now: number, accepts: (waiter: Waiter<R, I>) => boolean): Waiter<R, I> | undefined {
    const { line, rejections, state } = this.#parts;
    let waiter = state.isRunning ? line.firstOf(group) : undefined;
    while (waiter !== undefined) {
      const next = line.afterInGroup(waiter);
      if (waiter.isTooLate(now)) rejections.timeOut(waiter);
      else if (accepts(waiter)) return waiter;
      waiter = next;
    }
    return undefined;
  }

  keepIdle(member: PooledResource<R, I>, now: number): void {
    this.#parts.inventory.move(member, 'idle');
    member.idleSince = now;
  }

  #lend(
    member: PooledResource<R, I>,
    acquire: number,
    tenant: Tenant,
    origin: Origin | undefined,
    waited: number,
    now: number,
    reused: boolean,
    seat: Seat<R, I> | undefined,
  ): Lease<R> {
    const { inventory, journal, line } = this.#parts;
    if (member.state !== 'leased') {
      inventory.move(member, 'leased');
      member.expectsCallers = false;
      member.leasedAt = now;
      member.overdue = false;
      member.reportedIdle = false;
    }
    member.uses++;
    member.endpoint.inUse++;
    if (seat !== undefined) seat.calls++;
    const portion = seat === undefined ? 1 : 1 / (member.seatsTaken * seat.calls);
    const lease = new Lease<R>(this, member, acquire, tenant, now, origin, seat, portion, line.expected(tenant));
    line.lent(lease, waited);
    if (seat === undefined) member.lease = lease;
    else member.sharers.add(lease);
    journal.acquired(acquire, member.id, waited, reused, now);
    return lease;
  }

  /** The end of a lease. */
  release(lease: Lease<R>, member: PooledResource<R, I>): void {
    const { clock, health, journal, line } = this.#parts;
    const now = clock.now();
    const before = lease.end('released', now);
    // The holder of a lease that the shutdown aborted rightly releases it later.
    if (before === 'revoked') return;
    if (before === 'released') {
      if (!lease.expired) journal.releasedTwice(member.id);
      return;
    }
    member.endpoint.inUse--;
    journal.released(member.id, now - lease.since, member.uses, now);
    line.returned(lease, now);
    if (lease.seat === undefined) {
      member.lease = undefined;
    } else if (this.#leaveSeat(lease, member, lease.seat as Seat<R, I>, now)) {
      this.serveOthers(lease.tenant);
      return;
    }
    if (health.troubled || member.retirement !== undefined) health.released(member, lease.since, now);
    this.#takeBack(member, now, lease.tenant);
  }

  /** @returns whether other calls are under way on the connection */
  #leaveSeat(lease: Lease<R>, member: PooledResource<R, I>, seat: Seat<R, I>, now: number): boolean {
    const { factory, fitness, health, inventory, isDispatching, line, state } = this.#parts;
    member.sharers.delete(lease);
    seat.calls--;
    // Its message is not answered yet, or other calls of it are still being settled.
    if (seat.calls > 0) return true;
    const mayGoOn = fitness.whyUnfit(member, now) === undefined && factory.isShareable(member.resource as R);
    inventory.shared.giveBack(seat, mayGoOn);
    if (member.seatsTaken === 0) return false;
    if (health.troubled && mayGoOn) health.released(member, lease.since, now);
    if (!mayGoOn) return true;
    member.provenAt = now;
    const next = line.next(now);
    if (next === undefined) return true;
    const isNext = next.shared !== undefined && next.group === member.group && !next.isTooLate(now);
    const mayFollow = isNext && line.mayFollow(member.seatsTaken, next.tenant, now);
    if (mayFollow && !isDispatching() && state.isRunning) this.#lendToNext(next, member, now, lease.tenant);
    else this.#parts.dispatch();
    return true;
  }

  /** Lends to the first waiter, and the free seats to the waiters behind it. */
  #lendToNext(waiter: Waiter<R, I>, member: PooledResource<R, I>, now: number, before: Tenant): void {
    const { dispatch, inventory, line } = this.#parts;
    this.lendTo(waiter, member, now, true);
    if (line.any && inventory.shared.any) dispatch();
    else this.serveOthers(before);
  }

  /**
   * Serves waiters on any connection there is: those of a tenant that had as many leases as it may and has one less now,
   * or whose other waiter was ahead of them and left.
   */
  serveOthers(tenant: Tenant): void {
    const { dispatch, inventory, line, sizing } = this.#parts;
    if (!tenant.isCapped || !line.any) return;
    if (inventory.shared.any || inventory.idle.oldest !== undefined || inventory.total < sizing.max) dispatch();
  }

  /** Takes back a connection that no lease holds any more. */
  #takeBack(member: PooledResource<R, I>, now: number, tenant: Tenant): void {
    const { affinity, dispatch, factory, fitness, isDispatching, lifecycle, line, state } = this.#parts;
    const unfit = fitness.whyUnfit(member, now);
    if (unfit === undefined && factory.isClean(member.resource as R)) {
      member.provenAt = now;
      // Shortcuts for the two common cases: hand over to the next waiter, or no waiter at all.
      const next = line.next(now);
      if (next === undefined && state.isRunning) {
        this.keepIdle(member, now);
        return;
      }
      const waiter = next && affinity.waiterFor(member, next, now);
      const isNext = waiter !== undefined && !waiter.fresh && !waiter.isTooLate(now);
      if (isNext && !isDispatching() && state.isRunning && fitness.isTrusted(member, now)) {
        this.#lendToNext(waiter, member, now, tenant);
        return;
      }
      if (next !== undefined && waiter === undefined) affinity.expect(member, next, now);
      this.keepIdle(member, now);
    } else if (unfit === undefined || this.#mayFinish(member, unfit)) {
      lifecycle.reset(member);
    } else {
      lifecycle.retire(member, unfit);
    }
    dispatch();
  }

  /** Whether the calls under way on it may end before it is closed. */
  #mayFinish(member: PooledResource<R, I>, unfit: CloseReason): boolean {
    if (unfit === 'died' || unfit === 'cut-off' || unfit === 'unanswered' || unfit === 'aborted') return false;
    return this.#parts.factory.idleFor(member.resource as R) === undefined;
  }
}

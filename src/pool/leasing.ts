import type { CloseReason } from './close-reason.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import { Lease, type LeaseOwner } from './lease.js';
import type { Lifecycle } from './lifecycle.js';
import type { PoolParts } from './parts.js';
import type { Rejections } from './rejections.js';
import type { PooledResource } from './resource.js';
import type { Waiter } from './waiter.js';
import type { WaitingLine } from './waiting-line.js';

/** The parts of a pool that lending needs. */
export interface LeasingParts<R, I extends Identity> extends PoolParts<R, I> {
  readonly line: WaitingLine<R, I>;
  readonly rejections: Rejections<R, I>;
  readonly lifecycle: Lifecycle<R, I>;
  /** Whether waiters and connections are being matched at this moment: then no shortcut is taken. */
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

  /** Lends the newest idle connection of this identity, if there is one that needs no probe. */
  lendIdle(group: IdentityGroup<I>, acquire: number, origin: string | undefined, now: number): Lease<R> | undefined {
    const { inventory, lifecycle } = this.#parts;
    const member = inventory.idle.newestOf(group);
    if (member === undefined || !lifecycle.isTrusted(member, now)) return undefined;
    if (lifecycle.whyUnfit(member, now) !== undefined) return undefined;
    return this.#lend(member, acquire, origin, 0, now, true);
  }

  /** @param reused whether the connection was there before the waiter */
  lendTo(waiter: Waiter<R, I>, member: PooledResource<R, I>, now: number, reused: boolean): void {
    this.#parts.line.leave(waiter, 'served');
    const { acquire, origin, since } = waiter;
    waiter.resolve(this.#lend(member, acquire, origin, now - since, now, reused));
  }

  /** Lends to the first waiter for its identity, or keeps the connection as idle. */
  offer(member: PooledResource<R, I>, now: number, reused: boolean): void {
    const { line, rejections, state } = this.#parts;
    let waiter = state.isRunning ? line.firstOf(member.group) : undefined;
    while (waiter !== undefined) {
      const next = this.#nextOfGroup(waiter);
      const wantsAnother = waiter.fresh && (reused || member.since < waiter.since);
      if (waiter.isTooLate(now)) rejections.timeOut(waiter);
      else if (!wantsAnother) break;
      waiter = next;
    }
    if (waiter === undefined) this.keepIdle(member, now);
    else this.lendTo(waiter, member, now, reused);
  }

  #nextOfGroup(waiter: Waiter<R, I>): Waiter<R, I> | undefined {
    const { line } = this.#parts;
    let next = line.after(waiter);
    while (next !== undefined && next.group !== waiter.group) next = line.after(next);
    return next;
  }

  keepIdle(member: PooledResource<R, I>, now: number): void {
    this.#parts.inventory.move(member, 'idle');
    member.idleSince = now;
  }

  #lend(
    member: PooledResource<R, I>,
    acquire: number,
    origin: string | undefined,
    waited: number,
    now: number,
    reused: boolean,
  ): Lease<R> {
    const { inventory, journal } = this.#parts;
    inventory.move(member, 'leased');
    member.uses++;
    member.leasedAt = now;
    member.overdue = false;
    member.reportedIdle = false;
    const lease = new Lease<R>(this, member, origin);
    member.lease = lease;
    journal.acquired(acquire, member.id, waited, reused, now);
    return lease;
  }

  /** The end of a lease. */
  release(lease: Lease<R>, member: PooledResource<R, I>): void {
    const { clock, dispatch, health, isDispatching, journal, lifecycle, line, state } = this.#parts;
    const before = lease.end('released');
    // A lease that the shutdown aborted is released by its holder later, and rightly so.
    if (before === 'revoked') return;
    if (before === 'released') {
      journal.releasedTwice(member.id);
      return;
    }
    const now = clock.now();
    member.lease = undefined;
    journal.released(member.id, now - member.leasedAt, member.uses, now);
    if (health.troubled || member.retirement === 'unanswered') health.released(member, now);
    const unfit = lifecycle.whyUnfit(member, now);
    if (unfit === undefined && this.#parts.factory.isClean(member.resource as R)) {
      member.provenAt = now;
      // Shortcuts for the two common cases: hand over to the next waiter, or no waiter at all.
      const next = line.first;
      if (next === undefined && state.isRunning) {
        this.keepIdle(member, now);
        return;
      }
      const isNext = next?.group === member.group && !next.fresh && !next.isTooLate(now);
      if (isNext && !isDispatching() && state.isRunning && lifecycle.isTrusted(member, now)) {
        this.lendTo(next, member, now, true);
        return;
      }
      this.keepIdle(member, now);
    } else if (unfit === undefined || this.#mayFinish(member, unfit)) {
      lifecycle.reset(member);
    } else {
      lifecycle.retire(member, unfit);
    }
    dispatch();
  }

  /** Although it will be closed, what is under way on it may end first. */
  #mayFinish(member: PooledResource<R, I>, unfit: CloseReason): boolean {
    if (unfit === 'died' || unfit === 'cut-off' || unfit === 'unanswered') return false;
    return this.#parts.factory.idleFor(member.resource as R) === undefined;
  }
}

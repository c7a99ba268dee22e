import type { Affinity } from './affinity.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import type { Leasing } from './leasing.js';
import type { Lifecycle } from './lifecycle.js';
import type { Openings } from './openings.js';
import type { PoolParts } from './parts.js';
import type { Rejections } from './rejections.js';
import type { PooledResource } from './resource.js';
import type { Waiter } from './waiter.js';
import type { WaitingLine } from './waiting-line.js';
import type { WarmUp } from './warm-up.js';

/**
 * How long, in milliseconds, a waiter waits for a connection that can still be opened. After that, calls that share
 * connections give way to it, since openings may fail.
 */
const patience = 100;

/** The parts of a pool that matching needs. */
export interface DispatcherParts<R, I extends Identity> extends PoolParts<R, I> {
  readonly line: WaitingLine<R, I>;
  readonly affinity: Affinity<R, I>;
  readonly rejections: Rejections<R, I>;
  readonly lifecycle: Lifecycle<R, I>;
  readonly leasing: Leasing<R, I>;
  readonly openings: Openings<R, I>;
  readonly warmUp: WarmUp;
  /** Called after each matching. */
  readonly matched: () => void;
}

/**
 * Gives idle connections to waiters, then opens what is still wanted. Runs after every event and decides from the
 * present state, never from a count of events.
 */
export class Dispatcher<R, I extends Identity> {
  readonly #parts: DispatcherParts<R, I>;
  #dispatching = false;
  #again = false;

  constructor(parts: DispatcherParts<R, I>) {
    this.#parts = parts;
  }

  get isDispatching(): boolean {
    return this.#dispatching;
  }

  /** Stops opening connections. */
  end(): void {
    this.#parts.openings.end();
  }

  /** A caller was refused: try to open a connection for later callers. */
  askedInVain(now: number): void {
    this.#parts.openings.asked(now);
    this.dispatch();
  }

  dispatch(): void {
    if (this.#dispatching) {
      this.#again = true;
      return;
    }
    const { clock, endpoints, health, inventory, line, matched, openings, rejections, sizing, state, warmUp } =
      this.#parts;
    this.#dispatching = true;
    do {
      this.#again = false;
      if (state.isRunning) {
        const now = clock.now();
        if (endpoints.takeClosed()) this.#closeIdle(now);
        this.#matchWaiters(now);
        openings.openWanted(now);
        if (line.length > 0 && health.isCutOff(now)) {
          openings.asked(now);
          rejections.refuseAll('circuit-open');
        }
        health.tellChange(state.word, now);
      }
    } while (this.#again);
    this.#dispatching = false;
    warmUp.look(inventory.live, sizing.kept);
    matched();
  }

  /** Closes the idle connections at endpoints that are out or being drained. */
  #closeIdle(now: number): void {
    const { fitness, inventory, lifecycle } = this.#parts;
    for (const member of inventory.idle.filter(({ endpoint }) => !endpoint.lends)) {
      lifecycle.retire(member, fitness.whyUnfit(member, now) ?? 'endpoint-out');
    }
  }

  /**
   * Walks the line while a connection is idle or has a free seat. Each waiter gets an idle connection of its identity,
   * or a seat if it may share. Otherwise a connection is prepared for it (probed, or switched to its identity); the
   * waiter stays in the line and gets whichever connection is ready first.
   */
  #matchWaiters(now: number): void {
    const { affinity, fitness, inventory, leasing, lifecycle, line, openings, rejections, sizing } = this.#parts;
    const { idle, shared } = inventory;
    /** How many connections of an identity are being prepared for waiters ahead of this one. */
    let claimed: Map<IdentityGroup<I>, number> | undefined;
    /** How many waiters so far want a newly opened connection. */
    let fresh = 0;
    /** A waiter ahead of this one needs a connection free of calls, so no connection gets further calls. */
    let seatsEnd = false;
    while (idle.oldest !== undefined || (shared.any && !seatsEnd)) {
      const waiter = line.next(now);
      if (waiter === undefined) break;
      const { group } = waiter;
      const matching = idle.newestOf(group, now);
      const member = matching ?? idle.oldest;
      const unfit = member && fitness.whyUnfit(member, now);
      if (member !== undefined && unfit !== undefined) {
        lifecycle.retire(member, unfit);
        continue;
      }
      if (waiter.isTooLate(now)) {
        rejections.timeOut(waiter);
        continue;
      }
      if (waiter.fresh) {
        // Room is needed for the connection opened for this waiter.
        const isOnItsWay = ++fresh <= inventory.counts.opening;
        if (member !== undefined && !isOnItsWay && inventory.total >= sizing.max) lifecycle.retire(member, 'recycled');
      } else {
        const lendable = this.#lendableTo(waiter, matching, seatsEnd, now);
        if (lendable !== undefined) {
          leasing.lendTo(waiter, lendable, now, true);
          continue;
        }
        const own = member && member !== matching ? affinity.waiterFor(member, waiter, now) : undefined;
        if (member !== undefined && own !== undefined && this.#isServable(own, member, now)) {
          leasing.lendTo(own, member, now, true);
          continue;
        }
        // It may be switched when the turn of the event loop ends; until then it is of use to nobody behind this waiter.
        if (member !== undefined && member !== matching && member.expectsCallers) break;
        if (member !== undefined) {
          claimed ??= new Map();
          const claims = claimed.get(group) ?? 0;
          claimed.set(group, claims + 1);
          if (claims >= openings.preparingOf(group, now)) {
            if (member === matching) lifecycle.probe(member);
            else if (sizing.mayChange(group, now)) lifecycle.change(member, group);
          }
        } else if (inventory.total >= sizing.max || now - waiter.since >= patience) {
          // A waiter whose identity does not answer gets nothing yet.
          if (sizing.mayPrepare(group, now)) seatsEnd = true;
        }
      }
      line.pass(waiter, now);
    }
    line.endWalk(now);
  }

  #isServable(waiter: Waiter<R, I>, member: PooledResource<R, I>, now: number): boolean {
    return !waiter.fresh && !waiter.isTooLate(now) && this.#parts.fitness.isTrusted(member, now);
  }

  /**
   * An idle connection of the waiter's identity that needs no probe, or one with a free seat if the waiter may share.
   */
  #lendableTo(
    { group, shared, tenant }: Waiter<R, I>,
    idle: PooledResource<R, I> | undefined,
    seatsEnd: boolean,
    now: number,
  ): PooledResource<R, I> | undefined {
    const { fitness, leasing } = this.#parts;
    if (idle !== undefined && fitness.isTrusted(idle, now)) return idle;
    return shared !== undefined && !seatsEnd ? leasing.withRoom(group, tenant, now) : undefined;
  }
}

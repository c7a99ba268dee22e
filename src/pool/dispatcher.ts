import type { Timer } from '../time/clock.js';
import type { Affinity } from './affinity.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import type { Leasing } from './leasing.js';
import type { Lifecycle } from './lifecycle.js';
import type { PoolParts } from './parts.js';
import type { Rejections } from './rejections.js';
import type { PooledResource } from './resource.js';
import type { Waiter } from './waiter.js';
import type { WaitingLine } from './waiting-line.js';
import type { WarmUp } from './warm-up.js';

/** After refusing an acquire the pool acts as if a caller waited, for this many milliseconds. */
const askedFor = 2000;

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
  #lastAsked = Number.NEGATIVE_INFINITY;
  #openTimer: Timer | undefined;
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
    this.#openTimer?.cancel();
  }

  /** A caller was refused: try to open a connection for later callers. */
  askedInVain(now: number): void {
    this.#lastAsked = now;
    this.dispatch();
  }

  dispatch(): void {
    if (this.#dispatching) {
      this.#again = true;
      return;
    }
    const { clock, health, inventory, line, matched, rejections, sizing, state, warmUp } = this.#parts;
    this.#dispatching = true;
    do {
      this.#again = false;
      if (state.isRunning) {
        const now = clock.now();
        this.#matchWaiters(now);
        this.#openWanted(now);
        if (line.length > 0 && health.isCutOff(now)) {
          this.#lastAsked = now;
          rejections.refuseAll('circuit-open');
        }
        health.tellChange(state.word, now);
      }
    } while (this.#again);
    this.#dispatching = false;
    warmUp.look(inventory.live, sizing.kept);
    matched();
  }

  /**
   * Walks the line while a connection is idle or has a free seat. Each waiter gets an idle connection of its identity,
   * or a seat if it may share. Otherwise a connection is prepared for it (probed, or switched to its identity); the
   * waiter stays in the line and gets whichever connection is ready first.
   */
  #matchWaiters(now: number): void {
    const { affinity, inventory, leasing, lifecycle, line, rejections, sizing } = this.#parts;
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
      const matching = idle.newestOf(group);
      const member = matching ?? idle.oldest;
      const unfit = member && lifecycle.whyUnfit(member, now);
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
          if (claims >= group.preparing) {
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
    return !waiter.fresh && !waiter.isTooLate(now) && this.#parts.lifecycle.isTrusted(member, now);
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
    const { leasing, lifecycle } = this.#parts;
    if (idle !== undefined && lifecycle.isTrusted(idle, now)) return idle;
    return shared !== undefined && !seatsEnd ? leasing.withRoom(group, tenant, now) : undefined;
  }

  #openWanted(now: number): void {
    const { health, inventory, journal, lifecycle, line, sizing, warmUp } = this.#parts;
    const asked = line.length > 0 || now - this.#lastAsked < askedFor;
    // While callers are refused, one connection is tried for them.
    const forRefused = asked && health.circuit !== 'closed' && inventory.proven === 0 ? 1 : 0;
    const atLeast = Math.max(warmUp.wanted, forRefused);
    for (;;) {
      const pause = health.wait(now, asked);
      // While no opening is known to work, a slow one does not hold up others.
      const openings = !health.proving || pause > 0;
      const counted = { openings, preparations: openings && !lifecycle.probesFail };
      const group = sizing.wanted(now, atLeast, counted);
      if (group === undefined) {
        const next = inventory.nextAfterSilence(now);
        const look = health.proving && pause > 0 ? Math.min(now + pause, next) : next;
        if (look !== Number.POSITIVE_INFINITY) this.#dispatchLater(look - now);
        return;
      }
      const wait = Math.max(sizing.untilRoom(now, journal, counted), pause);
      if (wait > 0) {
        this.#dispatchLater(wait);
        return;
      }
      lifecycle.open(group);
    }
  }

  #dispatchLater(wait: number): void {
    this.#openTimer?.cancel();
    if (wait === Number.POSITIVE_INFINITY) return;
    // At least 1 ms: rounding could lose a fraction, and the pool would look again at the same moment.
    this.#openTimer = this.#parts.clock.timer(Math.max(1, wait), true, () => this.dispatch());
  }
}

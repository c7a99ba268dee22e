import type { Timer } from '../time/clock.js';
import { SuspensionWatch } from '../time/suspension.js';
import type { Identity } from './identity-group.js';
import type { Lifecycle } from './lifecycle.js';
import type { PoolParts } from './parts.js';
import type { Rebalancing } from './rebalancing.js';
import type { RoundTrips } from './round-trips.js';
import type { WaitingLine } from './waiting-line.js';

/** How often the pool checks its connections, in milliseconds. */
const sweepInterval = 1000;
/**
 * A sweep this many milliseconds late shows that the process was suspended, so what it knew of its connections may be
 * outdated.
 */
const gapThreshold = 3 * sweepInterval;

/** The parts of a pool that upkeep needs. */
export interface UpkeepParts<R, I extends Identity> extends PoolParts<R, I> {
  readonly timeOfDay: (() => number) | undefined;
  readonly rebalancing: Rebalancing<R, I>;
  readonly roundTrips: RoundTrips<R, I>;
  readonly line: WaitingLine<R, I>;
  readonly lifecycle: Lifecycle<R, I>;
  /** Called after each sweep. */
  readonly swept: () => void;
}

/** Once a second, finds connections that are too old, idle for too long, or held for too long. */
export class Upkeep<R, I extends Identity> {
  readonly #parts: UpkeepParts<R, I>;
  #timer: Timer | undefined;
  #lastSweep: number;
  #nextIdleRetirement = 0;
  readonly #suspension: SuspensionWatch | undefined;

  constructor(parts: UpkeepParts<R, I>) {
    this.#parts = parts;
    const { clock, timeOfDay } = parts;
    this.#lastSweep = clock.now();
    if (timeOfDay !== undefined) this.#suspension = new SuspensionWatch(this.#lastSweep, timeOfDay);
    this.#arm();
  }

  end(): void {
    this.#timer?.cancel();
  }

  /**
   * Called before a connection is lent: checks whether the process was suspended, in which case earlier proofs are
   * discarded.
   */
  noticeGap(now: number): void {
    if (now - this.#lastSweep > gapThreshold) this.#sweep();
    else this.#noticeSuspension(now);
  }

  #noticeSuspension(now: number): void {
    const duration = this.#suspension?.since(now) ?? 0;
    if (duration > 0) this.#distrust(now, duration);
  }

  #distrust(now: number, duration: number): void {
    this.#parts.fitness.distrust(now);
    this.#parts.journal.gap(duration);
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.timer(sweepInterval, false, () => this.#sweep());
  }

  #sweep(): void {
    const { clock, endpoints, health, lifecycle, lifetimes, rebalancing, roundTrips, swept } = this.#parts;
    const now = clock.now();
    const duration = now - this.#lastSweep;
    this.#lastSweep = now;
    this.#arm();
    if (duration > gapThreshold) this.#distrust(now, duration);
    else this.#noticeSuspension(now);
    for (const member of lifetimes.takeExpired(now)) {
      if (member.state === 'idle') lifecycle.retire(member, 'lifetime');
    }
    health.lookForLasting(now);
    endpoints.sweep(now);
    rebalancing.look(now);
    roundTrips.measure(now);
    this.#parts.inventory.forgetSilence(now);
    this.#retireIdle(now);
    this.#reportLeases(now);
    this.#check(now);
    swept();
  }

  /**
   * Probes long unused connections, a few at a time, and only while no caller waits: callers come first. A postponed
   * check is made at a later sweep.
   */
  #check(now: number): void {
    const { checks, inventory, lifecycle, line, settings } = this.#parts;
    for (const member of checks.takeDue(now)) {
      const free = line.length === 0 && inventory.counts.validating < settings.maxConnecting;
      if (member.state === 'idle' && free) lifecycle.probe(member);
      else checks.watchSoon(member, now);
    }
  }

  /**
   * Closes at most one connection that was idle for the whole of `idleTimeout`, then pauses. So the surplus of a burst
   * is closed one by one within one more `idleTimeout`, instead of all in one second.
   */
  #retireIdle(now: number): void {
    const { inventory, lifecycle, settings, sizing } = this.#parts;
    const { idleTimeout } = settings;
    const { oldest } = inventory.idle;
    if (idleTimeout === 0 || oldest === undefined || inventory.total <= sizing.min) return;
    if (now - oldest.idleSince < idleTimeout || now < this.#nextIdleRetirement) return;
    this.#nextIdleRetirement = now + idleTimeout / Math.max(1, sizing.max - sizing.min);
    lifecycle.retire(oldest, 'idle');
  }

  /** Reports leases held for too long, and leases without calls, each once. */
  #reportLeases(now: number): void {
    const { factory, inventory, journal, settings } = this.#parts;
    const { leakDetectionThreshold, idleLeaseThreshold } = settings;
    if (leakDetectionThreshold === 0 && idleLeaseThreshold === 0) return;
    for (const member of inventory) {
      const { lease } = member;
      // A single call has a deadline of its own.
      if (lease === undefined) continue;
      const connection = member.id;
      const held = now - lease.since;
      // Formatted within a second: until then it keeps alive what is on the stack, perhaps the connection itself.
      const origin = lease.origin?.text;
      if (leakDetectionThreshold > 0 && !member.overdue && held >= leakDetectionThreshold) {
        member.overdue = true;
        journal.tell('leaseOverdue', { connection, held, origin });
      }
      if (idleLeaseThreshold === 0 || lease.watchesIdle || member.reportedIdle || held < idleLeaseThreshold) continue;
      const idle = Math.min(held, factory.idleFor(member.resource as R) ?? 0);
      if (idle < idleLeaseThreshold) continue;
      member.reportedIdle = true;
      journal.tell('leaseIdle', { connection, held, idle, origin });
    }
  }
}

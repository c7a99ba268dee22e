import type { Clock } from '../time/clock.js';
import type { Identity } from './identity-group.js';
import type { Inventory } from './inventory.js';
import type { Journal } from './journal.js';
import type { Lifecycle } from './lifecycle.js';
import type { AbortedLease, ShutdownReport } from './shutdown-report.js';

/** The parts of a pool that a shutdown needs. */
export interface DrainParts<R, I extends Identity> {
  readonly clock: Clock;
  readonly inventory: Inventory<R, I>;
  readonly journal: Journal;
  readonly lifecycle: Lifecycle<R, I>;
}

/** Shuts a pool down: leases may finish within a grace period, the rest are aborted, and everything is closed. */
export class Drain<R, I extends Identity> {
  readonly #parts: DrainParts<R, I>;
  readonly #began: number;
  readonly #refused: number;
  readonly #leased: number;
  readonly #closedBefore: number;
  readonly #aborted: AbortedLease[] = [];
  readonly #endGrace: () => void;
  #finish: ((report: ShutdownReport) => void) | undefined;
  readonly report: Promise<ShutdownReport>;

  /**
   * Closes the connections no lease holds and starts waiting for the others.
   * @param gracePeriod in milliseconds; 0: leases are aborted at once
   * @param refused how many waiters were refused
   * @param reason the error openings under way are given up with
   */
  constructor(parts: DrainParts<R, I>, gracePeriod: number, refused: number, reason: Error) {
    const { clock, inventory, journal, lifecycle } = parts;
    this.#parts = parts;
    this.#began = clock.now();
    this.#refused = refused;
    this.#leased = inventory.counts.leased;
    this.#closedBefore = journal.closed;
    this.report = new Promise((resolve) => {
      this.#finish = resolve;
    });
    for (const member of [...inventory]) {
      const { state } = member;
      if (state === 'opening') member.abandon?.(reason);
      else if (state === 'idle' || state === 'validating' || state === 'changing') lifecycle.retire(member, 'shutdown');
    }
    if (gracePeriod === 0) this.#abortTheRest();
    const grace = clock.timer(gracePeriod, true, () => this.#abortTheRest());
    this.#endGrace = () => grace.cancel();
  }

  #abortTheRest(): void {
    const { clock, inventory, lifecycle } = this.#parts;
    const now = clock.now();
    for (const member of [...inventory]) {
      if (member.state === 'resetting') lifecycle.retire(member, 'shutdown');
      if (member.state !== 'leased') continue;
      const { id: connection, uses, lease, sharers } = member;
      const held = now - (lease?.since ?? Math.min(...[...sharers].map(({ since }) => since)));
      const origin = lease?.origin?.text;
      lease?.end('revoked', now);
      for (const sharer of sharers) sharer.end('revoked', now);
      member.endpoint.inUse -= sharers.size + (lease === undefined ? 0 : 1);
      this.#aborted.push({ connection, held, uses, origin });
      member.lease = undefined;
      sharers.clear();
      lifecycle.retire(member, 'aborted');
    }
  }

  /** Resolves the report if no connection is left. @returns whether that ended the drain */
  finish(): boolean {
    const { clock, inventory, journal } = this.#parts;
    if (!inventory.isEmpty || this.#finish === undefined) return false;
    this.#endGrace();
    const duration = clock.now() - this.#began;
    const aborted = this.#aborted;
    journal.tell('shutdownFinished', { duration, aborted: aborted.length });
    this.#finish({
      duration,
      refused: this.#refused,
      drained: this.#leased - aborted.length,
      aborted,
      closed: journal.closed - this.#closedBefore,
    });
    this.#finish = undefined;
    return true;
  }
}

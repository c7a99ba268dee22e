import { UsageError } from '../errors/configuration.js';
import type { PoolSettings } from './contract.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import type { Inventory } from './inventory.js';
import type { WaitingLine } from './waiting-line.js';

/** For how long, in milliseconds, the place of a connection that was moved is kept for the one opened for it. */
const replacedFor = 5000;

/** What is expected to be there soon. */
export interface Expected<I extends Identity> {
  /** How many connections there will be. */
  readonly total: number;
  /** How many connections that are not yet ready may serve waiters of an identity. */
  supplyOf(group: IdentityGroup<I>): number;
  /** Whether what is slow is tried again elsewhere, beside it. */
  readonly hedges: boolean;
}

export interface Bounds {
  readonly minConnections?: number | undefined;
  readonly maxConnections?: number | undefined;
}

/** Decides how many connections there may and should be, and which to open next. */
export class Sizing<R, I extends Identity> {
  #min: number;
  #max: number;
  /** `start()` was called: the minimum is kept. */
  #started = false;
  /** Opening failed with a fatal error: no connection is opened until a caller asks again. */
  #stopped = false;
  /** How many connections there were before one was moved to another endpoint. */
  #replaced = 0;
  #replacedUntil = Number.NEGATIVE_INFINITY;
  readonly #settings: PoolSettings;
  readonly #inventory: Inventory<R, I>;
  readonly #line: WaitingLine<R, I>;

  constructor(settings: PoolSettings, inventory: Inventory<R, I>, line: WaitingLine<R, I>) {
    this.#min = settings.minConnections;
    this.#max = settings.maxConnections;
    this.#settings = settings;
    this.#inventory = inventory;
    this.#line = line;
  }

  get min(): number {
    return this.#min;
  }

  get max(): number {
    return this.#max;
  }

  start(): void {
    this.#started = true;
  }

  /** Opening failed with a fatal error: stop opening until a caller asks again. */
  stop(): void {
    this.#stopped = true;
  }

  /** Whether nothing is opened until a caller asks again. */
  get isStopped(): boolean {
    return this.#stopped;
  }

  /** A caller asks for a connection of the pool's own identity, or one was opened. */
  askedAgain(): void {
    this.#stopped = false;
  }

  /** @throws UsageError */
  resize(bounds: Bounds): void {
    const max = bounds.maxConnections ?? this.#max;
    const min = bounds.minConnections ?? Math.min(this.#min, max);
    if (!Number.isInteger(max) || max < 1) {
      throw new UsageError(`maxConnections: given ${max}, allowed: a whole number, 1 or more`);
    }
    if (!Number.isInteger(min) || min < 0 || min > max) {
      throw new UsageError(`minConnections: given ${min}, allowed: a whole number from 0 to maxConnections (${max})`);
    }
    this.#min = min;
    this.#max = max;
  }

  /** How many connections are kept open without demand. */
  get kept(): number {
    return this.#started && this.#settings.warmConnections && !this.#stopped ? this.#min : 0;
  }

  /** One of so many connections is being moved: another one is opened for it. */
  replace(total: number, now: number): void {
    this.#replaced = Math.max(total, this.replaced(now));
    this.#replacedUntil = now + replacedFor;
  }

  /** How many connections there are to be again, since some are being moved. */
  replaced(now: number): number {
    return now < this.#replacedUntil ? Math.min(this.#replaced, this.#max) : 0;
  }

  /**
   * The identity to open one more connection for: for a waiter without a connection under way, or for the minimum.
   * @param atLeast how many connections are wanted in any case, unless opening failed with a fatal error
   */
  wanted(now: number, atLeast: number, expected: Expected<I>): IdentityGroup<I> | undefined {
    const { total, ownGroup } = this.#inventory;
    if (total >= this.#max) return undefined;
    for (let waiter = this.#line.oldest; waiter !== undefined; waiter = this.#line.after(waiter)) {
      const { group } = waiter;
      if (!waiter.tenant.mayBorrow) continue;
      const supply = expected.supplyOf(group);
      if (group.waiting <= supply) continue;
      if (this.mayOpen(group, now) || (expected.hedges && supply === 0 && this.#mayHedge(group, now))) return group;
    }
    const least = this.#stopped ? 0 : Math.max(atLeast, this.replaced(now));
    return expected.total < Math.max(this.kept, least) ? ownGroup : undefined;
  }

  /**
   * Whether a connection may be prepared for this identity. An identity that never worked gets one at a time, and one
   * that did not answer only now and then: so it cannot take every place for openings, nor use up the connections of
   * others.
   */
  mayPrepare(group: IdentityGroup<I>, now: number): boolean {
    if (group === this.#inventory.ownGroup) return true;
    if (now < group.notBefore) return false;
    return (group.proven && group.silences === 0) || group.opening + group.preparing === 0;
  }

  mayChange(group: IdentityGroup<I>, now: number): boolean {
    return now >= group.noChangeBefore && this.mayPrepare(group, now);
  }

  /** An identity whose only attempt is slow may have a second one, at another endpoint. */
  #mayHedge(group: IdentityGroup<I>, now: number): boolean {
    return now >= group.notBefore && group.opening + group.preparing < 2;
  }

  mayOpen(group: IdentityGroup<I>, now: number): boolean {
    if (group === this.#inventory.ownGroup) return true;
    return this.mayPrepare(group, now) && group.opening < Math.max(1, this.#settings.maxConnecting - 1);
  }
}

import { UsageError } from '../errors/configuration.js';
import type { PoolSettings } from './contract.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import type { Inventory } from './inventory.js';
import type { WaitingLine } from './waiting-line.js';

/** An opening that takes this many times as long as usual is slow: others may be started beside it. */
const slowFactor = 4;
/** The least time, in milliseconds, after which an opening is slow. */
export const slowAtLeast = 250;
/** The same while the usual time is not known. */
const slowAtFirst = 1000;

/** Which connections not yet ready are expected to serve a waiter. */
export interface CountedOn {
  /** Connections being opened, and new ones being probed. */
  readonly openings: boolean;
  /** Connections being probed, or switched to another identity. */
  readonly preparations: boolean;
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

  /**
   * The identity to open one more connection for: for a waiter without a connection under way, or for the minimum.
   * @param atLeast how many connections are wanted in any case, unless opening failed with a fatal error
   * @param counted which connections not yet ready are counted on
   */
  wanted(now: number, atLeast: number, counted: CountedOn): IdentityGroup<I> | undefined {
    const { total, proven, ownGroup } = this.#inventory;
    if (total >= this.#max) return undefined;
    for (let waiter = this.#line.oldest; waiter !== undefined; waiter = this.#line.after(waiter)) {
      const { group } = waiter;
      if (!waiter.tenant.mayBorrow) continue;
      const supply = (counted.openings ? group.opening : 0) + (counted.preparations ? group.preparing : 0);
      if (group.waiting > supply && this.mayOpen(group, now)) return group;
    }
    return (counted.openings ? total : proven) < Math.max(this.kept, this.#stopped ? 0 : atLeast)
      ? ownGroup
      : undefined;
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

  mayOpen(group: IdentityGroup<I>, now: number): boolean {
    if (group === this.#inventory.ownGroup) return true;
    return this.mayPrepare(group, now) && group.opening < Math.max(1, this.#settings.maxConnecting - 1);
  }

  /**
   * How long until one more connection may be opened, in milliseconds: `maxConnecting` at the same time, slow ones not
   * counted. `Infinity` when it depends on another event.
   * @param history how long opening usually takes; undefined when not known
   * @param counted if openings are not counted on, each is slow after the least time
   */
  untilRoom(now: number, history: { readonly usualOpenTime: number | undefined }, counted: CountedOn): number {
    const { counts } = this.#inventory;
    // Connections being closed are bounded too: if none can be closed any more, none is opened either.
    if (counts.closing + counts.opening > this.#max) return Number.POSITIVE_INFINITY;
    if (counts.opening < this.#settings.maxConnecting) return 0;
    const usual = history.usualOpenTime;
    const slowAsUsual = usual === undefined ? slowAtFirst : Math.max(slowAtLeast, slowFactor * usual);
    const slow = counted.openings ? slowAsUsual : slowAtLeast;
    const young = this.#inventory.opening.filter(({ since }) => now - since < slow);
    const oldest = young[young.length - this.#settings.maxConnecting];
    return oldest === undefined ? 0 : slow - (now - oldest.since);
  }
}

import { messageOf } from '../errors/error-message.js';
import type { ConnectionManager } from '../manager.js';
import { PoolNames } from '../metrics/pool-names.js';
import { type Pools, poolsNow } from '../metrics/pools.js';
import { type Clock, systemClock, type Timer } from '../time/clock.js';
import { inOwnContext } from '../time/own-context.js';
import { RecentChanges } from '../verdict/recent-changes.js';
import type { Verdict } from '../verdict/verdict.js';
import { PoolWatch } from './pool-watch.js';
import type { ConsoleSnapshot } from './snapshot.js';

/** What a viewer of the live page gets at each moment. */
export interface ConsoleMessage {
  /** All pools there are, and what is the matter with each. */
  readonly pools: readonly { readonly name: string; readonly verdict: Verdict }[];
  /** Whether the page may act on pools. */
  readonly actions: boolean;
  /** How long until the next message, in milliseconds, or a little more. */
  readonly next: number;
  /** The pool that is looked at; undefined when there is none of that name. */
  readonly snapshot: ConsoleSnapshot | undefined;
}

interface Viewer {
  /** The name of the pool that it looks at; undefined for the first. */
  readonly pool: string | undefined;
  readonly show: (message: string) => void;
}

/** Reading and writing out snapshots takes at most this part of one core. */
const mostWork = 0.01;
/** The weight of the newest time in the average of what that takes: the first ones take long, as their code is new. */
const shareOfNewest = 0.2;

/**
 * Snapshots for all viewers of a handler. One timer serves them all, and there is none, and no listener at any pool, while
 * nobody looks. When reading takes long, because there are many connections or agents, it is done less often: it never takes
 * more than a hundredth of a core.
 */
export class LiveFeed {
  readonly #pools: Pools;
  readonly #interval: number;
  readonly #actions: boolean;
  readonly #clock: Clock;
  /** Names stay while somebody looks. */
  #names = new PoolNames();
  readonly #watches = new Map<ConnectionManager, PoolWatch>();
  /** Kept while nobody looks, so that somebody who comes back, or asks now and then, sees what changed. */
  readonly #changes = new WeakMap<ConnectionManager, RecentChanges>();
  readonly #viewers = new Set<Viewer>();
  #timer: Timer | undefined;
  /** How long showing all viewers a moment takes on average, in milliseconds. */
  #cost = 0;

  /** @param interval between two snapshots, in milliseconds */
  constructor(pools: Pools, interval: number, actions: boolean, clock: Clock = systemClock) {
    this.#pools = pools;
    this.#interval = interval;
    this.#actions = actions;
    this.#clock = clock;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /**
   * Shows a pool from now on, at once and then again and again.
   * @param pool the name of the pool; undefined for the first
   * @param show gets each message, as JSON
   * @returns a function that ends it
   */
  view(pool: string | undefined, show: (message: string) => void): () => void {
    const viewer = { pool, show };
    this.#viewers.add(viewer);
    const next = this.#showTo([viewer]);
    if (this.#timer === undefined) this.#lookIn(next);
    return () => {
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) this.#rest();
    };
  }

  /** A message of now, for somebody who does not stay. */
  once(pool: string | undefined): ConsoleMessage {
    const snapshots = this.#read();
    if (this.#viewers.size === 0) this.#rest();
    return this.#messageFor(pool, snapshots, this.#interval);
  }

  /** The pool of this name, as the messages name it; undefined for none. Without a name the first. */
  find(name: string | undefined): ConnectionManager | undefined {
    const managers = poolsNow(this.#pools);
    return name === undefined ? managers[0] : managers.find((manager) => this.#names.of(manager) === name);
  }

  #lookIn(delay: number): void {
    // It must not keep alive a process that has nothing else to do.
    this.#timer = inOwnContext(() => this.#clock.timer(delay, false, () => this.#look()));
  }

  #look(): void {
    this.#timer = undefined;
    const next = this.#showTo(this.#viewers);
    if (this.#viewers.size > 0) this.#lookIn(next);
  }

  /** @returns how long to wait until the next time, in milliseconds */
  #showTo(viewers: Iterable<Viewer>): number {
    const began = this.#clock.now();
    const next = Math.max(this.#interval, this.#cost / mostWork);
    const texts = new Map<string | undefined, string>();
    try {
      const snapshots = this.#read();
      for (const { pool, show } of [...viewers]) {
        const text = texts.get(pool) ?? JSON.stringify(this.#messageFor(pool, snapshots, Math.round(next)));
        texts.set(pool, text);
        show(text);
      }
    } catch (error) {
      // The function of the caller that names the pools. The next look may succeed.
      process.emitWarning(`the live page cannot read its pools: ${messageOf(error)}`, 'SurrealPoolWarning');
    }
    this.#cost += (this.#clock.now() - began - this.#cost) * shareOfNewest;
    return next;
  }

  #read(): ConsoleSnapshot[] {
    const managers = poolsNow(this.#pools);
    for (const [manager, watch] of this.#watches) {
      if (managers.includes(manager)) continue;
      watch.end();
      this.#watches.delete(manager);
      this.#names.forget(manager);
    }
    return managers.map((manager) => {
      let watch = this.#watches.get(manager);
      if (watch === undefined) {
        const changes = this.#changes.get(manager) ?? new RecentChanges();
        this.#changes.set(manager, changes);
        watch = new PoolWatch(manager, this.#names.of(manager), changes);
        this.#watches.set(manager, watch);
      }
      return watch.read();
    });
  }

  #messageFor(pool: string | undefined, snapshots: readonly ConsoleSnapshot[], next: number): ConsoleMessage {
    return {
      pools: snapshots.map(({ pool: name, verdict }) => ({ name, verdict })),
      ...{ actions: this.#actions, next },
      snapshot: pool === undefined ? snapshots[0] : snapshots.find(({ pool: name }) => name === pool),
    };
  }

  #rest(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const watch of this.#watches.values()) watch.end();
    this.#watches.clear();
    this.#names = new PoolNames();
  }
}

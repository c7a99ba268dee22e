import type { Target } from '../config/endpoint-options.js';
import type { Endpoint } from '../endpoints/endpoint.js';
import type { Endpoints } from '../endpoints/endpoints.js';
import { UsageError } from '../errors/configuration.js';
import type { Clock, Timer } from '../time/clock.js';
import { type EndpointReport, reportsOf } from './endpoint-report.js';
import type { GuardedFactory } from './guarded-factory.js';
import type { Identity } from './identity-group.js';
import type { Inventory } from './inventory.js';
import type { Journal } from './journal.js';
import type { Rebalancing } from './rebalancing.js';

/** The parts of a pool that the list of its endpoints needs. */
export interface EndpointListParts<R, I extends Identity> {
  readonly clock: Clock;
  readonly endpoints: Endpoints;
  readonly factory: GuardedFactory<R, I>;
  readonly inventory: Inventory<R, I>;
  readonly journal: Journal;
  readonly rebalancing: Rebalancing<R, I>;
  /** Something has changed: match waiters and connections again. */
  readonly dispatch: () => void;
}

interface Removal {
  readonly done: Promise<void>;
  readonly resolve: () => void;
  /** Ends the leases that are left when their time is over. */
  timer: Timer | undefined;
}

/** Which endpoints a pool has: what an operator, or the discovery, adds and takes away while it runs. */
export class EndpointList<R, I extends Identity> {
  readonly #parts: EndpointListParts<R, I>;
  /** Those that are dropped when they have no connection left. */
  readonly #removals = new Map<Endpoint, Removal>();
  /** What an operator said about an address goes before what the discovery says. */
  readonly #orders = new Map<string, 'added' | 'drained' | 'removed'>();
  /** What the discovery found last, by address. */
  #found: ReadonlyMap<string, Target> = new Map();

  constructor(parts: EndpointListParts<R, I>) {
    this.#parts = parts;
  }

  get reports(): EndpointReport[] {
    return reportsOf(this.#parts.endpoints, this.#parts.clock.now());
  }

  /** The address of an endpoint, given as reports show it; undefined when there is none. */
  addressOf(shown: string): string | undefined {
    return this.#parts.endpoints.all.find((endpoint) => endpoint.shown === shown)?.target.url;
  }

  /** The endpoints that get work, those about which the best is known first. */
  get targets(): Target[] {
    const order = { well: 0, doubtful: 1, out: 2, draining: 3 } as const;
    const { staying } = this.#parts.endpoints;
    return [...staying].sort((a, b) => order[a.standing] - order[b.standing]).map(({ target }) => target);
  }

  /**
   * Adds an endpoint, or takes one back that is being drained or was removed.
   * @param asKnown the weight, zone and priority that the address has, if it is known, stay as they are
   */
  add(target: Target, asKnown = false): void {
    const { url } = target;
    const listed = this.#found.get(url);
    const known = this.#parts.endpoints.find(url)?.target ?? listed;
    // Taken back from the operator: how long it stays is for the discovery again, which lists it.
    const isHandedBack = listed !== undefined && this.#orders.has(url) && this.#orders.get(url) !== 'added';
    if (isHandedBack) this.#orders.delete(url);
    else this.#orders.set(url, 'added');
    this.#add(known === undefined ? target : asKnown ? known : { ...known, ...target });
    this.#parts.dispatch();
  }

  /**
   * It gets no further work; what is under way there goes on. It stays in the list until it is removed, or added again.
   * @throws UsageError for an address that is not in the list, and for the only one
   */
  drain(url: string): void {
    const endpoint = this.#find(url);
    this.#orders.set(url, 'drained');
    this.#parts.endpoints.drain(endpoint, this.#parts.clock.now());
    this.#parts.dispatch();
  }

  /**
   * The same, and it leaves the list when nothing of it is left.
   * @param within After this time, in milliseconds, leases there are ended; undefined: they take their time.
   * @returns resolves when it has left
   * @throws UsageError for an address that is not in the list, and for the only one
   */
  remove(url: string, within: number | undefined): Promise<void> {
    const endpoint = this.#find(url);
    this.#orders.set(url, 'removed');
    const removal = this.#remove(endpoint);
    if (within !== undefined) {
      removal.timer?.cancel();
      removal.timer = this.#parts.clock.timer(within, true, () => this.#endLeases(endpoint));
    }
    this.#parts.dispatch();
    return removal.done;
  }

  /**
   * The discovery found these. What an operator added stays, and what one took away stays away. If none of them may get
   * work, those stay that get it now.
   */
  replace(targets: readonly Target[]): void {
    const { endpoints } = this.#parts;
    const found = new Map(targets.map((target) => [target.url, target]));
    this.#found = found;
    for (const target of targets) {
      const order = this.#orders.get(target.url);
      const known = endpoints.find(target.url);
      if (order === 'removed' || order === 'drained') known?.retarget(target);
      else this.#add(target);
    }
    // Without these, the pool would have no endpoint at all.
    const areNeeded = endpoints.staying.every(({ url }) => !found.has(url) && !this.#orders.has(url));
    for (const endpoint of [...endpoints.all]) {
      if (areNeeded && !endpoint.isDraining) continue;
      if (!found.has(endpoint.url) && !this.#orders.has(endpoint.url)) this.#remove(endpoint);
    }
    this.#parts.dispatch();
  }

  /** The discovery found none: those known before stay. */
  notFound(error: unknown): void {
    const { endpoints, journal } = this.#parts;
    endpoints.notFound(error);
    journal.tell('discoveryStale', { error });
  }

  /** Drops endpoints that are to be removed and have no connection left. Called after each event. */
  look(): void {
    if (this.#removals.size === 0) return;
    const { clock, endpoints, factory, journal } = this.#parts;
    for (const [endpoint, { resolve, timer }] of this.#removals) {
      if (endpoint.connections > 0) continue;
      this.#removals.delete(endpoint);
      timer?.cancel();
      endpoints.forget(endpoint, clock.now());
      factory.forgetEndpoint(endpoint.url);
      journal.tell('endpointRemoved', { endpoint: endpoint.shown });
      resolve();
    }
  }

  /** The pool is closed: nothing is waited for any more. */
  end(): void {
    for (const { resolve, timer } of this.#removals.values()) {
      timer?.cancel();
      resolve();
    }
    this.#removals.clear();
  }

  /** Moves all connections at once that are above the share of their endpoint. @returns how many */
  rebalance(): number {
    const moved = this.#parts.rebalancing.all(this.#parts.clock.now());
    this.#parts.dispatch();
    return moved;
  }

  #add(target: Target): void {
    const { clock, endpoints, journal } = this.#parts;
    const known = endpoints.find(target.url);
    const isNew = known === undefined || known.isDraining;
    const endpoint = endpoints.add(target, clock.now());
    this.#removals.get(endpoint)?.timer?.cancel();
    this.#removals.get(endpoint)?.resolve();
    this.#removals.delete(endpoint);
    if (isNew) journal.tell('endpointAdded', { endpoint: endpoint.shown });
  }

  #remove(endpoint: Endpoint): Removal {
    const known = this.#removals.get(endpoint);
    if (known !== undefined) return known;
    let resolve = (): void => {};
    const done = new Promise<void>((resolvePromise) => {
      resolve = resolvePromise;
    });
    const removal: Removal = { done, resolve, timer: undefined };
    this.#removals.set(endpoint, removal);
    this.#parts.endpoints.drain(endpoint, this.#parts.clock.now());
    return removal;
  }

  #find(url: string): Endpoint {
    const { endpoints } = this.#parts;
    const endpoint = endpoints.find(url);
    if (endpoint === undefined) {
      throw new UsageError(
        `the pool has no server with this address; it has ${endpoints.all.map(({ shown }) => shown).join(', ') || 'none'}`,
      );
    }
    if (endpoints.staying.every((other) => other === endpoint)) {
      throw new UsageError(`${endpoint.shown} is the only server: add another one before it is taken away`);
    }
    return endpoint;
  }

  #endLeases(endpoint: Endpoint): void {
    const { inventory } = this.#parts;
    const reason = `the lease was ended: its server ${endpoint.shown} was removed, and the time to drain it is over`;
    for (const member of [...inventory]) {
      if (member.endpoint !== endpoint) continue;
      member.lease?.expire(reason);
      for (const lease of [...member.sharers]) lease.expire(reason);
    }
  }
}

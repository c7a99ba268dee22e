import type { Endpoint } from '../endpoints/endpoint.js';
import type { Endpoints } from '../endpoints/endpoints.js';
import type { PoolBalancing } from './contract.js';
import type { Identity } from './identity-group.js';
import type { Inventory } from './inventory.js';
import type { Lifecycle } from './lifecycle.js';
import type { PooledResource } from './resource.js';
import type { Sizing } from './sizing.js';

/** The parts of a pool that rebalancing needs. */
export interface RebalancingParts<R, I extends Identity> {
  readonly balancing: PoolBalancing;
  readonly endpoints: Endpoints;
  readonly inventory: Inventory<R, I>;
  readonly lifecycle: Lifecycle<R, I>;
  readonly sizing: Sizing<R, I>;
  readonly random: () => number;
}

/** How an endpoint stands to its share of the connections. */
interface Population<R, I extends Identity> {
  readonly endpoint: Endpoint;
  /** Its connections that are not to be closed. */
  readonly members: readonly PooledResource<R, I>[];
  /** How many it should have, which need not be a whole number. */
  readonly fair: number;
  /** How many it has more, those included that are still to be opened there for others that are moved. */
  surplus: number;
}

/**
 * Moves connections to endpoints that have less than their share, as after one came back: it closes one where there are
 * most for the share, and one is opened for it where there are fewest. One at a time, so that neither the servers nor
 * the callers notice; a lease is never ended for it.
 */
export class Rebalancing<R, I extends Identity> {
  readonly #parts: RebalancingParts<R, I>;
  #next = Number.NEGATIVE_INFINITY;

  constructor(parts: RebalancingParts<R, I>) {
    this.#parts = parts;
  }

  /** Moves one connection if it is time. Called once a second. */
  look(now: number): void {
    const { balancing, endpoints, random } = this.#parts;
    const { rebalanceInterval, tolerance } = balancing;
    if (!endpoints.many || rebalanceInterval === 0 || now < this.#next) return;
    if (!this.#makeRoom(now) && !this.#moveOne(tolerance, now)) return;
    // Several processes that watch the same servers do not act in step.
    this.#next = now + rebalanceInterval * (0.9 + 0.2 * random());
  }

  /** Moves at once all that are above their share. @returns how many */
  all(now: number): number {
    let moved = 0;
    while (this.#moveOne(0, now)) moved++;
    return moved;
  }

  /** A pool that is full makes room to try whether an endpoint is back. */
  #makeRoom(now: number): boolean {
    const { endpoints, inventory, sizing } = this.#parts;
    if (!endpoints.troubled || inventory.total < sizing.max) return false;
    const isDue = (endpoint: Endpoint): boolean =>
      endpoint.standing !== 'well' && endpoint.opening === 0 && endpoint.wait(now, true) === 0;
    if (!endpoints.staying.some(isDue)) return false;
    // The end of a lease will make room.
    for (const { retirement } of inventory) if (retirement !== undefined) return false;
    const [largest] = this.#populations(now).sort((a, b) => b.members.length - a.members.length);
    return largest !== undefined && largest.members.length > 1 && this.#close(largest.members, false);
  }

  /**
   * Moves one from where most are too many to where most are missing, if that brings both nearer to their shares and one
   * of them is further from its own than is tolerated.
   */
  #moveOne(tolerance: number, now: number): boolean {
    const populations = this.#populations(now).filter(({ endpoint }) => endpoint.lends);
    const [from] = populations.sort((a, b) => b.surplus - a.surplus);
    const to = populations.filter(({ endpoint }) => endpoint.standing === 'well').at(-1);
    if (from === undefined || to === undefined || from.surplus - to.surplus <= 1) return false;
    const isTolerable = ({ surplus, fair }: Population<R, I>): boolean => Math.abs(surplus) <= tolerance * fair;
    // One that is to get little keeps a connection, so that the little is served, and its state is known.
    return from.members.length > 1 && !(isTolerable(from) && isTolerable(to)) && this.#close(from.members, true);
  }

  #populations(now: number): Population<R, I>[] {
    const { endpoints, inventory, sizing } = this.#parts;
    const all = [...inventory].filter(({ retirement, state }) => retirement === undefined && state !== 'closing');
    const total = Math.min(sizing.max, Math.max(inventory.total, sizing.replaced(now)));
    const shares = endpoints.staying.reduce((sum, { share }) => sum + share, 0);
    const populations = endpoints.staying.map((endpoint): Population<R, I> => {
      const members = all.filter((member) => member.endpoint === endpoint);
      const fair = shares === 0 ? 0 : (total * endpoint.share) / shares;
      return { endpoint, members, fair, surplus: members.length - fair };
    });
    // Each that is being moved will be opened where most are missing then.
    const takers = populations.filter(({ endpoint }) => endpoint.isWell);
    for (let moving = all.length; moving < total; moving++) {
      const [first] = takers.sort((a, b) => a.surplus - b.surplus);
      if (first !== undefined) first.surplus++;
    }
    return populations;
  }

  /**
   * Closes the one that was idle for longest; if none is, the one lent last, which may be a short lease, at its release.
   * @param isReplaced whether another one is opened for it though no caller may wait
   */
  #close(members: readonly PooledResource<R, I>[], isReplaced: boolean): boolean {
    const { lifecycle } = this.#parts;
    const [idle] = members.filter(({ state }) => state === 'idle').sort((a, b) => a.idleSince - b.idleSince);
    if (idle !== undefined) {
      idle.isReplaced = isReplaced;
      lifecycle.retire(idle, 'rebalance');
      return true;
    }
    const [leased] = members.filter(({ state }) => state === 'leased').sort((a, b) => b.leasedAt - a.leasedAt);
    if (leased === undefined) return false;
    leased.isReplaced = isReplaced;
    leased.retirement = 'rebalance';
    return true;
  }
}

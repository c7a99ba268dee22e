import type { Endpoint } from '../endpoints/endpoint.js';
import type { Endpoints } from '../endpoints/endpoints.js';
import type { Clock } from '../time/clock.js';
import type { GuardedFactory } from './guarded-factory.js';
import type { Health } from './health.js';
import type { Identity } from './identity-group.js';
import type { Inventory } from './inventory.js';
import type { PooledResource } from './resource.js';

/** The parts of a pool that measuring needs. */
export interface RoundTripParts<R, I extends Identity> {
  readonly clock: Clock;
  readonly endpoints: Endpoints;
  readonly factory: GuardedFactory<R, I>;
  readonly health: Health<R, I>;
  readonly inventory: Inventory<R, I>;
}

/**
 * Asks each of several endpoints for a round trip, once a second. It measures the latency, since what callers ask takes its
 * own time and differs from one to the next. And an endpoint that does not answer until the next second is doubtful: callers
 * go elsewhere long before a socket or a call is given up.
 */
export class RoundTrips<R, I extends Identity> {
  readonly #parts: RoundTripParts<R, I>;
  /** The connection whose round trip is under way, by endpoint, and when it began. */
  readonly #underWay = new Map<Endpoint, { readonly member: PooledResource<R, I>; readonly began: number }>();

  constructor(parts: RoundTripParts<R, I>) {
    this.#parts = parts;
  }

  /** Called once a second. */
  measure(now: number): void {
    const { endpoints, health, inventory } = this.#parts;
    if (!endpoints.many) return;
    for (const [endpoint, { began, member }] of this.#underWay) {
      endpoint.latency.observe(now - began, now);
      if (isAskable(member)) health.report(endpoint, { sign: 'silent' });
      else this.#underWay.delete(endpoint);
    }
    const asked = new Set(this.#underWay.keys());
    for (const member of inventory) {
      if (asked.has(member.endpoint) || !isAskable(member)) continue;
      asked.add(member.endpoint);
      void this.#ask(member);
    }
  }

  async #ask(member: PooledResource<R, I>): Promise<void> {
    const { clock, factory, health } = this.#parts;
    const { endpoint, resource, since } = member;
    const began = clock.now();
    const asked = { member, began };
    this.#underWay.set(endpoint, asked);
    try {
      await factory.ping(resource as R);
      const now = clock.now();
      endpoint.latency.observe(now - began, now);
      if (endpoint.troubled) health.report(endpoint, { sign: 'answered', began: since, at: now });
    } catch {
      // The connection is lost, and says so by itself.
    } finally {
      if (this.#underWay.get(endpoint) === asked) this.#underWay.delete(endpoint);
    }
  }
}

function isAskable({ state }: PooledResource<unknown>): boolean {
  return state !== 'opening' && state !== 'closing' && state !== 'closed';
}

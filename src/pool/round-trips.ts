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

/** A round trip under way. */
interface RoundTrip {
  readonly began: number;
  /** It was still under way a second later, which was reported. */
  isOverdue: boolean;
}

/**
 * Asks each of several endpoints for a round trip, once a second. It measures the latency, since what callers ask takes
 * its own time and differs from one to the next. And an endpoint that does not answer until the next second is doubtful:
 * callers go elsewhere long before a socket or a call is given up.
 *
 * A connection that does not answer is not asked again, and says nothing more: the next one there is asked. So one
 * broken connection among good ones costs its endpoint a moment of doubt.
 */
export class RoundTrips<R, I extends Identity> {
  readonly #parts: RoundTripParts<R, I>;
  readonly #underWay = new Map<PooledResource<R, I>, RoundTrip>();

  constructor(parts: RoundTripParts<R, I>) {
    this.#parts = parts;
  }

  /** Called once a second. */
  measure(now: number): void {
    const { endpoints, health, inventory } = this.#parts;
    if (!endpoints.many) return;
    for (const [member, roundTrip] of this.#underWay) {
      if (!member.isOpen) this.#underWay.delete(member);
      else if (!roundTrip.isOverdue) {
        roundTrip.isOverdue = true;
        member.endpoint.latency.observe(now - roundTrip.began, now);
        health.report(member.endpoint, { sign: 'silent', error: new Error('a ping got no answer for a second') });
      }
    }
    const asked = new Set<Endpoint>();
    for (const member of inventory) {
      if (asked.has(member.endpoint) || this.#underWay.has(member) || !member.isOpen) continue;
      asked.add(member.endpoint);
      void this.#ask(member);
    }
  }

  async #ask(member: PooledResource<R, I>): Promise<void> {
    const { clock, factory, health } = this.#parts;
    const { endpoint, resource, since } = member;
    const began = clock.now();
    this.#underWay.set(member, { began, isOverdue: false });
    try {
      await factory.ping(resource as R);
      const now = clock.now();
      endpoint.latency.observe(now - began, now);
      if (endpoint.troubled) health.report(endpoint, { sign: 'answered', began: since, at: now });
    } catch {
      // The connection is lost, and says so by itself.
    } finally {
      this.#underWay.delete(member);
    }
  }
}

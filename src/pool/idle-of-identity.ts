import type { Strategy } from '../endpoints/candidate.js';
import type { Endpoint } from '../endpoints/endpoint.js';
import type { Identity } from './identity-group.js';
import { LinkedList, type Place } from './linked-list.js';
import type { PooledResource } from './resource.js';

/** The idle connections of one identity, by endpoint and by time of last use. */
export class IdleOfIdentity<R, I extends Identity> {
  readonly #strategy: Strategy;
  /** By the slot of the endpoint. */
  readonly #lists: LinkedList<Place<PooledResource<R, I>>>[] = [];
  /** The endpoints that have one, in no order. */
  readonly #endpoints: Endpoint[] = [];
  /** Where an endpoint is in this, by its slot. */
  readonly #places: number[] = [];

  constructor(strategy: Strategy) {
    this.#strategy = strategy;
  }

  /** The newest at the endpoint that the strategy chooses; undefined when there is none. */
  choose(now: number): PooledResource<R, I> | undefined {
    const endpoints = this.#endpoints;
    const [first] = endpoints;
    if (first === undefined) return undefined;
    const { slot } = endpoints.length === 1 ? first : this.#strategy.choose(endpoints, now);
    return this.#lists[slot]?.last?.owner;
  }

  add(member: PooledResource<R, I>): void {
    this.#listOf(member.endpoint).append(member.place);
  }

  /** Puts one back in its old place. */
  putBack(member: PooledResource<R, I>): void {
    const list = this.#listOf(member.endpoint);
    let place = list.last;
    while (place !== undefined && place.owner.idleSince > member.idleSince) place = place.previous;
    list.insert(member.place, place);
  }

  remove({ endpoint, place }: PooledResource<R, I>): void {
    const { slot } = endpoint;
    const list = this.#lists[slot];
    if (list === undefined) return;
    list.remove(place);
    if (list.length > 0) return;
    const endpoints = this.#endpoints;
    const last = endpoints.pop();
    if (last === undefined || last === endpoint) return;
    const at = this.#places[slot] ?? 0;
    endpoints[at] = last;
    this.#places[last.slot] = at;
  }

  /** The list of an endpoint that one is about to be added to. */
  #listOf(endpoint: Endpoint): LinkedList<Place<PooledResource<R, I>>> {
    const { slot } = endpoint;
    const known = this.#lists[slot];
    const list = known ?? new LinkedList();
    if (known === undefined) {
      // Without holes, so that a read stays as fast as in an array.
      while (this.#lists.length < slot) {
        this.#lists.push(new LinkedList());
        this.#places.push(0);
      }
      this.#lists[slot] = list;
    }
    if (list.length === 0) {
      this.#places[slot] = this.#endpoints.length;
      this.#endpoints.push(endpoint);
    }
    return list;
  }
}

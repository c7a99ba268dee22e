import type { Strategy } from '../endpoints/candidate.js';
import type { Endpoint } from '../endpoints/endpoint.js';
import type { Identity } from './identity-group.js';
import { LinkedList, type Place } from './linked-list.js';
import type { PooledResource } from './resource.js';

/** An endpoint that is not among those the strategy chooses from. */
const absent = -1;

/** The idle connections of one identity, by endpoint and by time of last use. */
export class IdleOfIdentity<R, I extends Identity> {
  readonly #strategy: Strategy;
  /** By the slot of the endpoint. */
  readonly #lists: LinkedList<Place<PooledResource<R, I>>>[] = [];
  /** The endpoints that have one, in no order. The only one stays when it has none any more, as it nearly always is the next. */
  readonly #endpoints: Endpoint[] = [];
  /** Where an endpoint is in this, by its slot. */
  readonly #places: number[] = [];
  /**
   * The endpoint that was chosen, until a connection is taken. If the one it has must be probed first, the caller who
   * asked and the dispatcher both look: with a choice each, the dispatcher would lend another one, the probe would never
   * be made, and the endpoint would get no calls.
   */
  #chosen: Endpoint | undefined;

  constructor(strategy: Strategy) {
    this.#strategy = strategy;
  }

  /** The newest at the endpoint that the strategy chooses; undefined when there is none. The same until one is taken. */
  choose(now: number): PooledResource<R, I> | undefined {
    const endpoints = this.#endpoints;
    // By index: to destructure it would take as long as all the rest.
    const endpoint = endpoints.length > 1 ? this.#choose(now) : endpoints[0];
    return endpoint === undefined ? undefined : this.#lists[endpoint.slot]?.last?.owner;
  }

  #choose(now: number): Endpoint {
    this.#chosen ??= this.#strategy.choose(this.#endpoints, now);
    return this.#chosen;
  }

  add({ endpoint, place }: PooledResource<R, I>): void {
    this.#listOf(endpoint).append(place);
  }

  /** Puts one back in its old place. */
  putBack({ endpoint, idleSince, place }: PooledResource<R, I>): void {
    const list = this.#listOf(endpoint);
    let before = list.last;
    while (before !== undefined && before.owner.idleSince > idleSince) before = before.previous;
    list.insert(place, before);
  }

  remove({ endpoint, place }: PooledResource<R, I>): void {
    const list = this.#lists[endpoint.slot];
    if (list === undefined) return;
    list.remove(place);
    this.#chosen = undefined;
    if (list.length === 0 && this.#endpoints.length > 1) this.#drop(endpoint);
  }

  /** The list of an endpoint that one is about to be added to. */
  #listOf(endpoint: Endpoint): LinkedList<Place<PooledResource<R, I>>> {
    const { slot } = endpoint;
    const list = this.#lists[slot];
    return list === undefined || this.#places[slot] === absent ? this.#enter(endpoint) : list;
  }

  #enter(endpoint: Endpoint): LinkedList<Place<PooledResource<R, I>>> {
    const { slot } = endpoint;
    // Without holes, so that a read stays as fast as in an array.
    while (this.#lists.length <= slot) {
      this.#lists.push(new LinkedList());
      this.#places.push(absent);
    }
    const only = this.#endpoints[0];
    if (only !== undefined && this.#lists[only.slot]?.length === 0) this.#drop(only);
    this.#places[slot] = this.#endpoints.length;
    this.#endpoints.push(endpoint);
    // It is below the length now.
    return this.#lists[slot] as LinkedList<Place<PooledResource<R, I>>>;
  }

  #drop({ slot }: Endpoint): void {
    const at = this.#places[slot] ?? absent;
    const last = this.#endpoints.pop();
    this.#places[slot] = absent;
    if (last === undefined || last.slot === slot) return;
    this.#endpoints[at] = last;
    this.#places[last.slot] = at;
  }
}

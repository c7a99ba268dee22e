import type { Candidate, Strategy } from '../../src/endpoints/candidate.js';
import { PeakEwma } from '../../src/endpoints/peak-ewma.js';
import { SuccessRate } from '../../src/endpoints/success-rate.js';

/** An endpoint as a strategy sees it, with what really happens there. */
export class SimulatedEndpoint implements Candidate {
  share = 1;
  inUse = 0;
  isWell = true;
  readonly latency = new PeakEwma();
  readonly successes = new SuccessRate();
  turn = 0;
  /** How often it was chosen. */
  chosen = 0;
  idle: number;
  /** Its index among the candidates; -1 when it has no idle connection. */
  place = -1;
  /** How long a call takes. */
  duration: () => number = () => 1;
  fails: () => boolean = () => false;
  /** The most that was in use at once. */
  mostInUse = 0;

  constructor(connections: number, values: Partial<SimulatedEndpoint> = {}) {
    this.idle = connections;
    Object.assign(this, values);
  }

  get health(): number {
    return this.successes.average;
  }
}

/** The idle lists of a pool: an endpoint leaves the candidates with its last idle connection, and comes back with one. */
export class BalancedPool {
  readonly #strategy: Strategy;
  readonly #candidates: SimulatedEndpoint[] = [];

  constructor(strategy: Strategy, endpoints: readonly SimulatedEndpoint[]) {
    this.#strategy = strategy;
    for (const endpoint of endpoints) this.#add(endpoint);
  }

  get candidates(): readonly SimulatedEndpoint[] {
    return this.#candidates;
  }

  take(now: number): SimulatedEndpoint | undefined {
    if (this.#candidates.length === 0) return undefined;
    const chosen = this.#strategy.choose(this.#candidates, now);
    chosen.chosen += 1;
    chosen.inUse += 1;
    chosen.mostInUse = Math.max(chosen.mostInUse, chosen.inUse);
    chosen.idle -= 1;
    if (chosen.idle === 0) this.remove(chosen);
    return chosen;
  }

  giveBack(endpoint: SimulatedEndpoint): void {
    endpoint.inUse -= 1;
    endpoint.idle += 1;
    if (endpoint.place === -1) this.#add(endpoint);
  }

  /** The last candidate takes its place. */
  remove(endpoint: SimulatedEndpoint): void {
    const last = this.#candidates.pop();
    if (last !== undefined && last !== endpoint) {
      this.#candidates[endpoint.place] = last;
      last.place = endpoint.place;
    }
    endpoint.place = -1;
  }

  #add(endpoint: SimulatedEndpoint): void {
    endpoint.place = this.#candidates.push(endpoint) - 1;
  }
}

export interface Load {
  /** How many callers call, each again when its call has ended. */
  readonly callers: number;
  /** How many calls are made in all. */
  readonly calls: number;
  /** What a failed call is observed with at least, in milliseconds. */
  readonly timeout?: number;
  /** When the first call is made. */
  readonly from?: number;
  /** Whether calls tell the latency; a pool that pings may leave it to the pings. */
  readonly observes?: boolean;
}

/** Lets callers call, in virtual time. @returns when the last call ended */
export function simulate(
  pool: BalancedPool,
  { callers, calls, timeout = 1000, from = 0, observes = true }: Load,
): number {
  const underWay: { endpoint: SimulatedEndpoint; began: number; ends: number }[] = [];
  let now = from;
  let made = 0;
  let waiting = callers;
  while (made < calls || underWay.length > 0) {
    while (waiting > 0 && made < calls) {
      const endpoint = pool.take(now);
      if (endpoint === undefined) break;
      made += 1;
      waiting -= 1;
      underWay.push({ endpoint, began: now, ends: now + endpoint.duration() });
    }
    const next = underWay.reduce((one, other) => (other.ends < one.ends ? other : one));
    underWay.splice(underWay.indexOf(next), 1);
    now = next.ends;
    const { endpoint, began } = next;
    const failed = endpoint.fails();
    endpoint.successes.observe(!failed, now);
    if (observes) endpoint.latency.observe(failed ? Math.max(now - began, timeout) : now - began, now);
    pool.giveBack(endpoint);
    waiting += 1;
  }
  return now;
}

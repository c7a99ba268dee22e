import type { Target } from '../config/endpoint-options.js';
import { Endpoint } from './endpoint.js';
import type { Circuit, EndpointSettings, EndpointState, Sign } from './endpoint-state.js';
import { type ShareSettings, type Standing, sharesOf } from './shares.js';
import { warm } from './slow-start.js';

/** How a pool spreads over its endpoints. */
export interface BalancingSettings extends ShareSettings {
  /** For how long, in milliseconds, the share of an endpoint that came or came back grows to its whole; 0: at once. */
  readonly slowStart: number;
}

/** The endpoints of a pool need this of the world around them. */
export interface EndpointsSurroundings {
  /** How attempts to open are spaced when they fail, and when the circuit is opened. */
  readonly settings: EndpointSettings;
  readonly balancing: BalancingSettings;
  /** From 0 (inclusive) to 1. */
  readonly random: () => number;
  /** An endpoint has another standing than before. */
  readonly changed: (endpoint: Endpoint, before: Standing) => void;
}

/**
 * The endpoints of one pool. The standing of each follows from its own condition and from the others:
 *
 *     its condition      another one serves     no other one serves
 *     well               well                   well
 *     doubtful           doubtful               doubtful
 *     failing            out                    doubtful: at most all but one are out
 *     (is drained)       draining               draining
 *
 * Opening and lending both follow the share of each, which is computed when a standing or the list changes.
 */
export class Endpoints {
  readonly #parts: EndpointsSurroundings;
  readonly #all: Endpoint[] = [];
  /** Those of {@link Endpoints.all} that are not being drained. */
  #staying: readonly Endpoint[] = [];
  #missing: unknown;
  #troubled = false;
  #someAreWell = true;
  #isWarming = false;
  #panics = 0;
  #isPanicking = false;
  #hasClosed = false;

  constructor(parts: EndpointsSurroundings, targets: readonly Target[], now: number) {
    this.#parts = parts;
    for (const target of targets) this.#all.push(this.#make(target));
    this.#staying = [...this.#all];
    this.#review(now);
  }

  /** All of them; those that are being drained stay until their last connection is closed. */
  get all(): readonly Endpoint[] {
    return this.#all;
  }

  /** Those that are not being drained. */
  get staying(): readonly Endpoint[] {
    return this.#staying;
  }

  /** Why there is none; undefined when there is one, and when that is not known. */
  get missing(): unknown {
    return this.#missing;
  }

  /** A look for them found none: those known before stay. */
  notFound(error: unknown): void {
    this.#missing = this.#all.length === 0 ? error : undefined;
  }

  /** Whether there is a choice. */
  get many(): boolean {
    return this.#all.length > 1;
  }

  /** Whether anything is wrong with any of them, or was until recently. */
  get troubled(): boolean {
    return this.#troubled;
  }

  /** Whether at least one of them is lent like a well one. */
  get someAreWell(): boolean {
    return this.#someAreWell;
  }

  /** Whether no opening is known to work anywhere. */
  get proving(): boolean {
    return this.#staying.every(({ proving }) => proving);
  }

  /** `open` while no endpoint may be tried, `closed` as soon as one works or may be tried freely. */
  get circuit(): Circuit {
    const circuits = this.#staying.map(({ state }) => state.circuit);
    if (circuits.includes('closed') || circuits.length === 0) return 'closed';
    return circuits.includes('half-open') ? 'half-open' : 'open';
  }

  /** How often fewer of them were well than `panicBelow`, so that doubtful ones counted as well. */
  get panics(): number {
    return this.#panics;
  }

  /** What is known about the one about which the best is known. */
  get best(): EndpointState | undefined {
    const [first, ...others] = this.#staying;
    let best = first?.state;
    for (const { state } of others) {
      if (best === undefined || badness(state) < badness(best)) best = state;
    }
    return best;
  }

  /** What is known about the one that failed last. */
  get worst(): EndpointState | undefined {
    let worst = this.#staying[0]?.state;
    for (const { state } of this.#staying) {
      if (worst === undefined || lastFailure(state) > lastFailure(worst)) worst = state;
    }
    return worst;
  }

  find(url: string): Endpoint | undefined {
    return this.#all.find((endpoint) => endpoint.url === url);
  }

  /** Adds an endpoint, or takes one back that was being drained. */
  add(target: Target, now: number): Endpoint {
    const known = this.find(target.url);
    if (known !== undefined) {
      known.takeBack(target, now);
      this.#listChanged(now);
      return known;
    }
    const endpoint = this.#make(target);
    endpoint.comesBack(now);
    this.#all.push(endpoint);
    this.#listChanged(now);
    return endpoint;
  }

  /** From now on it gets no connection and no lease. */
  drain(endpoint: Endpoint, now: number): void {
    endpoint.drain();
    this.#listChanged(now);
  }

  /** Drops an endpoint that has no connection left. */
  forget(endpoint: Endpoint, now: number): void {
    this.#all.splice(this.#all.indexOf(endpoint), 1);
    this.#listChanged(now);
  }

  /** @returns whether its circuit changed */
  report(endpoint: Endpoint, sign: Sign, now: number): boolean {
    const circuitChanged = endpoint.report(sign, now);
    // Fast path, as calls are reported while anything is wrong: nothing changes for the others.
    if (endpoint.isMisjudged) this.#review(now);
    return circuitChanged;
  }

  /** Looks at all of them anew, after a change of one or of the list, and while shares grow. */
  #review(now: number): void {
    const serves = this.#all.some(({ condition, isDraining }) => !isDraining && condition !== 'failing');
    for (const endpoint of this.#all) {
      const { condition } = endpoint;
      const kept = condition === 'failing' ? (serves ? 'out' : 'doubtful') : condition;
      this.#stand(endpoint, endpoint.isDraining ? 'draining' : kept, now);
    }
    this.#troubled = this.#all.some(({ troubled }) => troubled);
    this.#share(now);
  }

  /** Lets the shares of those grow that came or came back. Called once a second. */
  sweep(now: number): void {
    if (this.#isWarming) this.#review(now);
  }

  /** Whether an endpoint was closed to loans since the last call: its idle connections are to be closed. */
  takeClosed(): boolean {
    const had = this.#hasClosed;
    this.#hasClosed = false;
    return had;
  }

  /** How long until an attempt may be made anywhere, in milliseconds. */
  wait(now: number, asked: boolean): number {
    let wait = Number.POSITIVE_INFINITY;
    for (const endpoint of this.#staying) wait = Math.min(wait, endpoint.wait(now, asked));
    return wait;
  }

  /** How long every circuit stays open, in milliseconds; 0 when an attempt may be made. */
  openFor(now: number): number {
    let wait = Number.POSITIVE_INFINITY;
    for (const endpoint of this.#staying) wait = Math.min(wait, endpoint.openFor(now));
    return wait === Number.POSITIVE_INFINITY ? 0 : wait;
  }

  /**
   * Where to open the next connection: of the well endpoints that take one, that with the fewest connections for its
   * share. So a connection goes where the next one would still leave the fewest (the method of D'Hondt).
   * @param takes whether one more may be opened there now
   */
  leastPopulated(takes: (endpoint: Endpoint) => boolean): Endpoint | undefined {
    const { length } = this.#staying;
    const from = Math.floor(this.#parts.random() * length);
    let least: Endpoint | undefined;
    let load = Number.POSITIVE_INFINITY;
    for (let index = 0; index < length; index++) {
      // Pools that start together begin at different ones.
      const endpoint = this.#staying[(from + index) % length] as Endpoint;
      if (endpoint.share <= 0) continue;
      const next = (endpoint.connections + 1) / endpoint.share;
      if (next < load && takes(endpoint)) [least, load] = [endpoint, next];
    }
    return least;
  }

  #make(target: Target): Endpoint {
    let slot = 0;
    while (this.#all.some((endpoint) => endpoint.slot === slot)) slot++;
    return new Endpoint(target, slot, this.#parts.settings, this.#parts.random);
  }

  #listChanged(now: number): void {
    this.#staying = this.#all.filter(({ isDraining }) => !isDraining);
    this.#review(now);
  }

  #stand(endpoint: Endpoint, standing: Standing, now: number): void {
    const before = endpoint.standing;
    if (!endpoint.stand(standing, now)) return;
    if (!endpoint.lends) this.#hasClosed = true;
    this.#parts.changed(endpoint, before);
  }

  #share(now: number): void {
    const { balancing } = this.#parts;
    this.#isWarming = false;
    const members = this.#all.map((endpoint) => {
      const warmth = warm(now - endpoint.warmsSince, balancing.slowStart);
      if (warmth < 1) this.#isWarming = true;
      const { weight, priority, zone } = endpoint.target;
      return { weight, priority, zone, standing: endpoint.standing, warm: warmth };
    });
    const { shares, panicked } = sharesOf(members, balancing);
    if (panicked && !this.#isPanicking && this.many) this.#panics++;
    this.#isPanicking = panicked;
    for (const [index, endpoint] of this.#all.entries()) endpoint.giveShare(shares[index] ?? 0, panicked);
    this.#someAreWell = this.#all.some(({ isWell }) => isWell);
  }
}

function badness({ circuit, failures, unanswered }: EndpointState): number {
  return circuit === 'closed' ? Math.max(failures, unanswered) : Number.POSITIVE_INFINITY;
}

function lastFailure({ failedAt, unansweredAt }: EndpointState): number {
  return Math.max(failedAt, unansweredAt);
}

import { withoutQuery } from '../config/address.js';
import type { Target } from '../config/endpoint-options.js';
import type { Candidate } from './candidate.js';
import {
  type EndpointSettings,
  type EndpointState,
  isProving,
  isTroubled,
  type Sign,
  told,
  unknownEndpoint,
  waitOf,
} from './endpoint-state.js';
import { PeakEwma } from './peak-ewma.js';
import type { Standing } from './shares.js';
import { SuccessRate } from './success-rate.js';

/** What is known about an endpoint by itself, without a look at the others. */
export type Condition =
  /** Nothing is known against it. */
  | 'well'
  /** A failure, a lost connection or a missing answer is not yet disproved. */
  | 'doubtful'
  /** Its circuit is not closed, it asked for a pause, is shutting down, or refuses the pool's own identity. */
  | 'failing';

/** One server of a pool: where it is, what is known about it, and what the pool has there. */
export class Endpoint implements Candidate {
  /** Where it is in lists by endpoint. */
  readonly slot: number;
  /** The address without its query string, which may be secret. */
  readonly shown: string;
  readonly #settings: EndpointSettings;
  readonly #random: () => number;
  #target: Target;
  #state = unknownEndpoint;
  #troubled = false;
  /** A connection was lost, or it asked for a pause: only an answer after this time disproves it. `-Infinity`: there is no doubt. */
  #doubtUntil = Number.NEGATIVE_INFINITY;
  /** The reason of that doubt. */
  #doubt: unknown;
  /** When the last sign against it came. */
  #blamedAt = Number.NEGATIVE_INFINITY;
  #openedAt = Number.NEGATIVE_INFINITY;
  /** It is shutting down, starting, or has no room. */
  #isBusy = false;

  /** The following are set by {@link Endpoints}, which sees all of them. */
  standing: Standing = 'well';
  /** Whether it is lent like a well one: it is well, or doubtful in a panic. */
  isWell = true;
  /** Whether its connections may be lent. */
  lends = true;
  /** The condition that its standing follows from. */
  known: Condition = 'well';
  /** Its part of the load, relative to the others. Set by {@link Endpoints}. */
  share: number;
  /** The operator drains it, or it left the list: it gets no further connections and no further leases. */
  isLeaving = false;
  /** When it came to the pool or became well again: its slow start counts from here. */
  #warmsSince: number = Number.NEGATIVE_INFINITY;
  #refusal: unknown;
  /** For strategies by turns: the virtual time of its next turn. */
  turn = 0;

  /** Connections there, those being opened included and those being closed not. Kept by the inventory. */
  connections = 0;
  /** Of these, being opened. */
  opening = 0;
  /** Connections that were opened there. */
  opened = 0;
  /** Leases there: of whole connections, and of single calls. Kept by whoever lends. */
  inUse = 0;
  /** How long a round trip takes. */
  readonly latency: PeakEwma = new PeakEwma();
  readonly #success = new SuccessRate();

  /** @param random from 0 (inclusive) to 1 */
  constructor(target: Target, slot: number, settings: EndpointSettings, random: () => number) {
    this.#target = target;
    this.slot = slot;
    this.shown = withoutQuery(target.url);
    this.share = target.weight;
    this.#settings = settings;
    this.#random = random;
  }

  get target(): Target {
    return this.#target;
  }

  /** The same address with another weight, zone or priority. */
  retarget(target: Target): void {
    this.#target = target;
  }

  get url(): string {
    return this.#target.url;
  }

  get state(): EndpointState {
    return this.#state;
  }

  /** How much of what was tried there lately succeeded, from 0 to 1. */
  get health(): number {
    return this.#success.average;
  }

  /** Whether anything is wrong, or was until recently. Cached, as it is asked at each release. */
  get troubled(): boolean {
    return this.#troubled || this.#doubtUntil > Number.NEGATIVE_INFINITY || this.#refusal !== undefined;
  }

  /** Why it is not well, or failed last; undefined when nothing is known against it. */
  get trouble(): unknown {
    const { lastError, silence } = this.#state;
    // It was told later than any failure before it.
    if (this.#isBusy && this.#doubt !== undefined) return this.#doubt;
    return lastError ?? silence ?? this.#doubt;
  }

  /** Whether no opening is known to work. */
  get proving(): boolean {
    return isProving(this.#state);
  }

  get condition(): Condition {
    if (this.#state.circuit !== 'closed' || this.#isBusy || this.#refusal !== undefined) return 'failing';
    return this.troubled ? 'doubtful' : 'well';
  }

  /** Why it refused the pool's own identity for good; undefined when it did not. */
  get refusal(): unknown {
    return this.#refusal;
  }

  /** @param refusal set before the failure itself is reported; undefined: it is asked again */
  refuses(refusal: unknown): void {
    this.#refusal = refusal;
  }

  /** Whether a connection was opened since the last sign against it: its answers decide, and another one tells nothing. */
  get isOnTrial(): boolean {
    return this.connections > this.opening && this.#openedAt >= this.#blamedAt;
  }

  /** Since when its share grows. */
  get warmsSince(): number {
    return this.#warmsSince;
  }

  /** It is new, or had no connections for a while: its share begins small, and its latency is not known. */
  comesBack(now: number): void {
    this.#warmsSince = now;
    this.latency.forget();
  }

  /** How long until the next attempt may be made, in milliseconds; `asked`: whether a caller waits for it. */
  wait(now: number, asked: boolean): number {
    return waitOf(this.#state, now, asked, this.#settings);
  }

  /** How long the circuit stays open, in milliseconds; 0 when an attempt may be made. */
  openFor(now: number): number {
    return this.#state.circuit === 'open' ? this.wait(now, true) : 0;
  }

  /** @returns whether the circuit changed */
  report(sign: Sign, now: number): boolean {
    const { circuit } = this.#state;
    this.#state = told(this.#state, sign, now, this.#settings, this.#random);
    this.#troubled = isTroubled(this.#state);
    this.#note(sign, now);
    return this.#state.circuit !== circuit;
  }

  #note(sign: Sign, now: number): void {
    if (isBlame(sign)) this.#blamedAt = now;
    switch (sign.sign) {
      case 'opened':
        this.opened++;
        this.#openedAt = now;
        // Only this shows that it takes new work again: old connections are answered while it shuts down, too.
        this.#isBusy = false;
        this.#doubtsNoMore();
        this.#refusal = undefined;
        this.#success.observe(true, now);
        break;
      case 'answered':
        this.#answered(sign.at, now);
        break;
      case 'busy':
        this.#isBusy = true;
        // No longer than the pause that is kept: the attempt after that pause has to count.
        this.#doubts(sign.error, now + Math.min(sign.retryAfter, this.#settings.idleProbeInterval));
        break;
      case 'leaving':
        this.#isBusy = true;
        this.#doubts(sign.error, now);
        break;
      case 'lost':
      case 'dropped':
        this.#doubts(sign.error, now);
        this.#success.observe(false, now);
        break;
      case 'silent':
        this.#doubts(sign.error, now);
        break;
      case 'failed':
      case 'refused':
      case 'unanswered':
        this.#success.observe(false, now);
        break;
      case 'hurry':
        this.#isBusy = false;
        this.#refusal = undefined;
        this.#doubtsNoMore();
        break;
    }
  }

  #answered(at: number, now: number): void {
    if (at >= this.#doubtUntil && !this.#isBusy) this.#doubtsNoMore();
    this.#success.observe(true, now);
  }

  #doubts(error: unknown, until: number): void {
    this.#doubtUntil = Math.max(this.#doubtUntil, until);
    this.#doubt = error;
  }

  #doubtsNoMore(): void {
    this.#doubtUntil = Number.NEGATIVE_INFINITY;
    this.#doubt = undefined;
  }
}

function isBlame({ sign }: Sign): boolean {
  switch (sign) {
    case 'attempted':
    case 'abandoned':
    case 'answered':
    case 'lasted':
    case 'opened':
    case 'hurry':
      return false;
    default:
      return true;
  }
}

import type { Endpoint } from '../endpoints/endpoint.js';
import {
  type Circuit,
  type EndpointState,
  isSuspect,
  type Sign,
  unknownEndpoint,
} from '../endpoints/endpoint-state.js';
import type { Endpoints } from '../endpoints/endpoints.js';
import type { EndpointTrouble } from '../errors/acquire.js';
import { DeadlineError } from '../errors/connect.js';
import { messageOf } from '../errors/error-message.js';
import type { Clock } from '../time/clock.js';
import type { PoolSettings } from './contract.js';
import type { GuardedFactory } from './guarded-factory.js';
import type { Identity } from './identity-group.js';
import type { Inventory } from './inventory.js';
import type { Journal } from './journal.js';
import type { PooledResource } from './resource.js';
import type { PoolStatistics } from './statistics.js';

/** A connection that dies within this many milliseconds after it was opened counts as a failed attempt. */
const settlingTime = 1000;

/** Why nothing can be opened before the first servers were found. */
const notFoundYet = new Error('no server is known yet, the first look for them is under way');

/** Whether the pool can serve now; if not, why, in one sentence. */
export interface Readiness {
  readonly ready: boolean;
  /** Undefined when it is ready. */
  readonly obstacle: string | undefined;
}

/** The state that readiness is derived from. */
export interface Vitals {
  readonly state: PoolStatistics['state'];
  /** Connections that were ever opened. */
  readonly opened: number;
  /** Whether an open connection has answered a call, or has outlived the settling time. */
  readonly serves: boolean;
  readonly unhealthyThreshold: number;
  readonly endpoint: Pick<EndpointState, 'failures' | 'unanswered' | 'lastError' | 'silence'>;
}

/**
 * A pool is ready when it lends, has opened at least one connection, its connections answer, and if openings fail,
 * other connections still serve. A busy pool, or one that fails to open one more connection, is still ready.
 */
export function readinessOf({ state, opened, serves, unhealthyThreshold, endpoint }: Vitals): Readiness {
  const { failures, unanswered, lastError, silence } = endpoint;
  const cause = because(lastError);
  const not = (obstacle: string): Readiness => ({ ready: false, obstacle });
  if (state === 'paused') return not('paused: it lends nothing until resume()');
  if (state !== 'running') return not('shut down');
  if (opened === 0) return not(cause === '' ? 'no connection was made yet' : `cannot open connections${cause}`);
  if (unanswered >= unhealthyThreshold) {
    return not(`the last ${unanswered} probes and calls got no answer${because(silence ?? lastError)}`);
  }
  if (failures > 0 && !serves) return not(`cannot open connections${cause}`);
  return { ready: true, obstacle: undefined };
}

function because(error: unknown): string {
  return error === undefined ? '' : `: ${messageOf(error)}`;
}

/** The parts of a pool that its health needs. */
export interface HealthParts<R, I extends Identity> {
  readonly clock: Clock;
  readonly endpoints: Endpoints;
  readonly factory: GuardedFactory<R, I>;
  readonly settings: PoolSettings;
  readonly inventory: Inventory<R, I>;
  readonly journal: Journal;
}

/** What the pool knows about the health of its servers. All signs arrive here, and the consequences are decided here. */
export class Health<R, I extends Identity> {
  readonly #endpoints: Endpoints;
  readonly #inventory: Inventory<R, I>;
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #unhealthyThreshold: number;
  readonly #factory: GuardedFactory<R, I>;
  #told = true;
  /** When the pool became unable to serve; undefined while it can. */
  #unableSince: number | undefined;

  constructor({ clock, endpoints, factory, inventory, journal, settings }: HealthParts<R, I>) {
    this.#endpoints = endpoints;
    this.#inventory = inventory;
    this.#journal = journal;
    this.#clock = clock;
    this.#unhealthyThreshold = settings.unhealthyThreshold;
    this.#factory = factory;
  }

  get circuit(): Circuit {
    return this.#endpoints.circuit;
  }

  /** Of the endpoint that failed last. */
  get lastError(): unknown {
    const { missing, worst } = this.#endpoints;
    return worst === undefined ? (missing ?? notFoundYet) : worst.lastError;
  }

  /** Probes and calls in a row that got no answer, at the endpoint about which the best is known. */
  get unanswered(): number {
    return this.#endpoints.best?.unanswered ?? 0;
  }

  /** Whether a new connection there is probed before it is lent. */
  isSuspect({ state }: Endpoint): boolean {
    return isSuspect(state);
  }

  /**
   * Whether no opening is known to work: then openings under way are not counted on once the next attempt may be made.
   */
  get proving(): boolean {
    return this.#endpoints.proving;
  }

  get troubled(): boolean {
    return this.#endpoints.troubled;
  }

  /** How long until the next attempt may be made, in milliseconds. */
  wait(now: number, asked: boolean): number {
    return this.#endpoints.wait(now, asked);
  }

  openFor(now: number): number {
    return this.#endpoints.openFor(now);
  }

  /** What is wrong with each endpoint. */
  troubles(now: number): EndpointTrouble[] {
    return this.#endpoints.staying.map((endpoint) => {
      const { shown, state, trouble } = endpoint;
      return {
        url: shown,
        state: state.circuit,
        lastError: trouble === undefined ? undefined : messageOf(trouble),
        nextProbeIn: endpoint.openFor(now),
      };
    });
  }

  /** Whether no open connection could serve and none may be opened now. */
  isCutOff(now: number): boolean {
    return this.#inventory.proven === 0 && this.circuit === 'open' && this.openFor(now) > 0;
  }

  report(endpoint: Endpoint, sign: Sign): void {
    const now = this.#clock.now();
    if (!this.#endpoints.report(endpoint, sign, now)) return;
    const { circuit: state, lastError: error } = endpoint.state;
    const nextProbeIn = endpoint.openFor(now);
    this.#journal.tell('circuitChanged', { endpoint: endpoint.shown, state, nextProbeIn, error });
  }

  /** An operator says that the servers work again. */
  hurry(): void {
    for (const endpoint of this.#endpoints.all) this.report(endpoint, { sign: 'hurry' });
  }

  /** An opening failed, and another attempt may succeed. */
  openFailed(member: PooledResource<R, I>, error: unknown, now: number): void {
    const { endpoint, group, since: began } = member;
    const retryAfter = this.#factory.retryAfter(error);
    this.#noticeLeaving(endpoint, error);
    if (retryAfter !== undefined) this.report(endpoint, { sign: 'busy', began, error, retryAfter });
    else if (this.#factory.isAnswer(error)) this.report(endpoint, { sign: 'refused', began, error });
    else if (group !== this.#inventory.ownGroup && error instanceof DeadlineError) this.silent(member, error, now);
    else this.report(endpoint, { sign: 'failed', began, error });
  }

  /**
   * Whether this refusal is final. One of several servers that refuses the pool's own identity is only a server that cannot
   * be used.
   */
  isRefusedEverywhere({ endpoint, group }: PooledResource<R, I>, error: unknown): boolean {
    if (!this.#endpoints.many) return true;
    if (group !== this.#inventory.ownGroup) return true;
    endpoint.refuses(error);
    if (this.#endpoints.staying.some(({ refusal }) => refusal === undefined)) return false;
    // The next caller has each of them asked again.
    for (const each of this.#endpoints.staying) each.refuses(undefined);
    return true;
  }

  /**
   * Whether a fatal failure of a probe, or of a change of identity, is final. With several servers that of the pool's own
   * identity is not: others may still take it, and openings show whether one does.
   */
  isFinal({ group }: PooledResource<R, I>): boolean {
    return !this.#endpoints.many || group !== this.#inventory.ownGroup;
  }

  /** @param isNew whether the connection is new and was probed because the server was suspect */
  probeFailed(member: PooledResource<R, I>, error: unknown, isNew: boolean, now: number): void {
    const { endpoint, group, since: began } = member;
    const isOwn = group === this.#inventory.ownGroup;
    // For another identity, an answer such as "session expired" says something about that identity, not about the
    // server.
    if (!isOwn && this.#factory.isAnswer(error)) this.report(endpoint, { sign: 'answered', began, at: now });
    else if (!isOwn && this.#factory.isFatal(error)) this.report(endpoint, { sign: 'abandoned', began });
    else {
      const isDeadline = error instanceof DeadlineError;
      if (isDeadline) this.silent(member, error, now);
      else this.report(endpoint, { sign: 'unanswered', began, error });
      if (isNew && (isOwn || !isDeadline)) this.report(endpoint, { sign: 'failed', began, error });
    }
  }

  /** A step got no answer in time on this connection. */
  silent(member: PooledResource<R, I>, error: unknown, now: number): void {
    const { endpoint, group } = member;
    // One of several servers that does not answer says nothing about the identity.
    const isItsOwn = !this.#endpoints.many || (group.silentAt !== undefined && group.silentAt !== endpoint.slot);
    if (group !== this.#inventory.ownGroup && isItsOwn) this.#inventory.silent(group, now);
    group.silentAt = endpoint.slot;
    this.#noAnswer(member, error);
  }

  /** Work goes elsewhere at once if this error says that the endpoint is shutting down or has no room. */
  #noticeLeaving(endpoint: Endpoint, error: unknown): void {
    if (this.#endpoints.many && this.#factory.isLeaving(error)) this.report(endpoint, { sign: 'leaving', error });
  }

  #noAnswer({ endpoint, group, since: began }: PooledResource<R, I>, error: unknown): void {
    const identity = group === this.#inventory.ownGroup ? undefined : group.identity.key;
    this.report(endpoint, { sign: 'unanswered', began, identity, error });
  }

  /** Reports what the calls of a lease showed about the server. */
  released(member: PooledResource<R, I>, leasedAt: number, now: number): void {
    const { endpoint, since: began } = member;
    if (member.retirement === 'unanswered') {
      this.#noAnswer(member, new Error('a call got no answer in time'));
      return;
    }
    if (member.retirement === 'leaving' && this.#endpoints.many) {
      const error = new Error('a call was answered that the server is shutting down, or has no room');
      this.report(endpoint, { sign: 'leaving', error });
      return;
    }
    if (!endpoint.troubled) return;
    const at = this.#answeredAt(member);
    if (at >= leasedAt) this.report(endpoint, { sign: 'answered', began, at: Math.min(at, now), byCall: true });
  }

  /** A connection was lost. If it was opened only a moment ago, this counts as a failed attempt. */
  lost(member: PooledResource<R, I>, error: unknown, now: number): void {
    this.#noticeLeaving(member.endpoint, error);
    const young = now - member.since < settlingTime;
    const at = this.#answeredAt(member);
    // It has served before, so this counts as the first such failure again, or the second.
    if (young && member.uses > 0 && at >= member.leasedAt) {
      this.report(member.endpoint, { sign: 'answered', began: member.since, at, byCall: true });
    }
    this.report(member.endpoint, { sign: young ? 'dropped' : 'lost', began: member.since, error });
  }

  /** Checks whether a connection opened since the last failure has outlived the settling time. */
  lookForLasting(now: number): void {
    if (!this.troubled) return;
    for (const member of this.#inventory) {
      const { endpoint } = member;
      if (!member.isOpen || !endpoint.troubled) continue;
      const at = this.#answeredAt(member);
      if (at < member.since) continue;
      this.report(endpoint, { sign: 'answered', began: member.since, at });
      if (now - member.since >= settlingTime) this.report(endpoint, { sign: 'lasted', began: member.since });
    }
  }

  #answeredAt(member: PooledResource<R, I>): number {
    return this.#factory.answeredAt(member.resource as R);
  }

  readiness(state: PoolStatistics['state'], now: number): Readiness {
    const endpoint = this.#endpoints.best ?? { ...unknownEndpoint, lastError: this.lastError };
    return readinessOf({
      state,
      opened: this.#journal.opened,
      serves: endpoint.failures === 0 || this.#serves(now),
      unhealthyThreshold: this.#unhealthyThreshold,
      endpoint,
    });
  }

  /** While connections are lost again and again, one that has answered only a probe does not count as serving. */
  #serves(now: number): boolean {
    for (const member of this.#inventory) {
      if (!member.isOpen || member.retirement !== undefined) continue;
      const { failures, failingSince } = member.endpoint.state;
      const believed = failures < this.#unhealthyThreshold;
      const hasLasted = member.since < failingSince || now - member.since >= settlingTime;
      if (hasLasted || (believed && this.#answeredAt(member) >= member.since)) return true;
    }
    return false;
  }

  /** How long the pool has been unable to serve, in milliseconds; 0 while it can, and before its first connection. */
  outage(now: number): number {
    return this.#unableSince === undefined ? 0 : now - this.#unableSince;
  }

  /** Emits an event when the pool became able, or unable, to serve. */
  tellChange(state: PoolStatistics['state'], now: number): void {
    // Pause and shutdown have events of their own.
    if (state !== 'running' || this.#journal.opened === 0) return;
    // Fast path, as this runs after every event: nothing is wrong, and the last event said so.
    if (this.#told && !this.troubled) return;
    const { ready } = this.readiness(state, now);
    if (ready === this.#told) return;
    this.#told = ready;
    this.#unableSince = ready ? undefined : now;
    const { unanswered, lastError, silence } = this.#endpoints.worst ?? unknownEndpoint;
    this.#journal.tell('healthChanged', {
      healthy: ready,
      unanswered,
      error: ready ? undefined : (silence ?? lastError),
    });
  }
}

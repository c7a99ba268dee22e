import type { Clock, Timer } from '../time/clock.js';
import type { Identity } from './identity-group.js';
import type { PooledResource } from './resource.js';
import type { Waiter } from './waiter.js';
import type { WaitingLine } from './waiting-line.js';

/**
 * How long, in milliseconds, a connection stays with an identity while others wait for it, given how long switching it
 * took. With more identities than connections, most of the time would go into switching if each lease were of another.
 */
export function stayFor(duration: number): number {
  return Math.min(2 * duration, longestStay);
}

const longestStay = 50;

/** What affinity needs. */
export interface AffinityParts<R, I extends Identity> {
  readonly clock: Clock;
  readonly line: WaitingLine<R, I>;
  /** Something has changed: match waiters and connections again. */
  readonly dispatch: () => void;
}

/**
 * Keeps a connection with the identity that it was switched to for a little while, although a waiter of another one
 * comes first: until then waiters of its own identity are served on it, and if there is none, the callers that were
 * answered on it last may come back before the turn of the event loop ends.
 */
export class Affinity<R, I extends Identity> {
  readonly #parts: AffinityParts<R, I>;
  /** Idle connections whose callers may come back. */
  #expecting: PooledResource<R, I>[] = [];
  #timer: Timer | undefined;

  constructor(parts: AffinityParts<R, I>) {
    this.#parts = parts;
  }

  end(): void {
    this.#timer?.cancel();
  }

  /** The waiter to serve on a free connection, given who is next; undefined when it is to become one of another identity. */
  waiterFor(member: PooledResource<R, I>, next: Waiter<R, I>, now: number): Waiter<R, I> | undefined {
    if (next.group === member.group) return next;
    if (!this.#stays(member, next, now)) return undefined;
    return this.#parts.line.firstOf(member.group);
  }

  /** Called before a connection becomes idle although others wait: whether its own callers may come back to it first. */
  expect(member: PooledResource<R, I>, next: Waiter<R, I>, now: number): void {
    if (!this.#stays(member, next, now)) return;
    member.expectsCallers = true;
    this.#expecting.push(member);
    this.#timer ??= this.#parts.clock.afterReading(() => this.#giveUp());
  }

  #stays(member: PooledResource<R, I>, next: Waiter<R, I>, now: number): boolean {
    return now < member.staysUntil && !next.tenant.isBelowReserve;
  }

  #giveUp(): void {
    this.#timer = undefined;
    for (const member of this.#expecting) member.expectsCallers = false;
    this.#expecting = [];
    this.#parts.dispatch();
  }
}

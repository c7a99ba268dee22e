import type { Candidate } from '../candidate.js';
import type { PeakEwma } from '../peak-ewma.js';
import { rankOf } from './rank.js';
import { Turns } from './turns.js';

/** One that is on trial gets this part of its turns: it is chosen if there is no other. */
const trialPart = 0.001;
/** How often those are looked for whose latency is old, in milliseconds. */
const checkInterval = 1000;
/** With as many calls under way, and as many times those that are usual, an endpoint has fallen behind. */
const patience = 2;
/** The usual number of calls under way is an average over about as many choices. */
const memory = 32;

/**
 * By turns, weighted by share and by 1 / latency (peak EWMA), so an endpoint twice as slow gets half the calls:
 *
 * - one caller: two calls to the faster one, then one to the slower one;
 * - many callers: half the calls for twice the time is as many calls under way at each.
 *
 * Finagle's `P2CPeakEwma` takes the smaller latency × (1 + calls under way) of two random ones instead. That is for
 * many callers and many endpoints. Of two endpoints it gives a single caller always the faster one. Of calls under way
 * this keeps one thing: an endpoint with more than 2 and twice as many as usual has stopped to answer, or is about to,
 * and each further one makes its next turn come later by as much again. That is seen before any latency is known.
 *
 * An endpoint without history is tried by one caller, and gets next to nothing until its latency is known, for up to 10 s.
 * One whose latency is old is tried by one caller, too.
 */
export class Latency extends Turns {
  /** The speed of the one chosen last, taken for that of an unknown one. */
  #usualSpeed = 1;
  /** The calls under way per share at those chosen. */
  #usualLoad = 0;
  #now = 0;
  #checkAt = Number.NEGATIVE_INFINITY;

  protected speed({ share, inUse, latency }: Candidate): number {
    const speed = latency.speed > 0 ? latency.speed : this.#speedOfUnknown(latency);
    if (share === 0) return speed;
    const behind = inUse - patience * (1 + this.#usualLoad * share);
    return behind > 0 ? (speed * share) / (1 + behind) : speed * share;
  }

  override choose<C extends Candidate>(candidates: readonly C[], now: number): C {
    this.#now = now;
    const chosen = (now < this.#checkAt ? undefined : this.#firstDue(candidates, now)) ?? super.choose(candidates, now);
    const { latency, share, inUse } = chosen;
    latency.tried(now);
    if (latency.speed > 0) this.#usualSpeed = latency.speed;
    if (share > 0) this.#usualLoad += (inUse / share - this.#usualLoad) / memory;
    return chosen;
  }

  #speedOfUnknown(latency: PeakEwma): number {
    return latency.isOnTrial(this.#now) ? this.#usualSpeed * trialPart : this.#usualSpeed;
  }

  /** Looks at all, once in a while; again at the next choice if there may be more. */
  #firstDue<C extends Candidate>(candidates: readonly C[], now: number): C | undefined {
    const due = candidates.find((candidate) => rankOf(candidate) === 0 && candidate.latency.isDue(now));
    if (due === undefined) this.#checkAt = now + checkInterval;
    return due;
  }
}

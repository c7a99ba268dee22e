import type { Candidate } from '../candidate.js';
import { rankOf } from './rank.js';
import { Turns } from './turns.js';

/** One that is on trial stands behind the well ones whose latency is known. */
const onTrial = 2;
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
 * and each further one delays its next turn by as much again. That is seen before any latency is known.
 *
 * An endpoint without history is tried by one caller, and stands behind the others until its latency is known, for up to
 * 10 s.
 */
export class Latency extends Turns {
  /** The latency of the one chosen last, with which an unknown one is charged. */
  #usualLatency = 1;
  /** The calls under way per share at those chosen. */
  #usualLoad = 0;

  protected override rank(candidate: Candidate, now: number): number {
    const rank = rankOf(candidate);
    return candidate.latency.isOnTrial(now) ? rank + onTrial : rank;
  }

  protected step({ share, inUse, latency }: Candidate, now: number): number {
    if (latency.isDue(now)) return 0;
    const cost = latency.cost || this.#usualLatency;
    if (share === 0) return cost;
    const behind = inUse - patience * (1 + this.#usualLoad * share);
    return ((behind > 0 ? 1 + behind : 1) * cost) / share;
  }

  override choose<C extends Candidate>(candidates: readonly C[], now: number): C {
    const chosen = super.choose(candidates, now);
    const { latency, share, inUse } = chosen;
    latency.tried(now);
    this.#usualLatency = latency.cost || this.#usualLatency;
    if (share > 0) this.#usualLoad += (inUse / share - this.#usualLoad) / memory;
    return chosen;
  }
}

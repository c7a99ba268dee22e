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
 * and each further one makes its next turn come later by as much again. That is seen before any latency is known.
 *
 * An endpoint without history is tried by one caller, and stands behind the others until its latency is known, for up to
 * 10 s.
 */
export class Latency extends Turns {
  /** The speed of the one chosen last, taken for that of an unknown one. */
  #usualSpeed = 1;
  /** The calls under way per share at those chosen. */
  #usualLoad = 0;
  /** The index of the candidate that was last asked whether its latency is due: one at each choice. */
  #checked = 0;

  protected override rank(candidate: Candidate, now: number): number {
    const rank = rankOf(candidate);
    return candidate.latency.speed === 0 && candidate.latency.isOnTrial(now) ? rank + onTrial : rank;
  }

  protected speed({ share, inUse, latency }: Candidate): number {
    const speed = latency.speed || this.#usualSpeed;
    if (share === 0) return speed;
    const behind = inUse - patience * (1 + this.#usualLoad * share);
    return behind > 0 ? (speed * share) / (1 + behind) : speed * share;
  }

  override choose<C extends Candidate>(candidates: readonly C[], now: number): C {
    this.#checked = this.#checked + 1 < candidates.length ? this.#checked + 1 : 0;
    const checked = candidates[this.#checked];
    const isDue = checked?.latency.isDue(now) === true && rankOf(checked) === 0;
    const chosen = isDue ? checked : super.choose(candidates, now);
    const { latency, share, inUse } = chosen;
    latency.tried(now);
    this.#usualSpeed = latency.speed || this.#usualSpeed;
    if (share > 0) this.#usualLoad += (inUse / share - this.#usualLoad) / memory;
    return chosen;
  }
}

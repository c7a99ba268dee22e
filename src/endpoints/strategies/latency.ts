import type { Candidate } from '../candidate.js';
import { standingOf } from './standing.js';
import { Turns } from './turns.js';

/** Those that wait for what a first caller sees stand behind the well ones that are known. */
const onTrial = 2;

/**
 * By turns, weighted by share and by the time an endpoint takes for its calls: peak EWMA × (1 + calls under way per
 * share), the load of Finagle's `P2CPeakEwma`.
 *
 * Finagle takes the smaller load of two random ones. With many endpoints and calls measured by themselves that evens
 * out; a pool of two endpoints with one caller would send all to the faster one, and none to the slower. So the load is
 * the step between two turns here. Then an endpoint twice as slow gets half the calls:
 *
 * - one caller: none is under way, the steps are as 1 to 2;
 * - many callers: both have as many under way (half the calls for twice the time), and the steps are again as 1 to 2.
 *
 * An endpoint that stops to answer has more and more calls under way, and gets fewer and fewer turns long before a
 * latency is known. One without history is tried by one caller, and stands behind the others until its latency is
 * known, for up to 10 s.
 */
export class Latency extends Turns {
  /** The cost of the one chosen last: what an unknown one is charged. */
  #usual = 1;

  protected override standing(candidate: Candidate, now: number): number {
    const standing = standingOf(candidate);
    return candidate.latency.isOnTrial(now) ? standing + onTrial : standing;
  }

  protected step({ share, inUse, latency }: Candidate, now: number): number {
    if (latency.isDue(now)) return 0;
    const cost = latency.cost || this.#usual;
    return share > 0 ? (cost * (1 + inUse / share)) / share : cost * (1 + inUse);
  }

  override choose<C extends Candidate>(candidates: readonly C[], now: number): C {
    const chosen = super.choose(candidates, now);
    const { latency } = chosen;
    latency.tried(now);
    if (latency.cost > 0) this.#usual = latency.cost;
    return chosen;
  }
}

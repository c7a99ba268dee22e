import type { Candidate, Strategy } from '../candidate.js';
import { maxEffort, Sample } from './sample.js';
import { noStanding, standingOf } from './standing.js';

/**
 * By turns: each candidate's next turn is a {@link step} of virtual time after its last one, and the earliest is
 * chosen. So candidates with steps of 1 and 2 are chosen two to one, evenly mixed (stride scheduling: Waldspurger and
 * Weihl, 1995).
 *
 *     step 1:  ●   ●   ●   ●
 *     step 2:  ○       ○         ──▶ virtual time
 *
 * The present is the latest turn that was served. One that was away, or is new, has missed turns: it gets one of them.
 * It would otherwise get all calls until it had made up for all.
 */
export abstract class Turns implements Strategy {
  readonly #sample: Sample;
  #present = 0;

  constructor(random: () => number) {
    this.#sample = new Sample(random);
  }

  /** From one turn to the next of a candidate: the smaller, the more turns. */
  protected abstract step(candidate: Candidate, now: number): number;

  /** The smaller, the better; those with the smallest take turns. */
  protected standing(candidate: Candidate, _now: number): number {
    return standingOf(candidate);
  }

  choose<C extends Candidate>(candidates: readonly C[], now: number): C {
    const sample = this.#sample;
    let best: C | undefined;
    let bestStanding = noStanding;
    let bestTurn = 0;
    let bestStep = 0;
    for (let effort = 0; effort < maxEffort; effort++) {
      sample.draw(candidates.length);
      let index = sample.first;
      for (let looked = 0; looked < sample.size; looked++) {
        // A sample has only indices of candidates.
        const candidate = candidates[index] as C;
        index = sample.after(index);
        const standing = this.standing(candidate, now);
        if (standing > bestStanding) continue;
        const step = this.step(candidate, now);
        const turn = candidate.turn + step;
        if (standing < bestStanding || turn < bestTurn) {
          best = candidate;
          bestStanding = standing;
          bestTurn = turn;
          bestStep = step;
        }
      }
      if (bestStanding === 0 || sample.size === candidates.length) break;
    }
    if (best === undefined) throw new RangeError('there is no endpoint to choose from');
    best.turn = Math.max(bestTurn, this.#present - bestStep);
    if (bestTurn > this.#present) this.#present = bestTurn;
    return best;
  }
}

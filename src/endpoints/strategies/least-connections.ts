import type { Candidate, Strategy } from '../candidate.js';
import { maxEffort, Sample } from './sample.js';
import { noStanding, standingOf } from './standing.js';

/**
 * The fewest connections in use for its share; of equal ones the one whose turn is next (as nginx's `least_conn`).
 * Turns are as in {@link Turns}: without them the same one would be chosen whenever none is in use.
 */
export class LeastConnections implements Strategy {
  readonly #sample: Sample;
  #present = 0;

  constructor(random: () => number) {
    this.#sample = new Sample(random);
  }

  choose<C extends Candidate>(candidates: readonly C[]): C {
    const sample = this.#sample;
    let best: C | undefined;
    let bestStanding = noStanding;
    let bestLoad = 0;
    let bestTurn = 0;
    let bestStep = 0;
    for (let effort = 0; effort < maxEffort; effort++) {
      sample.draw(candidates.length);
      let index = sample.first;
      for (let looked = 0; looked < sample.size; looked++) {
        // A sample has only indices of candidates.
        const candidate = candidates[index] as C;
        index = sample.after(index);
        const standing = standingOf(candidate);
        if (standing > bestStanding) continue;
        const step = candidate.share > 0 ? 1 / candidate.share : 1;
        const load = candidate.inUse * step;
        if (standing === bestStanding && load > bestLoad) continue;
        const turn = candidate.turn + step;
        if (standing < bestStanding || load < bestLoad || turn < bestTurn) {
          best = candidate;
          bestStanding = standing;
          bestLoad = load;
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

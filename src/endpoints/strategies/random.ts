import type { Candidate, Strategy } from '../candidate.js';
import { few, most, noRank, rankOf } from './rank.js';

/** The largest share seen becomes smaller by this factor at each choice, since that endpoint may be gone. */
const forgetting = 0.9999;

/**
 * At random, weighted by share. Of few, the shares are added up. Of many, one is drawn, and accepted with the
 * likelihood of its share to the largest one (rejection sampling), so no sum over all is needed.
 */
export class RandomChoice implements Strategy {
  readonly #random: () => number;
  #largest = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  choose<C extends Candidate>(candidates: readonly C[]): C {
    const chosen = candidates.length <= few ? this.#ofFew(candidates) : this.#ofMany(candidates);
    if (chosen === undefined) throw new RangeError('there is no endpoint to choose from');
    return chosen;
  }

  #ofFew<C extends Candidate>(candidates: readonly C[]): C | undefined {
    let best = noRank;
    let sum = 0;
    for (let index = 0; index < candidates.length; index++) {
      // The index is below the length.
      const candidate = candidates[index] as C;
      const rank = rankOf(candidate);
      if (rank > best) continue;
      if (rank < best) sum = 0;
      best = rank;
      sum += candidate.share;
    }
    let left = this.#random() * sum;
    let chosen: C | undefined;
    for (let index = 0; index < candidates.length; index++) {
      const candidate = candidates[index] as C;
      if (rankOf(candidate) !== best) continue;
      chosen = candidate;
      left -= candidate.share;
      if (left < 0) break;
    }
    return chosen;
  }

  #ofMany<C extends Candidate>(candidates: readonly C[]): C | undefined {
    let best: C | undefined;
    let bestRank = noRank;
    let largest = this.#largest * forgetting;
    for (let draws = 0; draws < most; draws++) {
      const place = this.#random() * candidates.length;
      const index = Math.floor(place);
      const candidate = candidates[index] as C;
      if (candidate.share > largest) largest = candidate.share;
      // What is left of the number is random as well. One that is not accepted is better than none.
      const isAccepted = (place - index) * largest < candidate.share;
      const rank = rankOf(candidate) + (isAccepted ? 0 : 0.5);
      if (rank >= bestRank) continue;
      best = candidate;
      bestRank = rank;
      if (rank === 0) break;
    }
    this.#largest = largest;
    return best;
  }
}

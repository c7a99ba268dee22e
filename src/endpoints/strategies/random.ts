import type { Candidate, Strategy } from '../candidate.js';
import { few, most, noRank, rankOf } from './rank.js';

/** The largest share seen becomes smaller by this factor at each choice, since that endpoint may be gone. */
const forgetting = 0.9999;

/**
 * At random, weighted by share. Of few, the shares are added up. Of many, one is drawn, and accepted with the
 * likelihood of its share to the largest one (rejection sampling), so no sum over all is needed.
 */
export class RandomChoice implements Strategy {
  #state: number;
  #largest = 0;

  /** @param random from 0 (inclusive) to 1; only the seed is taken from it */
  constructor(random: () => number) {
    this.#state = Math.floor(random() * 2 ** 32) | 1;
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
    let left = this.#roll() * sum;
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
      const place = this.#roll() * candidates.length;
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

  /** From 0 to 1, both excluded (xorshift: Marsaglia, 2003). A third of the time `Math.random` takes when called from here. */
  #roll(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) / 2 ** 32;
  }
}

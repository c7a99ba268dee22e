import type { Candidate, Strategy } from '../candidate.js';
import { few, isFirstRank, most, noRank, rankOf } from './rank.js';

/** A candidate that missed more turns than this was away, if all are looked at. */
const missable = 1;
/** And if not all are looked at: then one with a large share misses turns because it is not seen in time. */
const missableOfMany = 8;

/**
 * By turns: each candidate's next turn is a step of virtual time after its last one, and the earliest is chosen. So
 * candidates with steps of 1 and 2 are chosen two to one, evenly mixed (stride scheduling: Waldspurger and
 * Weihl, 1995).
 *
 *     step 1:  ●   ●   ●   ●
 *     step 2:  ○       ○         ──▶ virtual time
 *
 * The present is the latest turn that was served. One that was away, or is new, has missed turns. It is chosen at once,
 * but does not make up for the others: it would get all calls until it had. Its next turn is at a random place within a
 * step, so that those that come together do not all have their turn at the same time.
 *
 * The candidates are gone round: the next one whose turn is not after the present is chosen, or the earliest of the next
 * 8. So most choices look at one or two, and each gets the part that is due to it, up to about 3 times
 * an even part when there are more than 8; beyond that it gets less than is due.
 */
export abstract class Turns implements Strategy {
  readonly #random: () => number;
  #present = 0;
  #cursor = 0;

  /** @param random from 0 (inclusive) to 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** How many turns of a candidate come in one unit of virtual time, above 0. */
  protected abstract speed(candidate: Candidate): number;

  /** Those with the smallest rank take turns. */
  protected rank(candidate: Candidate): number {
    return rankOf(candidate);
  }

  choose<C extends Candidate>(candidates: readonly C[], _now: number): C {
    const count = candidates.length;
    const enough = Math.min(count, few);
    const end = Math.min(count, most);
    const present = this.#present;
    let index = this.#cursor;
    let best: C | undefined;
    let bestRank = noRank;
    let bestTurn = 0;
    let foundDue = false;
    for (let looked = 0; looked < enough || (looked < end && !isFirstRank(bestRank)); looked++) {
      if (index >= count) index = 0;
      // The index is below the length.
      const candidate = candidates[index++] as C;
      const rank = this.rank(candidate);
      if (rank > bestRank) continue;
      const speed = this.speed(candidate);
      const isDue = rank === 0 && (present - candidate.turn) * speed >= 1;
      const turn = candidate.turn + 1 / speed;
      if (rank === bestRank && turn >= bestTurn && !isDue) continue;
      best = candidate;
      bestRank = rank;
      bestTurn = turn;
      foundDue = isDue;
      if (isDue) break;
    }
    if (best === undefined) throw new RangeError('there is no endpoint to choose from');
    // If those looked at were the same 8 each time round, they would compete only with each other.
    this.#cursor = foundDue || count % few !== 0 ? index : index - 1;
    this.#serve(best, bestTurn, count <= few ? missable : missableOfMany);
    return best;
  }

  #serve(candidate: Candidate, turn: number, allowed: number): void {
    const present = this.#present;
    const step = turn - candidate.turn;
    const begins = candidate.turn === 0 || present - turn > allowed * step;
    candidate.turn = begins ? present - this.#random() * step : turn;
    if (candidate.turn > present) this.#present = candidate.turn;
  }
}

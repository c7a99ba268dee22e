import type { Candidate } from '../candidate.js';

/** So many candidates, or fewer, are all looked at. Of more, as many are looked at. */
export const few = 8;
/** As many are looked at when none of those is well: if half are ill, one in 2³² choices finds no well one. */
export const most = 32;

/** Behind every candidate. */
export const noRank = 8;

/** The smaller, the better: well ones before others, and of each, those that have a part of the load. */
export function rankOf({ isWell, share }: Candidate): number {
  return (isWell ? 0 : 4) + (share > 0 ? 0 : 1);
}

/** Whether a candidate of this rank is well and has a part of the load, whatever a strategy adds to its rank below 1. */
export function isFirstRank(rank: number): boolean {
  return rank < 1;
}

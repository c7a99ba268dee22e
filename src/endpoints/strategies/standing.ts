import type { Candidate } from '../candidate.js';

/** Above those of every candidate that has a standing. */
export const noStanding = 8;

/** The smaller, the better: well ones before others, and of each, those that have a part of the load. */
export function standingOf({ isWell, share }: Candidate): number {
  return (isWell ? 0 : 4) + (share > 0 ? 0 : 1);
}

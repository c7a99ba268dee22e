import type { Candidate } from '../candidate.js';
import { Turns } from './turns.js';

/** By turns; one with twice the share has twice the turns. */
export class RoundRobin extends Turns {
  protected speed({ share }: Candidate): number {
    return share > 0 ? share : 1;
  }
}
